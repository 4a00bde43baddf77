// SPDX-License-Identifier: Apache-2.0
// Ways to load policies with lists, and to ask them.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/rule/acts.h"

namespace nsw::rule::test {

inline std::string Policy(const std::string& text) { return "nswarden: 1\npolicy: p\n" + text; }

/// The rule that would refuse, "" if none.
inline std::string Says(const PolicySet& set, const event::Event& event) {
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < set.policies().size(); i++) all.push_back(i);
  const RuleInfo* rule = set.MatchDeny(event, all);
  return rule == nullptr ? "" : rule->name;
}

inline std::string Says(const PolicySet& set, const std::unique_ptr<Act>& act) {
  return Says(set, act->event);
}

/// Several policies, by their texts.
inline std::shared_ptr<const PolicySet> LoadAll(const std::vector<std::string>& texts) {
  const std::filesystem::path dir =
      std::filesystem::path(testing::TempDir()) / ("lists" + std::to_string(getpid()));
  std::filesystem::create_directories(dir);
  std::vector<std::filesystem::path> files;
  for (const std::string& text : texts) {
    files.push_back(dir / (std::to_string(files.size()) + ".yaml"));
    std::ofstream(files.back()) << text;
  }
  const Loaded loaded = LoadPolicies(files, {.check_owner = false});
  std::filesystem::remove_all(dir);
  for (const Diagnostic& one : loaded.diagnostics) ADD_FAILURE() << one.Text();
  return loaded.set;
}

inline std::unique_ptr<Act> By(std::unique_ptr<Act> act, const std::string& exe) {
  act->process.exepath = exe;
  act->process.before = exe;
  return act;
}

}  // namespace nsw::rule::test
