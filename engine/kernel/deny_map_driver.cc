// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_map_driver.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "engine/base/unique_fd.h"
#include "engine/kernel/path_hash.h"
#include "engine/kernel/programs.h"

namespace nsw::kernel {
namespace {

nsw_object_key Key(uint64_t home, const std::tuple<uint64_t, uint32_t, uint32_t>& key) {
  return {home, std::get<0>(key), std::get<1>(key), std::get<2>(key)};
}

Result<UniqueFd> MakePaths(const DenyTables& tables) {
  const auto size = static_cast<uint32_t>(std::max<size_t>(1, tables.paths.size()));
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_HASH, "nsw_paths", sizeof(nsw_path_key),
                              sizeof(nsw_verdict), size, nullptr));
  if (!map.valid())
    return FailErrno("making a map for " + std::to_string(size) + " path entries", errno);
  for (const auto& [key, verdict] : tables.paths) {
    const nsw_path_key raw{key.second, key.first, 0};
    if (bpf_map_update_elem(map.get(), &raw, &verdict, BPF_ANY) != 0)
      return FailErrno("writing a path entry", errno);
  }
  return map;
}

Result<UniqueFd> MakeNets(const DenyTables& tables) {
  const auto size = static_cast<uint32_t>(std::max<size_t>(1, tables.nets.size()));
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "nsw_nets", sizeof(nsw_net_key),
                              sizeof(nsw_net), size, &options));
  if (!map.valid())
    return FailErrno("making a map for " + std::to_string(size) + " address ranges", errno);
  for (const auto& [key, value] : tables.nets) {
    if (bpf_map_update_elem(map.get(), &key, &value, BPF_ANY) != 0)
      return FailErrno("writing an address range", errno);
  }
  return map;
}

Status Put(int outer, uint32_t slot, const Result<UniqueFd>& inner) {
  if (!inner) return tl::unexpected(inner.error());
  const int fd = inner->get();
  if (bpf_map_update_elem(outer, &slot, &fd, BPF_ANY) != 0)
    return FailErrno("publishing a deny map", errno);
  return {};
}

}  // namespace

DenyMapDriver::DenyMapDriver(const DenyMapFds& fds, uint64_t seed, uint32_t slots)
    : fds_(fds), seed_(seed), resolver_(fds.resolve, fds.answer), used_(slots) {
  used_[0] = true;  // stands for "none"
}

Result<uint32_t> DenyMapDriver::BuildSet(const rule::DenyPlan& plan) {
  const Result<DenyTables> tables = Lower(plan, seed_);
  if (!tables) return tl::unexpected(tables.error());
  const auto free = std::find(used_.begin(), used_.end(), false);
  if (free == used_.end()) {
    return Fail("more than " + std::to_string(used_.size() - 1) +
                " different combinations of policies are in use");
  }
  const auto slot = static_cast<uint32_t>(free - used_.begin());
  if (Status status = FillSet(slot, *tables); !status) {
    FreeSet(slot);
    return tl::unexpected(status.error());
  }
  used_[slot] = true;
  return slot;
}

Status DenyMapDriver::FillSet(uint32_t slot, const DenyTables& tables) const {
  if (Status status = Put(fds_.path_sets, slot, MakePaths(tables)); !status) return status;
  if (Status status = Put(fds_.net_sets, slot, MakeNets(tables)); !status) return status;
  if (bpf_map_update_elem(fds_.sets, &slot, &tables.set, BPF_ANY) != 0)
    return FailErrno("writing a deny set", errno);
  return {};
}

void DenyMapDriver::FreeSet(uint32_t slot) {
  if (slot == 0 || slot >= used_.size()) return;
  const nsw_set none{};
  bpf_map_update_elem(fds_.sets, &slot, &none, BPF_ANY);
  bpf_map_delete_elem(fds_.path_sets, &slot);
  bpf_map_delete_elem(fds_.net_sets, &slot);
  used_[slot] = false;
}

std::vector<DenyMapDriver::ObjectKey> DenyMapDriver::KeysOf(const rule::DenyEntry& entry, pid_t pid,
                                                            bool own_path) const {
  if (entry.kind == rule::DenyKind::kName) {
    if (!own_path) return {};
    return {{NameHash(entry.path, seed_), 0, NSW_KEY_NAME}};
  }
  const bool below = entry.kind == rule::DenyKind::kBelow;
  const uint32_t kind = below ? NSW_KEY_BELOW : NSW_KEY_PATH;
  std::vector<ObjectKey> keys;
  if (own_path) keys.emplace_back(HashPath(entry.path, seed_).hash, 0, kind);
  if (pid <= 0) return keys;
  const auto add = [&](const std::string& path) {
    const Result<Resolved> file = resolver_.Resolve(pid, path);
    if (!file) {
      spdlog::debug("{}; the path alone is held", file.error().message);
      return;
    }
    if (file->has_path) keys.emplace_back(file->hash, 0, kind);
    keys.emplace_back(file->ino, file->dev, kind | NSW_KEY_INODE);
  };
  add(entry.path);
  // A volume below a denied directory, mounted a second time elsewhere, leads neither there by its
  // path nor by inodes.
  if (below) {
    for (const std::string& mount : Resolver::MountsBelow(pid, entry.path)) add(mount);
  }
  return keys;
}

Status DenyMapDriver::Bind(uint64_t home, uint32_t slot, const rule::DenyPlan& plan, pid_t pid) {
  Bound next;
  if (const auto known = homes_.find(home); known != homes_.end()) {
    next = known->second;
    std::erase_if(next.sources, [](const Source& source) { return !source.pushed; });
  }
  next.slot = slot;
  next.classes = ClassBits(plan.entries);
  for (const rule::DenyEntry& entry : plan.entries) {
    if (entry.kind != rule::DenyKind::kPath && entry.kind != rule::DenyKind::kBelow) continue;
    std::vector<ObjectKey> keys = KeysOf(entry, pid, false);
    if (!keys.empty()) next.sources.push_back({entry, std::move(keys), 0, false});
  }
  Status status = Apply(home, next);
  if (status) homes_[home] = std::move(next);
  return status;
}

Status DenyMapDriver::Push(uint64_t home, const rule::DenyEntry& entry, pid_t pid,
                           uint64_t expires_ns) {
  if (entry.kind == rule::DenyKind::kNet) {
    return Fail("addresses cannot be refused at run time yet; name them in a policy's deny list");
  }
  if (entry.rule == 0) return Fail("a deny entry without a rule id");
  Bound next = homes_[home];
  next.sources.push_back({entry, KeysOf(entry, pid, true), expires_ns, true});
  Status status = Apply(home, next);
  if (status) homes_[home] = std::move(next);
  return status;
}

void DenyMapDriver::Withdraw(uint64_t home, uint32_t rule) {
  const auto bound = homes_.find(home);
  if (bound == homes_.end()) return;
  std::erase_if(bound->second.sources,
                [&](const Source& s) { return s.pushed && s.entry.rule == rule; });
  if (Status status = Apply(home, bound->second); !status)
    spdlog::error("{}", status.error().message);
}

void DenyMapDriver::Expire(uint64_t now_ns) {
  for (auto& [home, bound] : homes_) {
    const size_t gone = std::erase_if(
        bound.sources, [&](const Source& s) { return s.expires_ns && s.expires_ns <= now_ns; });
    if (gone == 0) continue;
    if (Status status = Apply(home, bound); !status) spdlog::error("{}", status.error().message);
  }
}

void DenyMapDriver::Forget(uint64_t home) {
  if (const auto bound = homes_.find(home); bound != homes_.end()) {
    EraseStale(home, bound->second, {});
    homes_.erase(bound);
  }
  bpf_map_delete_elem(fds_.homes, &home);
}

std::map<DenyMapDriver::ObjectKey, nsw_verdict> DenyMapDriver::Derive(const Bound& bound) {
  std::map<ObjectKey, nsw_verdict> wanted;
  for (const Source& source : bound.sources) {
    for (const ObjectKey& key : source.keys) {
      const auto [at, fresh] = wanted.try_emplace(key);
      nsw_verdict& verdict = at->second;
      // One value has one expiry: of several sources the last to go counts, and Expire() derives
      // the rest.
      const uint64_t before = fresh ? source.expires_ns : verdict.expires_ns;
      verdict.expires_ns =
          before == 0 || source.expires_ns == 0 ? 0 : std::max(before, source.expires_ns);
      Speak(verdict, source.entry);
    }
  }
  return wanted;
}

Status DenyMapDriver::Write(uint64_t home, Bound& bound,
                            const std::map<ObjectKey, nsw_verdict>& wanted) {
  for (const auto& [key, verdict] : wanted) {
    const nsw_object_key raw = Key(home, key);
    if (bpf_map_update_elem(fds_.overlay, &raw, &verdict, BPF_ANY) != 0) {
      const int code = errno;
      return FailErrno("container-specific entry " + std::to_string(bound.written.size() + 1) +
                           " of " + std::to_string(wanted.size()) +
                           (code == E2BIG ? " finds no room" : ""),
                       code);
    }
    bound.written[key] = verdict;
  }
  return {};
}

void DenyMapDriver::EraseStale(uint64_t home, Bound& bound,
                               const std::map<ObjectKey, nsw_verdict>& wanted) {
  std::erase_if(bound.written, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    const nsw_object_key raw = Key(home, entry.first);
    bpf_map_delete_elem(fds_.overlay, &raw);
    return true;
  });
}

// First what is new, then the switch to the set, then away with what is old: at no instant less
// than both sides agree on.
Status DenyMapDriver::Apply(uint64_t home, Bound& bound) {
  const std::map<ObjectKey, nsw_verdict> wanted = Derive(bound);
  if (Status status = Write(home, bound, wanted); !status) return status;
  uint32_t classes = bound.classes;
  for (const Source& source : bound.sources) classes |= ClassBits({source.entry});
  Result<uint32_t> failed =
      RunProgram(fds_.set_home, {home, NSW_HOME_BOUND, 0, 1, bound.slot, classes, !wanted.empty()});
  if (!failed) return tl::unexpected(failed.error());
  if (*failed != 0) return Fail("no room for one more container in the kernel's map `homes`");
  EraseStale(home, bound, wanted);
  return {};
}

}  // namespace nsw::kernel
