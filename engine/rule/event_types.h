// SPDX-License-Identifier: Apache-2.0
// evt.type and syscall.type: what a check of them says is worked out once, when a policy is loaded,
// for every system call and every event; matching is then a test of one bit, and an event that a
// rule does not ask for is never shown to it.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/event/event.h"
#include "engine/rule/predicate.h"

namespace nsw::rule {

inline constexpr uint64_t kAllEvents = ~0ULL;

/// Set of the values that evt.type can have, by what they come from.
struct TypeSet {
  std::bitset<NSW_SYSCALL_COUNT> syscalls;  ///< the act came in through that system call
  uint64_t events = 0;                      ///< bit per nsw_event: it came in through none

  [[nodiscard]] bool Contains(const event::Event& event) const {
    const uint16_t row = event.header().syscall;
    if (row != NSW_SYSCALL_NONE && row < NSW_SYSCALL_COUNT) return syscalls[row];
    return (events >> event.header().type & 1) != 0;
  }
};

struct TypeMatch {
  TypeSet set;
  uint64_t may_match = 0;   ///< bit per nsw_event: some value that it can have is in the set
  uint64_t may_differ = 0;  ///< and: is not
};

/// Which values `predicate` takes. `syscalls_only`: syscall.type, absent without a system call.
TypeMatch MatchTypes(const Predicate& predicate, bool negated, bool syscalls_only);

/// Whether an event can have that evt.type.
bool IsEventType(std::string_view name);
/// All of them.
const std::vector<std::string_view>& EventTypeNames();

}  // namespace nsw::rule
