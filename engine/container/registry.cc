// SPDX-License-Identifier: Apache-2.0
// How homes and containers come together. What is asked of the registry from outside is in
// registry_find.cc.
#include "engine/container/registry.h"

#include <algorithm>

namespace nsw::container {
namespace {

constexpr int kDepthMax = 16;
// How long a removed container can still be asked for: the first events of one that lived for
// milliseconds may be read after the runtime's word that it is gone.
constexpr uint64_t kRemovedGraceNs = 60ULL * 1'000'000'000;

// The inode number of the namespace that a home began as (nsw_home_id).
uint32_t MountNamespaceOf(uint64_t home) { return static_cast<uint32_t>(home); }

}  // namespace

Binding& Registry::SeenHome(uint64_t home, uint64_t parent, pid_t pid, bool foreign_pidns,
                            uint64_t now_ns, std::vector<Binding*>* changed,
                            std::string_view cgroup) {
  if (parent == home) parent = 0;
  std::unique_ptr<Home>& slot = homes_[home];
  const bool is_new = slot == nullptr;
  if (is_new) {
    slot = std::make_unique<Home>();
    slot->binding.home = home;
    slot->binding.parent = parent;
    slot->binding.pid = pid;
    slot->binding.first_seen_ns = now_ns;
    Identify(*slot, foreign_pidns, cgroup);
  } else {
    slot->binding.is_container |= foreign_pidns;
    slot->forgotten = false;
    if (slot->binding.parent != 0 || parent == 0) return slot->binding;
    slot->binding.parent = parent;
  }
  const std::vector<Binding*> others = Renest(*slot, is_new);
  if (changed != nullptr) *changed = others;
  return slot->binding;
}

void Registry::Identify(Home& home, bool foreign_pidns, std::string_view cgroup) {
  const std::string now = facts_.Cgroup(home.binding.pid);
  std::vector<std::string> ids = ContainerIdsOfPath(cgroup);
  // The kernel's word goes first: the process may be gone, and its number another's. Other
  // hierarchies than the kernel's may say more of the same.
  std::vector<std::string> more = ContainerIdsOfCgroup(now);
  if (ids.empty() || (more.size() > ids.size() && more.front() == ids.front()))
    ids = std::move(more);
  if (ids.size() > 1) home.outer_id = ids[ids.size() - 2];
  if (!ids.empty()) home.cgroup_id = std::move(ids.back());

  Disown(home);
  const Home* outer = Outer(home);
  const bool in_runtime_cgroup = !home.cgroup_id.empty();
  home.binding.is_container = foreign_pidns || in_runtime_cgroup || outer != nullptr;
  if (in_runtime_cgroup) {
    home.own.id = home.cgroup_id;
    home.own.name = home.own.short_id();
  }
  if (const Known* known = Match(home, now.empty())) {
    Claim(home, *known);
  } else {
    const bool unclaimed = expected_.empty() && !(nameless_ && foreign_pidns);
    home.binding.settled =
        !in_runtime_cgroup && (outer != nullptr ? outer->binding.settled : unclaimed);
  }
  Compose(home);
}

// Gives a home the name of its namespace where its cgroup names no container of its own: one made
// inside a container without leaving its cgroup is not that container once more.
void Registry::Disown(Home& home) {
  bool shared = home.cgroup_id.empty();
  const Home* outer = Outer(home);
  for (int i = 0; i < kDepthMax && !shared && outer != nullptr && outer != &home; i++) {
    shared = outer->cgroup_id == home.cgroup_id;
    outer = Outer(*outer);
  }
  if (!shared) return;
  home.cgroup_id.clear();
  home.own = {.id = "ns-" + std::to_string(MountNamespaceOf(home.binding.home))};
  home.own.name = home.own.id;
}

// After the parent of a home became known late, or a home that others came from. Returns those that
// are now told apart otherwise.
std::vector<Binding*> Registry::Renest(const Home& late, bool is_new) {
  std::vector<Binding*> changed;
  for (const auto& [id, home] : homes_) {
    const bool affected = home.get() == &late ? !is_new : Outer(*home) == &late;
    if (!affected) continue;
    if (!home->cgroup_id.empty()) Disown(*home);
    if (Compose(*home)) changed.push_back(&home->binding);
  }
  ComposeNested(changed);
  return changed;
}

const Registry::Known* Registry::Match(const Home& home, bool process_gone) {
  if (!home.cgroup_id.empty()) {
    const auto found = known_.find(home.cgroup_id);
    return found != known_.end() && MayClaim(found->second, home) ? &found->second : nullptr;
  }
  for (const auto& [id, known] : known_) {
    if (Runs(known, home) && MayClaim(known, home)) return &known;
    if (process_gone && known.container.owner == 0 && known.last_init_pid != 0 &&
        known.last_init_pid == home.binding.pid) {
      return &known;
    }
  }
  return nullptr;
}

// Whether the init process that the runtime names lives in that home. Only for homes whose cgroup
// says nothing: a runtime's word is not worth more than the kernel's.
bool Registry::Runs(const Known& known, const Home& home) {
  const pid_t init = known.container.init_pid;
  const uint32_t mntns = MountNamespaceOf(home.binding.home);
  if (init <= 0 || !home.cgroup_id.empty()) return false;
  if (home.own.known() && !home.binding.removed) return false;  // another container's
  if (home.binding.pid != init && known.mntns != mntns) return false;
  // It ended before its runtime's word came: nothing else is known of it yet, and the first process
  // of that home bore this number moments ago.
  if (home.binding.pid == init && !home.binding.settled && facts_.MountNamespace(init) == 0) {
    return known.container.owner == 0;
  }
  // Inode numbers are used again at once: only the newest home can be the living one, and the
  // process must be there still.
  return facts_.MountNamespace(init) == mntns &&
         Newest([&](const Home& other) { return MountNamespaceOf(other.binding.home) == mntns; }) ==
             &home;
}

void Registry::Claim(Home& home, const Known& known) {
  home.own = known.container;
  home.binding.is_container = true;
  home.binding.settled = true;
  home.binding.removed = known.removed_ns != 0;
  const pid_t init = known.container.init_pid;
  if (init > 0 && known.mntns == MountNamespaceOf(home.binding.home)) home.binding.pid = init;
  // Docker says so only of one that runs, and policies go by it: they hold from its first
  // instruction.
  if (!home.own.privileged.has_value()) home.own.privileged = facts_.Privileged(home.binding.pid);
}

// Makes the binding's container from the home's own and the one around it. True if it is different
// from before.
bool Registry::Compose(Home& home) {
  Container composed = home.own;
  if (const Home* outer = Outer(home)) {
    const Container& around = outer->binding.container;
    if (!home.own.known()) {
      // What holds for the outer container holds for whatever it makes inside.
      composed = around;
      composed.id = home.own.id;
      composed.init_pid = 0;
    }
    composed.name = around.name + "/" + home.own.name;
    home.binding.is_container = true;
    // What was made inside no runtime of this host can tell of.
    const bool inside = home.cgroup_id.empty() || OuterByParent(home) == outer;
    if (inside) home.binding.settled |= outer->binding.settled;
  }
  if (composed == home.binding.container) return false;
  home.binding.container = std::move(composed);
  return true;
}

void Registry::ComposeNested(std::vector<Binding*>& changed) {
  bool again = true;
  for (int depth = 0; depth < kDepthMax && again; depth++) {
    again = false;
    for (const auto& [id, home] : homes_) {
      const bool nested = home->binding.parent != 0 || !home->outer_id.empty();
      if (!nested || !Compose(*home)) continue;
      again = true;
      if (std::ranges::find(changed, &home->binding) == changed.end()) {
        changed.push_back(&home->binding);
      }
    }
  }
}

// The container around a home: by the kernel's record of who made it, past homes that are no
// containers (services of the host); else by the cgroup, unless a runtime of this host claims the
// inner one, which then is a sibling put below the other in the tree.
Registry::Home* Registry::Outer(const Home& home) {
  if (Home* outer = OuterByParent(home)) return outer;
  if (home.outer_id.empty()) return nullptr;
  const auto claimed = known_.find(home.cgroup_id);
  if (claimed != known_.end() && MayClaim(claimed->second, home)) return nullptr;
  return Newest(
      [&](const Home& other) { return &other != &home && other.cgroup_id == home.outer_id; });
}

Registry::Home* Registry::OuterByParent(const Home& home) {
  uint64_t at = home.binding.parent;
  for (int i = 0; i < kDepthMax && at != 0; i++) {
    const auto found = homes_.find(at);
    if (found == homes_.end()) break;
    if (found->second->binding.is_container) return found->second.get();
    at = found->second->binding.parent;
  }
  return nullptr;
}

std::vector<Binding*> Registry::Apply(const Change& change, uint64_t now_ns) {
  switch (change.kind) {
    case Change::Kind::kUpsert:
      return Upsert(change.container);
    case Change::Kind::kRemoved:
      return Remove(change.container, now_ns);
    case Change::Kind::kSynced:
      return Synced(change.container.runtime);
    case Change::Kind::kNameless:
      nameless_ = true;
      return {};
  }
  return {};
}

// A user tells of containers by files of his own. What root's runtimes know he cannot change, and
// what he claims must be his.
bool Registry::MayTell(const Container& container) const {
  const auto found = known_.find(container.id);
  if (found == known_.end() || container.owner == 0) return true;
  return found->second.container.owner == container.owner;
}

bool Registry::MayClaim(const Known& known, const Home& home) const {
  const uid_t owner = known.container.owner;
  return owner == 0 || facts_.OwnedBy(home.binding.pid, owner);
}

std::vector<Binding*> Registry::Upsert(const Container& container) {
  if (!MayTell(container)) return {};
  Known& known = known_[container.id];
  if (container.partial && !known.container.partial && known.container.known()) {
    known.container.name = container.name;
    known.container.init_pid = container.init_pid;
    known.container.started_ns = container.started_ns;
  } else {
    known.container = container;
  }
  known.container.labels_text = LabelsText(known.container.labels);
  known.container.pod_labels_text = LabelsText(known.container.pod_labels);
  known.removed_ns = 0;
  known.mntns = container.init_pid > 0 ? facts_.MountNamespace(container.init_pid) : 0;
  if (container.init_pid > 0) known.last_init_pid = container.init_pid;

  std::vector<Binding*> changed;
  for (const auto& [id, home] : homes_) {
    Binding& binding = home->binding;
    if (home->cgroup_id != container.id && home->own.id != container.id && !Runs(known, *home)) {
      continue;
    }
    if (!MayClaim(known, *home)) continue;
    const bool was_settled = binding.settled;
    const bool was_removed = binding.removed;
    Claim(*home, known);
    if (Compose(*home) || !was_settled || was_removed) changed.push_back(&binding);
  }
  ComposeNested(changed);
  return changed;
}

std::vector<Binding*> Registry::Remove(const Container& container, uint64_t now_ns) {
  if (!MayTell(container)) return {};
  const std::string& id = container.id;
  const auto found = known_.find(id);
  if (found != known_.end()) {
    found->second.removed_ns = std::max<uint64_t>(now_ns, 1);
    found->second.container.init_pid = 0;
    found->second.mntns = 0;
  }
  std::vector<Binding*> changed;
  for (const auto& [key, home] : homes_) {
    if (home->own.id != id || home->binding.removed) continue;
    home->binding.removed = true;
    home->binding.settled = true;
    changed.push_back(&home->binding);
  }
  return changed;
}

std::vector<Binding*> Registry::Synced(const std::string& runtime) {
  std::vector<Binding*> changed;
  if (expected_.erase(runtime) == 0 || !expected_.empty()) return changed;
  for (const auto& [id, home] : homes_) {
    if (home->binding.settled || !home->cgroup_id.empty()) continue;
    home->binding.settled = true;
    changed.push_back(&home->binding);
  }
  return changed;
}

std::vector<Binding*> Registry::Settle(uint64_t now_ns, uint64_t patience_ns) {
  std::erase_if(known_, [&](const auto& entry) {
    const uint64_t removed_ns = entry.second.removed_ns;
    return removed_ns != 0 && now_ns > removed_ns && now_ns - removed_ns > kRemovedGraceNs;
  });
  std::vector<Binding*> settled;
  for (const auto& [id, home] : homes_) {
    Binding& binding = home->binding;
    const bool waited =
        now_ns >= binding.first_seen_ns && now_ns - binding.first_seen_ns >= patience_ns;
    if (binding.settled || !waited) continue;
    binding.settled = true;
    settled.push_back(&binding);
  }
  return settled;
}

}  // namespace nsw::container
