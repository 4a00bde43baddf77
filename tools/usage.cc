// SPDX-License-Identifier: Apache-2.0
#include "tools/usage.h"

#include <algorithm>

#include "engine/rule/diagnostics.h"

namespace nsw::tools {
namespace {

using rule::Quoted;

std::string VerbList(const CLI::App& app) {
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  size_t width = 0;
  for (const CLI::App* verb : verbs) width = std::max(width, verb->get_name().size());
  std::string text = "the verbs are:\n";
  for (const CLI::App* verb : verbs) {
    text += "  " + verb->get_name() + std::string(width - verb->get_name().size() + 2, ' ') +
            verb->get_description() + "\n";
  }
  return text;
}

std::string UnknownVerb(const CLI::App& app, const std::string& word) {
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  std::vector<std::string_view> names;
  for (const CLI::App* verb : verbs) names.emplace_back(verb->get_name());
  const std::string_view nearest = rule::Nearest(word, names);
  std::string text = "nswarden: there is no verb " + Quoted(word);
  if (!nearest.empty()) text += "; did you mean " + std::string(nearest) + "?";
  return text + "\n" + VerbList(app);
}

// `app`: the program, or the verb that the flag was given to.
std::string UnknownFlag(const CLI::App& app, const std::string& command, const std::string& word) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  const std::string flag = word.substr(0, word.find('='));
  return command + ": there is no option " + Quoted(flag) + "; " +
         rule::DidYouMean(flag, std::vector<std::string_view>(flags.begin(), flags.end())) + "\n";
}

bool IsFlag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

}  // namespace

std::string UsageText(const CLI::App& app, const CLI::ParseError& error) {
  const auto given = app.get_subcommands();
  const std::vector<std::string> left = app.remaining();
  // A flag that was not understood may have swallowed what the complaint is about: it is told
  // first.
  if (given.empty()) {
    if (left.empty()) return app.help();
    return IsFlag(left[0]) ? UnknownFlag(app, "nswarden", left[0]) : UnknownVerb(app, left[0]);
  }
  const CLI::App& verb = *given[0];
  const std::string command = "nswarden " + verb.get_name();
  std::vector<std::string> words = verb.remaining();
  words.insert(words.end(), left.begin(), left.end());
  const auto flag = std::ranges::find_if(words, IsFlag);
  if (flag != words.end()) return UnknownFlag(verb, command, *flag);
  if (!words.empty()) return command + ": nothing is done with " + Quoted(words[0]) + "\n";
  return command + ": " + error.what() + "; `" + command + " --help` says more\n";
}

}  // namespace nsw::tools
