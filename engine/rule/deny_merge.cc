// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/deny_merge.h"

#include <algorithm>

namespace nsw::rule {
namespace {

// The numbers of `one`'s groups in `into`; of 0, no group, 0.
std::vector<uint16_t> AddGroups(DenyPlan& into, const DenyPlan& one) {
  std::vector<uint16_t> numbers{0};
  for (const DenyGroup& group : one.groups) {
    const auto found = std::ranges::find(into.groups, group);
    numbers.push_back(static_cast<uint16_t>(found - into.groups.begin() + 1));
    if (found == into.groups.end()) into.groups.push_back(group);
  }
  return numbers;
}

}  // namespace

void AppendPlan(DenyPlan& into, const DenyPlan& one) {
  if (one.empty()) return;
  const std::vector<uint16_t> groups = AddGroups(into, one);
  const auto first = static_cast<uint16_t>(into.policies.size());
  const auto renumber = [&](DenyCondition& condition) {
    condition.by = groups[condition.by];
    condition.ancestor = groups[condition.ancestor];
  };
  into.policies.insert(into.policies.end(), one.policies.begin(), one.policies.end());
  for (DenyEntry entry : one.entries) {
    entry.policy = static_cast<uint16_t>(entry.policy + first);
    renumber(entry.condition);
    for (DenyException& exception : entry.exceptions) renumber(exception.condition);
    into.entries.push_back(std::move(entry));
  }
  for (AllowList list : one.allow) {
    list.policy = static_cast<uint16_t>(list.policy + first);
    into.allow.push_back(list);
  }
}

void OrderPlan(DenyPlan& plan) {
  std::ranges::stable_sort(plan.entries, {}, [](const DenyEntry& entry) {
    if (entry.mode != NSW_VERDICT_DENIED) return 2;
    return entry.action == DenyAction::kKill ? 0 : 1;
  });
}

DenyPlan KillingPlan(DenyPlan plan) {
  const auto lower = [&](auto& speaker) {
    const bool kills =
        speaker.policy < plan.policies.size() && plan.policies[speaker.policy].fallback_kill;
    if (!kills) speaker.mode = NSW_VERDICT_AUDIT;
  };
  for (DenyEntry& entry : plan.entries) {
    lower(entry);
    if (entry.mode != NSW_VERDICT_DENIED) entry.action = DenyAction::kRefuse;
  }
  for (AllowList& list : plan.allow) lower(list);
  OrderPlan(plan);
  return plan;
}

}  // namespace nsw::rule
