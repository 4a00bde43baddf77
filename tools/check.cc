// SPDX-License-Identifier: Apache-2.0
// nswarden check FILE...: are these policies right? Needs no root. With --against-history: what
// would they have refused of what happened?
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/config.h"
#include "engine/rule/rule.h"
#include "store/against.h"
#include "store/when.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::string config;
  bool against = false;
  bool strict = false;
  std::string history = "/var/lib/nswarden/history.db";
  std::string since;
};

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void PrintAgainst(const store::Against& against) {
  for (const store::WouldRefuse& one : against.refusals) {
    fprintf(stderr, "warning: %s: %s %s (%llux, by %s) would be refused by %s\n",
            Escape(one.container).c_str(), one.list.c_str(), Escape(one.object).c_str(),
            static_cast<unsigned long long>(one.count), Escape(one.process).c_str(),
            Escape(one.rule->name).c_str());
  }
  if (!against.left_out.empty())
    fprintf(stderr,
            "warning: not held against the history, which has neither labels, privileges nor the "
            "host's acts: %s\n",
            Joined(against.left_out).c_str());
  if (!against.unrecorded.empty())
    fprintf(stderr,
            "warning: the history has none of these, unless it is told to record them: %s\n",
            Joined(against.unrecorded).c_str());
  if (against.unreadable != 0)
    fprintf(stderr, "warning: %llu acts of the history cannot be read\n",
            static_cast<unsigned long long>(against.unreadable));
  printf("acts in the history: %llu; different ones that would have been refused: %zu\n",
         static_cast<unsigned long long>(against.acts), against.refusals.size());
}

int HoldAgainst(const rule::PolicySet& policies, const Flags& flags) {
  std::optional<uint64_t> since;
  if (!flags.since.empty()) {
    const auto when = store::ParseWhen(flags.since, SystemClock().RealNs());
    if (!when) {
      fprintf(stderr, "--since: %s\n", when.error().message.c_str());
      return 2;
    }
    since = *when;
  }
  const auto against = store::HoldAgainst(flags.history, policies, since);
  if (!against) {
    fprintf(stderr, "%s\n", against.error().message.c_str());
    return 1;
  }
  PrintAgainst(*against);
  const bool clean = against->refusals.empty() && against->unreadable == 0;
  return flags.strict && !clean ? 1 : 0;
}

int CheckPolicies(const Flags& flags) {
  // Root's own files may be those that the engine is to read; another's never are.
  const rule::Loaded loaded =
      rule::LoadPolicies({flags.files.begin(), flags.files.end()},
                         {.check_owner = false, .warn_owner = geteuid() == 0});
  for (const rule::Diagnostic& one : loaded.diagnostics) {
    fprintf(stderr, "%s\n", one.Text().c_str());
  }
  if (loaded.set == nullptr) return 1;
  if (loaded.set->policies().empty()) {
    for (const std::string& file : flags.files) {
      const bool directory = std::filesystem::is_directory(file);
      fprintf(stderr, "%s: there is no policy in it%s\n", file.c_str(),
              directory ? ": of a directory its *.yaml and *.yml are read" : "");
    }
    return 1;
  }
  for (const rule::PolicyInfo& policy : loaded.set->policies()) {
    printf("%s: policy %s: ok (%zu rules, %zu deny entries", policy.file.c_str(),
           policy.name.c_str(), policy.rules, policy.deny_entries);
    if (policy.allow_lists > 0)
      printf(", %zu allow lists of %zu entries", policy.allow_lists, policy.allow_entries);
    printf(")\n");
  }
  return flags.against ? HoldAgainst(*loaded.set, flags) : 0;
}

int CheckConfig(const std::string& file) {
  const auto config = ReadConfig(file);
  if (!config) {
    fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  printf("%s: ok\n", file.c_str());
  return 0;
}

int Check(const Flags& flags) {
  if (flags.files.empty() && flags.config.empty()) {
    fprintf(stderr, "nothing to check: name policy files or directories, or --config FILE\n");
    return 2;
  }
  const int config = flags.config.empty() ? 0 : CheckConfig(flags.config);
  const int policies = flags.files.empty() ? 0 : CheckPolicies(flags);
  return config != 0 ? config : policies;
}

}  // namespace

void AddCheck(CLI::App& app, int& status) {
  auto flags = std::make_shared<Flags>();
  CLI::App* verb =
      app.add_subcommand("check", "check policy files; says every mistake with its place");
  verb->add_option("FILE", flags->files, "policy files or directories");
  verb->add_option("--config", flags->config, "check a configuration file");
  auto* against = verb->add_flag("--against-history", flags->against,
                                 "warn of acts in the history that they would have refused");
  verb->add_flag("--strict", flags->strict,
                 "... and fail where there are any, or acts that cannot be read")
      ->needs(against);
  verb->add_option("--history", flags->history, "... in this file")
      ->capture_default_str()
      ->needs(against);
  verb->add_option("--since", flags->since, "... since then: so long ago (10m, 2d), or a date")
      ->needs(against);
  verb->callback([flags, &status] { status = Check(*flags); });
}

}  // namespace nsw::tools
