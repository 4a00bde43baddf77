// SPDX-License-Identifier: Apache-2.0
// RuleNames: what the rules are called whose ids are in the kernel, and how often each refused
// something of which no record tells. Both are kept with the pinned maps, so that an engine can
// name what was refused before it came up, by rules that it may no longer have. Part of
// LoadedKernel; one thread.
#pragma once

#include <linux/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/rule/rule.h"

namespace nsw::kernel {

/// Refusals of one rule without a record, since the last that were reported.
struct Untold {
  uint32_t rule = 0;
  uint64_t refusals = 0;
  uint64_t counted = 0;  ///< the kernel's count with the last of them; 0: it counted none of them
};

class RuleNames {
 public:
  /// Descriptors of the maps `rule_names` and `untold`; they stay the object's. `sum`: of what
  /// `untold` counts, written by the kernel; must outlive this.
  RuleNames(int names, int untold, const volatile __u64& sum);

  /// From now on that rule can refuse. Without room its refusals are counted as of no known rule.
  void Name(const rule::RuleInfo& rule);
  [[nodiscard]] std::optional<rule::RuleInfo> Find(uint32_t rule) const;

  /// Adds refusals that only the engine knows of.
  void Add(uint32_t rule, uint64_t refusals) { added_[rule] += refusals; }
  /// What there is to report; nothing as long as what was taken before is not Reported.
  [[nodiscard]] std::vector<Untold> Take();
  /// What was taken is reported: an engine that begins before that, and that nobody tells, reports
  /// it again.
  void Reported();

  /// Which counters they are, unique among all boots; "" where the kernel does not tell.
  [[nodiscard]] std::string counter() const;
  /// Up to these counts, by rule, engines before this one have reported. Before the first Take.
  void ReportedBefore(const std::map<uint32_t, uint64_t>& counts);

 private:
  [[nodiscard]] uint64_t TakeOne(uint32_t rule);
  void NoteReported(uint32_t rule, uint64_t counted);

  int names_;
  int untold_;
  const volatile __u64& sum_;
  __u64 sum_taken_ = ~__u64{0};
  std::map<uint32_t, uint64_t> taken_;  ///< by rule: the kernel's count when it was
  std::map<uint32_t, uint64_t> added_;
};

}  // namespace nsw::kernel
