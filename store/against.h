// SPDX-License-Identifier: Apache-2.0
// Against: what policies would have refused of the acts that the history holds. Used by `nswarden
// check --against-history`.
//
// What it cannot know: policies that choose containers by labels or privileged, and those for the
// host, are left out, for the history keeps neither; so are acts that it does not record, and such
// that failed, for refusing these changes nothing. A startup phase lasts until the first row in
// which the container ran the program that ends it; without such a row it is over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/rule/rule.h"
#include "store/history.h"

namespace nsw::store {

/// Acts of one container on one object that one rule would have refused.
struct WouldRefuse {
  std::string container;
  std::string list;  ///< of the policy: "read", or "allow/read"
  std::string object;
  std::string process;  ///< of the first one
  const rule::RuleInfo* rule = nullptr;
  uint64_t count = 0;
  uint64_t last_ns = 0;
};

struct Against {
  std::vector<WouldRefuse> refusals;  ///< those of most acts first
  uint64_t acts = 0;                  ///< judged
  uint64_t unreadable = 0;            ///< acts whose row could not be made an event again
  std::vector<std::string> left_out;  ///< policies that could not be held against it
  /// Events that they speak of, which the history records only where it is told to, and has none
  /// of.
  std::vector<std::string> unrecorded;
};

/// `since_ns`: CLOCK_REALTIME. Errors: as Visit.
Result<Against> HoldAgainst(const std::filesystem::path& history, const rule::PolicySet& policies,
                            std::optional<uint64_t> since_ns);

}  // namespace nsw::store
