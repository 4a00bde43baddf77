// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_map_driver.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>

#include "engine/kernel/path_hash.h"
#include "engine/kernel/programs.h"
#include "engine/rule/deny_merge.h"

namespace nsw::kernel {
namespace {

// Of two ends; 0 is never.
uint64_t Later(uint64_t a, uint64_t b) { return a == 0 || b == 0 ? 0 : std::max(a, b); }

// What one entry of run time can name: one object, at every port.
Status PushableAtRunTime(const rule::DenyKey& key) {
  const rule::NetRange& net = key.net;
  switch (key.kind) {
    case rule::DenyKind::kPath:
    case rule::DenyKind::kBelow:
    case rule::DenyKind::kName:
    case rule::DenyKind::kAbstract:
      return {};
    case rule::DenyKind::kNet:
      if (net.prefix == 128 && net.port_low == 0 && net.port_high == 65535 && net.protocol == 0)
        return {};
      return Fail(
          "of addresses only whole ones can be refused at run time, without a port; name ranges in "
          "a policy's deny list");
    default:
      return Fail(
          "only paths, directories, names of files and addresses can be refused at run time; name "
          "the rest in a policy's deny list");
  }
}

}  // namespace

DenyMapDriver::DenyMapDriver(const DenyMapFds& fds, uint64_t seed, uint32_t slots,
                             uint32_t operations, Enforcement enforcement, Serve serve)
    : fds_(fds),
      seed_(seed),
      resolver_(fds.resolve, fds.answer),
      sets_(fds, seed, slots, operations),
      enforcement_(enforcement),
      serve_(std::move(serve)) {}

Result<uint32_t> DenyMapDriver::BuildSet(const rule::DenyPlan& plan) {
  return sets_.Build(enforcement_ == Enforcement::kKills ? rule::KillingPlan(plan) : plan);
}

// ---- what is one container's alone
// ----------------------------------------------------------------

// Of what is not there yet the place alone: the inode is 0.
Result<Resolved> DenyMapDriver::Find(const Inside& inside, const std::string& path) const {
  Result<Resolved> file = resolver_.Resolve(inside, path);
  if (file) return file;
  const Result<Resolver::Awaited> awaited = resolver_.Await(inside, path);
  if (!awaited) return file;
  const Resolved& above = awaited->above;
  const PathHash place = HashBelow({above.hash, above.depth}, awaited->rest, seed_);
  return Resolved{0, 0, place.hash, place.depth, above.has_path};
}

void DenyMapDriver::ResolveOne(const NamedObject& object, const std::string& path,
                               const Inside& inside, Bound& bound,
                               std::map<Place, Ranges>& found) const {
  const std::pair<uint32_t, uint32_t> range(object.clauses.first, object.clauses.count);
  const auto kind = static_cast<uint16_t>(object.below ? NSW_KEY_BELOW : NSW_KEY_PATH);
  const auto add = [&](const Resolved& file) {
    if (file.ino == 0) return;
    found[{file.ino, file.dev, static_cast<uint16_t>(kind | NSW_KEY_INODE)}].push_back(range);
    bound.flags |= object.below ? NSW_OVERLAY_FOLDERS : NSW_OVERLAY_FILES;
  };
  const Result<Resolved> file = Find(inside, path);
  if (!file) {
    spdlog::debug("{}; the path alone is held", file.error().message);
    return;
  }
  add(*file);
  if (file->has_path && file->hash != HashPath(path, seed_).hash) {
    found[{file->hash, 0, kind}].push_back(range);
    bound.flags |= NSW_OVERLAY_TARGETS;
    if (object.below) bound.target_depths |= 1ULL << (file->depth % 64);
  }
  if (!object.below || file->ino == 0) return;
  // A volume below a denied directory, mounted a second time elsewhere, leads neither there by
  // its path nor by inodes.
  for (const std::string& mount : Resolver::MountsBelow(inside.pid, path)) {
    if (const Result<Resolved> root = resolver_.Resolve(inside, mount)) add(*root);
  }
}

// The inodes behind the set's paths, and where links there lead to.
void DenyMapDriver::Resolve(const DenyTables& set, const Inside& inside, Bound& bound,
                            std::map<Place, Ranges>& found) const {
  for (const NamedObject& object : set.objects) {
    if (object.hole == kNoHole) {
      ResolveOne(object, object.path, inside, bound, found);
      continue;
    }
    for (const std::string& path : Resolver::Expand(inside, object.path, object.hole))
      ResolveOne(object, path, inside, bound, found);
  }
}

Result<DenyMapDriver::Rows> DenyMapDriver::Join(uint32_t slot, std::map<Place, Ranges>& found) {
  Rows rows;
  for (auto& [place, ranges] : found) {
    std::sort(ranges.begin(), ranges.end());
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    const Result<nsw_clauses> joined = sets_.Join(slot, ranges);
    if (!joined) return tl::unexpected(joined.error());
    rows[place] = *joined;
  }
  return rows;
}

Status DenyMapDriver::WriteRows(uint64_t home, uint32_t slot, const Rows& rows) const {
  size_t written = 0;
  for (const auto& [place, clauses] : rows) {
    const nsw_object_key key{home, place.id, place.dev, static_cast<uint16_t>(slot), place.kind};
    if (bpf_map_update_elem(fds_.overlay, &key, &clauses, BPF_ANY) != 0) {
      const int code = errno;
      return FailErrno("container-specific entry " + std::to_string(written + 1) + " of " +
                           std::to_string(rows.size()) + (code == E2BIG ? " finds no room" : ""),
                       code);
    }
    ++written;
  }
  return {};
}

void DenyMapDriver::EraseRows(uint64_t home, uint32_t slot, const Rows& rows,
                              const Rows& kept) const {
  for (const auto& [place, clauses] : rows) {
    if (kept.contains(place)) continue;
    const nsw_object_key key{home, place.id, place.dev, static_cast<uint16_t>(slot), place.kind};
    bpf_map_delete_elem(fds_.overlay, &key);
  }
}

bool DenyMapDriver::RunsOne(const std::vector<rule::DenyKey>& keys, const Inside& inside) const {
  const Result<Resolved> exe = resolver_.ResolveExe(inside.pid);
  if (!exe) return false;
  return std::any_of(keys.begin(), keys.end(), [&](const rule::DenyKey& key) {
    if (key.kind != rule::DenyKind::kPath) return false;
    if (exe->has_path && exe->hash == HashPath(key.path, seed_).hash) return true;
    const Result<Resolved> file = resolver_.Resolve(inside, key.path);
    return file && file->ino == exe->ino && file->dev == exe->dev;
  });
}

// Whose startup is over: of a policy that the old set had, too, what was known; of another one,
// where the process runs the program that ends it.
uint32_t DenyMapDriver::Phases(uint64_t home, const rule::DenyPlan& plan,
                               const Inside& inside) const {
  nsw_home state{};
  bpf_map_lookup_elem(fds_.homes, &home, &state);
  const std::vector<uint64_t> before = sets_.until(state.set);
  uint32_t phases = 0;
  for (size_t i = 0; i < plan.policies.size(); ++i) {
    if (plan.policies[i].until.empty()) continue;
    const auto same = std::find(before.begin(), before.end(), UntilOf(plan.policies[i].until));
    const bool over = same != before.end() && (state.phases >> (same - before.begin()) & 1) != 0;
    if (over || (inside.pid > 0 && RunsOne(plan.policies[i].until, inside))) phases |= 1U << i;
  }
  return phases;
}

Status DenyMapDriver::SetHome(uint64_t home, const Bound& bound, uint32_t phases,
                              nsw_bind how) const {
  const DenyTables& tables = sets_.tables(bound.slot);
  uint32_t classes = tables.classes | bound.classes;
  uint32_t enforced = tables.enforced | bound.enforced;
  Refusals refusals = tables.refusals;
  for (const Pushed& pushed : bound.pushed) {
    classes |= pushed.entry.classes;
    refusals.classes |= pushed.entry.classes;
    if (pushed.entry.mode == NSW_VERDICT_DENIED) enforced |= pushed.entry.classes;
  }
  if (Status ready = serve_(refusals); !ready) return ready;
  const uint32_t overlay = bound.flags | (bound.pushed.empty() ? 0U : uint32_t{NSW_OVERLAY_PUSHES});
  const Result<uint32_t> failed =
      RunProgram(fds_.set_home, {home, NSW_HOME_BOUND, 0, how, bound.slot, classes, enforced,
                                 overlay, phases, bound.target_depths});
  if (!failed) return tl::unexpected(failed.error());
  if (*failed != 0) return Fail("no room for one more container in the kernel's map `homes`");
  return {};
}

// First what is new, then the switch to the set; away with what is old in Settle(), when no verdict
// looks at it any more: at no instant less than both sides agree on.
Status DenyMapDriver::Bind(uint64_t home, uint32_t slot, const rule::DenyPlan& plan, pid_t pid) {
  if (left_.contains(home)) Settle();
  Bound& old = homes_[home];
  const Inside inside = Resolver::Enter(pid);
  if (slot != 0 && old.slot == slot && StateOf(home).set == slot) return Rebind(home, plan, inside);
  Bound next;
  next.slot = slot;
  next.pushed = old.pushed;
  next.push_rows = old.push_rows;
  std::map<Place, Ranges> found;
  if (inside.pid > 0) Resolve(sets_.tables(slot), inside, next, found);
  Result<Rows> rows = Join(slot, found);
  if (!rows) return tl::unexpected(rows.error());
  next.rows = std::move(*rows);
  Status status = WriteRows(home, slot, next.rows);
  if (status) status = SetHome(home, next, Phases(home, plan, inside), NSW_BIND_SWITCH);
  if (!status) {
    EraseRows(home, slot, next.rows, old.slot == slot ? old.rows : Rows());
    return status;
  }
  left_[home] = {old.slot, std::move(old.rows)};
  old = std::move(next);
  return {};
}

// To the set that it has: more may be known of it, and nothing that was found is let go.
Status DenyMapDriver::Rebind(uint64_t home, const rule::DenyPlan& plan, const Inside& inside) {
  const Result<size_t> looked = Refresh(home, inside);
  if (!looked) return tl::unexpected(looked.error());
  return SetHome(home, homes_[home], Phases(home, plan, inside), NSW_BIND_SWITCH);
}

void DenyMapDriver::Settle() {
  if (left_.empty()) return;
  sets_.Wait();
  for (const auto& [home, left] : left_) {
    const Bound& now = homes_[home];
    if (Status status = SetHome(home, now, 0, NSW_BIND_NARROW); !status)
      spdlog::error("{}", status.error().message);
    EraseRows(home, left.slot, left.rows, left.slot == now.slot ? now.rows : Rows());
  }
  left_.clear();
}

void DenyMapDriver::FreeSet(uint32_t slot) {
  Settle();
  sets_.Free(slot);
}

// ---- run time
// -------------------------------------------------------------------------------------

std::vector<DenyMapDriver::Place> DenyMapDriver::PlacesOf(const rule::DenyKey& key,
                                                          const Inside& inside) const {
  if (key.kind == rule::DenyKind::kNet) {
    uint64_t half[2];
    std::memcpy(half, key.net.address.data(), sizeof(half));
    return {{half[1], nsw_upper_half(half[0]), NSW_KEY_ADDRESS}};
  }
  const Result<PathKey> own = HashKey(key, seed_);
  if (!own) return {};
  const auto kind = static_cast<uint16_t>(own->first);
  std::vector<Place> places{{own->second, 0, kind}};
  if (inside.pid <= 0 || (kind != NSW_KEY_PATH && kind != NSW_KEY_BELOW)) return places;
  const auto add = [&](const std::string& path) {
    const Result<Resolved> file = Find(inside, path);
    if (!file) return;
    if (file->has_path) places.push_back({file->hash, 0, kind});
    if (file->ino == 0) return;
    places.push_back({file->ino, file->dev, static_cast<uint16_t>(kind | NSW_KEY_INODE)});
  };
  add(key.path);
  if (kind == NSW_KEY_BELOW) {
    for (const std::string& mount : Resolver::MountsBelow(inside.pid, key.path)) add(mount);
  }
  return places;
}

// What the map must hold is derived anew from all that was pushed: so two entries of one key never
// undo each other.
Status DenyMapDriver::WritePushes(uint64_t home, Bound& bound) {
  std::map<Place, nsw_pushes> wanted;
  for (const Pushed& pushed : bound.pushed) {
    for (const Place& place : pushed.places) {
      nsw_pushes& row = wanted[place];
      nsw_push* const end = row.push + NSW_PUSHES;
      nsw_push* at = std::find_if(row.push, end, [&](const nsw_push& p) {
        return p.rule == 0 || p.rule == pushed.entry.rule;
      });
      if (at == end) {
        return Fail("more than " + std::to_string(NSW_PUSHES) +
                    " run-time entries speak of one object");
      }
      const nsw_push before = *at;
      *at = PushOf(pushed.entry, pushed.expires_ns);
      at->classes |= before.classes;
      if (before.rule != 0) at->expires_ns = Later(before.expires_ns, pushed.expires_ns);
    }
  }
  for (const auto& [place, row] : wanted) {
    const nsw_object_key key{home, place.id, place.dev, 0, place.kind};
    if (bpf_map_update_elem(fds_.pushes, &key, &row, BPF_ANY) != 0)
      return FailErrno("writing a run-time entry", errno);
    bound.push_rows[place] = row;
  }
  std::erase_if(bound.push_rows, [&](const auto& row) {
    if (wanted.contains(row.first)) return false;
    const nsw_object_key key{home, row.first.id, row.first.dev, 0, row.first.kind};
    bpf_map_delete_elem(fds_.pushes, &key);
    return true;
  });
  return {};
}

Status DenyMapDriver::ApplyPushes(uint64_t home, Bound& bound) {
  if (left_.contains(home)) Settle();
  if (Status status = WritePushes(home, bound); !status) return status;
  const uint32_t phases = StateOf(home).phases;
  Status status = SetHome(home, bound, phases, NSW_BIND_SWITCH);
  if (status) status = SetHome(home, bound, phases, NSW_BIND_NARROW);
  return status;
}

Status DenyMapDriver::Push(uint64_t home, const rule::DenyEntry& entry, pid_t pid,
                           uint64_t expires_ns) {
  if (entry.rule == 0) return Fail("a deny entry without a rule id");
  if (entry.allow || !entry.exceptions.empty() || entry.condition != rule::DenyCondition())
    return Fail("a run-time entry refuses one object, without conditions or exceptions");
  Pushed pushed{entry, {}, expires_ns};
  const Inside inside = Resolver::Enter(pid);
  for (const rule::DenyKey& key : entry.keys) {
    if (const Status pushable = PushableAtRunTime(key); !pushable) return pushable;
    for (const Place& place : PlacesOf(key, inside)) pushed.places.push_back(place);
  }
  Bound next = homes_[home];
  const auto prolonged = [&](const Pushed& p) {
    return p.entry.rule == entry.rule && p.places == pushed.places;
  };
  for (const Pushed& p : next.pushed) {
    if (prolonged(p)) pushed.expires_ns = Later(pushed.expires_ns, p.expires_ns);
  }
  std::erase_if(next.pushed, prolonged);
  next.pushed.push_back(std::move(pushed));
  Status status = ApplyPushes(home, next);
  if (status)
    homes_[home] = std::move(next);
  else
    (void)ApplyPushes(home, homes_[home]);
  return status;
}

void DenyMapDriver::Withdraw(uint64_t home, uint32_t rule) {
  const auto bound = homes_.find(home);
  if (bound == homes_.end()) return;
  std::erase_if(bound->second.pushed, [&](const Pushed& p) { return p.entry.rule == rule; });
  if (Status status = ApplyPushes(home, bound->second); !status)
    spdlog::error("{}", status.error().message);
}

size_t DenyMapDriver::WithdrawAll(uint64_t home, uint64_t now_ns) {
  const auto bound = homes_.find(home);
  if (bound == homes_.end() || bound->second.pushed.empty()) return 0;
  std::set<uint32_t> rules;
  for (const Pushed& p : bound->second.pushed) {
    if (p.expires_ns == 0 || p.expires_ns > now_ns) rules.insert(p.entry.rule);
  }
  bound->second.pushed.clear();
  if (Status status = ApplyPushes(home, bound->second); !status)
    spdlog::error("{}", status.error().message);
  return rules.size();
}

void DenyMapDriver::Expire(uint64_t now_ns) {
  for (auto& [home, bound] : homes_) {
    const size_t gone = std::erase_if(
        bound.pushed, [&](const Pushed& p) { return p.expires_ns != 0 && p.expires_ns <= now_ns; });
    if (gone == 0) continue;
    if (Status status = ApplyPushes(home, bound); !status)
      spdlog::error("{}", status.error().message);
  }
}

void DenyMapDriver::Forget(uint64_t home) {
  if (left_.contains(home)) Settle();
  if (const auto bound = homes_.find(home); bound != homes_.end()) {
    EraseRows(home, bound->second.slot, bound->second.rows, {});
    bound->second.pushed.clear();
    (void)WritePushes(home, bound->second);
    homes_.erase(bound);
  }
  bpf_map_delete_elem(fds_.homes, &home);
}

}  // namespace nsw::kernel
