// SPDX-License-Identifier: Apache-2.0
// Looking things up in the registry, and letting go of them.
#include <algorithm>
#include <array>

#include "engine/container/registry.h"

namespace nsw::container {

Binding* Registry::Find(uint64_t home) {
  if (last_ != nullptr && last_->binding.home == home) return &last_->binding;
  const auto found = homes_.find(home);
  if (found == homes_.end()) return nullptr;
  last_ = found->second.get();
  return &last_->binding;
}

// One that is there goes before removed ones, and of those the one that was seen last.
Registry::Home* Registry::Newest(const Wanted& wanted) {
  const auto rank = [](const Home& home) {
    return std::tuple(home.there(), home.binding.first_seen_ns, home.binding.home);
  };
  Home* best = nullptr;
  for (const auto& [id, home] : homes_) {
    if (wanted(*home) && (best == nullptr || rank(*home) > rank(*best))) best = home.get();
  }
  return best;
}

// Whether other containers are wanted just as well as the best one.
bool Registry::Several(const Home& best, const Wanted& wanted) const {
  return std::ranges::any_of(homes_, [&](const auto& entry) {
    const Home& home = *entry.second;
    return wanted(home) && home.there() == best.there() &&
           home.binding.container.id != best.binding.container.id;
  });
}

Binding* Registry::FindByName(std::string_view name) {
  if (name.empty()) return nullptr;
  const std::array<Wanted, 3> ways{
      [&](const Home& home) { return home.binding.container.id == name; },
      [&](const Home& home) { return home.binding.container.name == name; },
      [&](const Home& home) { return home.binding.container.id.starts_with(name); },
  };
  for (const Wanted& wanted : ways) {
    Home* best = Newest(wanted);
    if (best == nullptr) continue;
    return Several(*best, wanted) ? nullptr : &best->binding;
  }
  return nullptr;
}

bool Registry::Locate(Binding& binding) const {
  const auto mntns = static_cast<uint32_t>(binding.home);
  if (facts_.MountNamespace(binding.pid) == mntns) return true;
  const pid_t other = facts_.ProcessIn(mntns);
  if (other != 0) binding.pid = other;
  return other != 0;
}

Binding& Registry::Outermost(Binding& binding) {
  Home* at = homes_.at(binding.home).get();
  for (int i = 0; i < 16; i++) {
    Home* outer = Outer(*at);
    if (outer == nullptr) break;
    at = outer;
  }
  return at->binding;
}

void Registry::ForEach(const std::function<void(Binding&)>& visit) {
  for (const auto& [id, home] : homes_) visit(home->binding);
}

bool Registry::HasNested(const Home& home) {
  return std::ranges::any_of(homes_, [&](const auto& entry) {
    return entry.second.get() != &home && Outer(*entry.second) == &home;
  });
}

void Registry::Forget(uint64_t home) {
  last_ = nullptr;
  const auto found = homes_.find(home);
  if (found == homes_.end()) return;
  // A nested container that outlives its outer one keeps to the outer one's policies.
  if (HasNested(*found->second)) {
    found->second->forgotten = true;
    return;
  }
  const Home* outer = Outer(*found->second);
  const uint64_t kept = outer != nullptr && outer->forgotten ? outer->binding.home : 0;
  homes_.erase(found);
  if (kept != 0) Forget(kept);
}

}  // namespace nsw::container
