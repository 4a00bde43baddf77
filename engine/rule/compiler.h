// SPDX-License-Identifier: Apache-2.0
// The compiler: from the IR of all files to compiled policies. Goes on after a mistake, to find all
// of them.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/rule/condition.h"
#include "engine/rule/deny_compiler.h"
#include "engine/rule/deny_matcher.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"
#include "engine/rule/rule.h"
#include "engine/rule/selector.h"

namespace nsw::rule {

/// A rule that an event can match, with its condition as it is for that event.
struct Candidate {
  const RuleInfo* rule;
  Condition condition;
};

struct CompiledPolicy {
  PolicyInfo info;
  bool first_match = false;  ///< a plain Falco file: its first rule that matches is the one
  Selector selector;
  std::vector<std::unique_ptr<RuleInfo>> rules;  ///< those that are enabled, in order
  std::array<std::vector<Candidate>, NSW_EVENT_COUNT> by_event;  ///< in the rules' order
  uint64_t wants = 0;  ///< what the kernel must be told for the rules' fields, beside the events
  std::set<std::string> read_names;  ///< see PolicySet
  Ports ports;                       ///< see PolicySet
  CompiledLists lists;               ///< its plan has gone into `plan`
  std::shared_ptr<const DenyPlan> plan;
  DenyMatcher deny;
};

/// Policies in the order of `policies`. What comes with errors in `diagnostics` must not be used.
std::vector<CompiledPolicy> CompilePolicies(const std::vector<PolicyIr>& policies,
                                            Diagnostics& diagnostics);

}  // namespace nsw::rule
