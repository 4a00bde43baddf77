// SPDX-License-Identifier: Apache-2.0
// The compiler: from the IR of all files to compiled policies. Goes on after a mistake, to find all
// of them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/rule/condition.h"
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
  std::vector<DenyEntry> entries;
  std::vector<std::unique_ptr<RuleInfo>> deny_rules;
  std::vector<const RuleInfo*> rule_of_entry;  ///< beside `entries`
  DenyMatcher deny;
};

/// Policies in the order of `policies`. What comes with errors in `diagnostics` must not be used.
std::vector<CompiledPolicy> CompilePolicies(const std::vector<PolicyIr>& policies,
                                            Diagnostics& diagnostics);

/// Of a deny entry: id, name, priority, default output.
RuleInfo DenyRuleInfo(const std::string& policy, nsw_class deny_class, const std::string& entry);
/// Same after a reload and a restart; never 0.
uint32_t RuleId(std::string_view policy, std::string_view name);

}  // namespace nsw::rule
