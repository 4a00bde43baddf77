// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/event_types.h"

#include <algorithm>
#include <array>

namespace nsw::rule {
namespace {

// To which event a system call belongs, by its row.
constexpr std::array<unsigned, NSW_SYSCALL_COUNT> kEventOfSyscall{
    0,
#define SYSCALL(name, what, late, i386) static_cast<unsigned>(event::Type::k_##what),
#include "bpf/syscalls.def"
};

void Note(TypeMatch& match, unsigned event, bool in) {
  (in ? match.may_match : match.may_differ) |= event::EventBits(static_cast<event::Type>(event));
}

}  // namespace

TypeMatch MatchTypes(const Predicate& predicate, bool negated, bool syscalls_only) {
  TypeMatch match;
  const auto test = [&](std::string_view name) {
    return predicate.Test(event::Value::Text(name)) != negated;
  };
  for (uint16_t row = 1; row < NSW_SYSCALL_COUNT; row++) {
    const bool in = test(event::SyscallName(row));
    match.set.syscalls[row] = in;
    Note(match, kEventOfSyscall[row], in);
  }
  for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
    const bool in = !syscalls_only && test(event::Info(static_cast<event::Type>(event)).falco);
    if (in) match.set.events |= 1ULL << event;
    Note(match, event, in);
  }
  return match;
}

const std::vector<std::string_view>& EventTypeNames() {
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (uint16_t row = 1; row < NSW_SYSCALL_COUNT; row++) all.push_back(event::SyscallName(row));
    for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
      const std::string_view name = event::Info(static_cast<event::Type>(event)).falco;
      if (std::ranges::find(all, name) == all.end()) all.push_back(name);
    }
    return all;
  }();
  return names;
}

bool IsEventType(std::string_view name) {
  return std::ranges::find(EventTypeNames(), name) != EventTypeNames().end();
}

}  // namespace nsw::rule
