// SPDX-License-Identifier: Apache-2.0
// From the lists of a policy's IR to its plan and the rules that its verdicts name. Goes on after a
// mistake, to find all of them.
#pragma once

#include <memory>
#include <vector>

#include "engine/rule/deny_plan.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"
#include "engine/rule/rule.h"

namespace nsw::rule {

struct CompiledLists {
  DenyPlan plan;  ///< of this policy alone; `policies` has one element
  std::vector<std::unique_ptr<RuleInfo>> rules;  ///< of deny entries and allow lists
  std::vector<Place> places;                     ///< beside `rules`
  size_t deny_entries = 0;
  size_t allow_entries = 0;
};

/// What comes with errors in `diagnostics` must not be used.
CompiledLists CompileLists(const PolicyIr& policy, Diagnostics& diagnostics);

/// Of a deny entry: id, name, default output.
RuleInfo DenyRuleInfo(const std::string& policy, const ListKey& list, const std::string& entry);
/// Same after a reload and a restart; never 0.
uint32_t RuleId(std::string_view policy, std::string_view name);

}  // namespace nsw::rule
