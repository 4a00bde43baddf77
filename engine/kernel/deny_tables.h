// SPDX-License-Identifier: Apache-2.0
// Lowering: what a deny plan becomes in the kernel's maps. Pure; used by the deny-map driver and
// its tests.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "bpf/abi.h"
#include "engine/base/result.h"
#include "engine/rule/deny_plan.h"

namespace nsw::kernel {

/// Key of a path table: (kind, hash).
using PathKey = std::pair<uint32_t, uint64_t>;

struct DenyTables {
  std::map<PathKey, nsw_verdict> paths;
  std::vector<std::pair<nsw_net_key, nsw_net>> nets;
  nsw_set set{};
};

/// Lets one more entry speak in a verdict. Where two speak of one class, an enforcing one goes
/// before an auditing one, else the one that came first.
void Speak(nsw_verdict& verdict, const rule::DenyEntry& entry);

/// Lets all that `other` says speak in `verdict`, by the same order.
void Merge(nsw_verdict& verdict, const nsw_verdict& other);

/// The class bits of a home that is bound to these entries: who speaks, and << NSW_CLASS_ENFORCED
/// who enforces.
uint32_t ClassBits(const std::vector<rule::DenyEntry>& entries);

/// Errors: an entry without a rule id, a path that is not absolute or deeper than the kernel walks,
/// more than NSW_NET_RULES rules that speak of one address.
Result<DenyTables> Lower(const rule::DenyPlan& plan, uint64_t seed);

}  // namespace nsw::kernel
