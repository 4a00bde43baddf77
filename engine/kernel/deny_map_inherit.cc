// SPDX-License-Identifier: Apache-2.0
// How the deny-map driver goes on with what an engine before it has left in pinned maps.
#include <bpf/bpf.h>

#include <algorithm>

#include "engine/kernel/deny_map_driver.h"

namespace nsw::kernel {
namespace {

template <typename Key>
std::vector<Key> KeysOf(int map) {
  std::vector<Key> keys;
  for (Key next{}; bpf_map_get_next_key(map, keys.empty() ? nullptr : &keys.back(), &next) == 0;)
    keys.push_back(next);
  return keys;
}

rule::DenyEntry EntryOf(const nsw_push& push) {
  rule::DenyEntry entry;
  entry.rule = push.rule;
  entry.classes = push.classes;
  entry.mode = static_cast<nsw_verdict_code>(push.mode);
  entry.action =
      push.action == NSW_ACTION_KILL ? rule::DenyAction::kKill : rule::DenyAction::kRefuse;
  return entry;
}

}  // namespace

nsw_home DenyMapDriver::StateOf(uint64_t home) const {
  nsw_home state{};
  bpf_map_lookup_elem(fds_.homes, &home, &state);
  return state;
}

// So that an entry of run time is pushed beside the set that holds there until Bind().
void DenyMapDriver::InheritSets() {
  for (const uint64_t home : KeysOf<uint64_t>(fds_.homes)) {
    const nsw_home state = StateOf(home);
    if (!sets_.inherited().contains(state.set)) continue;
    Bound& bound = homes_[home];
    bound.slot = state.set;
    bound.flags = state.overlay;
    bound.target_depths = state.target_depths;
    bound.classes = state.classes;
    bound.enforced = state.enforced;
  }
}

// Each row as it stands: what an entry was called by is no longer known, only where it holds.
void DenyMapDriver::InheritPushes() {
  for (const nsw_object_key& key : KeysOf<nsw_object_key>(fds_.pushes)) {
    nsw_pushes row{};
    if (bpf_map_lookup_elem(fds_.pushes, &key, &row) != 0) continue;
    Bound& bound = homes_[key.home];
    const Place place{key.id, key.dev, key.kind};
    bound.push_rows[place] = row;
    for (const nsw_push& push : row.push) {
      if (push.rule != 0) bound.pushed.push_back({EntryOf(push), {place}, push.expires_ns});
    }
  }
}

Status DenyMapDriver::Inherit() {
  sets_.Inherit();
  InheritSets();
  InheritPushes();
  Refusals needed;
  for (const auto& [home, bound] : homes_) {
    for (const Pushed& pushed : bound.pushed) needed.classes |= pushed.entry.classes;
  }
  for (const uint64_t home : KeysOf<uint64_t>(fds_.homes)) {
    if ((StateOf(home).flags & NSW_HOME_QUARANTINED) != 0) needed.classes |= NSW_CLASSES_QUARANTINE;
  }
  return needed.empty() ? Status() : serve_(needed);
}

bool DenyMapDriver::Holds(const container::Binding& binding) const {
  if (sets_.inherited().empty()) return false;
  const nsw_home state = StateOf(binding.home);
  if (!sets_.inherited().contains(state.set)) return false;
  const bool will_be_known = (state.flags & NSW_HOME_KNOWN) != 0 && !binding.container.known();
  return !binding.settled || will_be_known;
}

bool DenyMapDriver::InheritedInUse() const {
  if (sets_.inherited().empty()) return false;
  const std::vector<uint64_t> homes = KeysOf<uint64_t>(fds_.homes);
  return std::ranges::any_of(homes, [&](uint64_t home) {
    const nsw_home state = StateOf(home);
    return state.tasks != 0 && sets_.inherited().contains(state.set);
  });
}

void DenyMapDriver::FreeInherited() {
  Settle();
  for (const nsw_object_key& key : KeysOf<nsw_object_key>(fds_.overlay)) {
    if (sets_.inherited().contains(key.slot)) bpf_map_delete_elem(fds_.overlay, &key);
  }
  // Nobody lives there any more; who comes yet is not to be judged by what takes the set's place.
  for (const uint64_t home : KeysOf<uint64_t>(fds_.homes)) {
    if (sets_.inherited().contains(StateOf(home).set)) Forget(home);
  }
  sets_.FreeInherited();
}

}  // namespace nsw::kernel
