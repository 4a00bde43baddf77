// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_sets.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace nsw::kernel {
namespace {

constexpr uint64_t kBytesMax = 200ULL << 20;  // of all sets together

Result<UniqueFd> MakeMap(bpf_map_type type, const char* name, uint32_t key, uint32_t value,
                         size_t size, uint32_t flags) {
  const auto entries = static_cast<uint32_t>(std::max<size_t>(1, size));
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
  UniqueFd map(bpf_map_create(type, name, key, value, entries, &options));
  if (!map.valid())
    return FailErrno("making a map for " + std::to_string(size) + " entries", errno);
  return map;
}

Result<UniqueFd> MakePaths(const DenyTables& tables) {
  Result<UniqueFd> map = MakeMap(BPF_MAP_TYPE_HASH, "nsw_paths", sizeof(nsw_path_key),
                                 sizeof(nsw_clauses), tables.paths.size(), 0);
  if (!map) return map;
  for (const auto& [key, clauses] : tables.paths) {
    const nsw_path_key raw{key.second, key.first, 0};
    if (bpf_map_update_elem(map->get(), &raw, &clauses, BPF_ANY) != 0)
      return FailErrno("writing a path entry", errno);
  }
  return map;
}

Result<UniqueFd> MakeFilter(const DenyTables& tables) {
  Result<UniqueFd> map =
      MakeMap(BPF_MAP_TYPE_ARRAY, "nsw_filter", sizeof(uint32_t), sizeof(nsw_filter), 1, 0);
  if (!map) return map;
  const uint32_t only = 0;
  if (bpf_map_update_elem(map->get(), &only, FilterOf(tables).get(), BPF_ANY) != 0)
    return FailErrno("writing the filter of a deny set", errno);
  return map;
}

Result<UniqueFd> MakeNets(const DenyTables& tables) {
  Result<UniqueFd> map = MakeMap(BPF_MAP_TYPE_LPM_TRIE, "nsw_nets", sizeof(nsw_net_key),
                                 sizeof(nsw_clauses), tables.nets.size(), BPF_F_NO_PREALLOC);
  if (!map) return map;
  for (const auto& [key, clauses] : tables.nets) {
    if (bpf_map_update_elem(map->get(), &key, &clauses, BPF_ANY) != 0)
      return FailErrno("writing an address range", errno);
  }
  return map;
}

Status Put(int outer, uint32_t slot, int inner) {
  if (bpf_map_update_elem(outer, &slot, &inner, BPF_ANY) != 0)
    return FailErrno("publishing a deny map", errno);
  return {};
}

Status Put(int outer, uint32_t slot, const Result<UniqueFd>& inner) {
  return inner ? Put(outer, slot, inner->get()) : tl::unexpected(inner.error());
}

Status WriteClauses(int map, size_t from, const std::vector<nsw_clause>& clauses) {
  auto index = static_cast<uint32_t>(from);
  for (const nsw_clause& clause : clauses) {
    if (bpf_map_update_elem(map, &index, &clause, BPF_ANY) != 0)
      return FailErrno("writing a clause", errno);
    ++index;
  }
  return {};
}

}  // namespace

DenySets::DenySets(const DenyMapFds& fds, uint64_t seed, uint32_t slots, uint32_t operations)
    : fds_(fds), seed_(seed), operations_(operations), slots_(slots) {
  slots_[0].used = true;  // stands for "none"
}

uint64_t UntilOf(const std::vector<rule::DenyKey>& until) {
  if (until.empty()) return 0;
  std::string text;
  for (const rule::DenyKey& key : until) {
    text += std::to_string(static_cast<int>(key.kind)) + ":" + std::to_string(key.hole) + ":" +
            key.path + '\n';
  }
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in each engine
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash | 1;
}

std::vector<uint64_t> DenySets::until(uint32_t slot) const {
  nsw_set set{};
  bpf_map_lookup_elem(fds_.sets, &slot, &set);
  return {std::begin(set.until), std::end(set.until)};
}

void DenySets::Inherit() {
  for (uint32_t slot = 1; slot < slots_.size(); ++slot) {
    nsw_set set{};
    if (bpf_map_lookup_elem(fds_.sets, &slot, &set) != 0 || set.generation == 0) continue;
    slots_[slot].used = true;
    inherited_.insert(slot);
    generation_ = std::max(generation_, set.generation);
  }
}

void DenySets::FreeInherited() {
  for (const uint32_t slot : inherited_) Free(slot);
  inherited_.clear();
}

// In turn, so that a walk that began under a set now gone does not meet the next one's clauses.
Result<uint32_t> DenySets::FreeSlot() {
  for (size_t i = 1; i < slots_.size(); ++i) {
    const auto slot = static_cast<uint32_t>(1 + (last_slot_ + i - 1) % (slots_.size() - 1));
    if (slots_[slot].used) continue;
    last_slot_ = slot;
    return slot;
  }
  return Fail("more than " + std::to_string(slots_.size() - 1) +
              " sets of policies are in use, those that others take the place of included");
}

Status DenySets::Supported(const rule::DenyPlan& plan) const {
  static constexpr const char* kNames[] = {
#define OPERATION(NAME, name, ...) #name,
#include "bpf/deny.def"
  };
  for (const rule::DenyEntry& entry : plan.entries) {
    for (const rule::DenyKey& key : entry.keys) {
      if (key.kind != rule::DenyKind::kOperation || key.number >= NSW_OPERATION_COUNT ||
          (operations_ >> key.number & 1) != 0)
        continue;
      return Fail(std::string("this kernel has no hook that could refuse the operation ") +
                  kNames[key.number]);
    }
  }
  return {};
}

Result<uint32_t> DenySets::Build(const rule::DenyPlan& plan) {
  if (Status status = Supported(plan); !status) return tl::unexpected(status.error());
  Result<DenyTables> tables = Lower(plan, seed_);
  if (!tables) return tl::unexpected(tables.error());
  const Result<uint32_t> slot = FreeSlot();
  if (!slot) return slot;
  const uint64_t bytes = tables->bytes();
  if (bytes_ + bytes > kBytesMax) {
    return Fail("policies that take " + std::to_string((bytes_ + bytes) >> 20) +
                " MB of kernel memory, with those whose place they take, more than the " +
                std::to_string(kBytesMax >> 20) + " MB that all of them may");
  }
  Slot fresh;
  fresh.used = true;
  fresh.tables = std::move(*tables);
  for (size_t i = 0; i < plan.policies.size(); ++i)
    fresh.tables.set.until[i] = UntilOf(plan.policies[i].until);
  if (Status status = Fill(*slot, fresh); !status) {
    Free(*slot);
    return tl::unexpected(status.error());
  }
  fresh.bytes = bytes;
  bytes_ += bytes;
  slots_[*slot] = std::move(fresh);
  return slot;
}

Status DenySets::MakeClauses(uint32_t slot, Slot& set) {
  const std::vector<nsw_clause>& clauses = set.tables.clauses;
  Result<UniqueFd> map =
      MakeMap(BPF_MAP_TYPE_ARRAY, "nsw_clauses", sizeof(uint32_t), sizeof(nsw_clause),
              clauses.size() + kSpareClauses, BPF_F_INNER_MAP);
  if (!map) return tl::unexpected(map.error());
  if (Status status = WriteClauses(map->get(), 0, clauses); !status) return status;
  set.stored = clauses.size();
  set.clauses = std::move(*map);
  return Put(fds_.clause_sets, slot, set.clauses.get());
}

Status DenySets::Fill(uint32_t slot, Slot& set) {
  if (Status status = MakeClauses(slot, set); !status) return status;
  if (Status status = Put(fds_.path_sets, slot, MakePaths(set.tables)); !status) return status;
  if (Status status = Put(fds_.filter_sets, slot, MakeFilter(set.tables)); !status) return status;
  if (Status status = Put(fds_.net_sets, slot, MakeNets(set.tables)); !status) return status;
  if (++generation_ == 0) ++generation_;
  set.tables.set.generation = generation_;
  if (bpf_map_update_elem(fds_.sets, &slot, &set.tables.set, BPF_ANY) != 0)
    return FailErrno("writing a deny set", errno);
  return {};
}

// A verdict may be preempted for long. A change of a map of maps returns when all programs that run
// are done; of slot 0 nobody asks.
void DenySets::Wait() const {
  const uint32_t none = 0;
  const Status put = Put(fds_.clause_sets, none,
                         MakeMap(BPF_MAP_TYPE_ARRAY, "nsw_clauses", sizeof(uint32_t),
                                 sizeof(nsw_clause), 1, BPF_F_INNER_MAP));
  if (!put) spdlog::error("waiting for verdicts to end: {}", put.error().message);
  bpf_map_delete_elem(fds_.clause_sets, &none);
}

void DenySets::Free(uint32_t slot) {
  if (slot == 0 || slot >= slots_.size()) return;
  const nsw_set none{};
  bpf_map_update_elem(fds_.sets, &slot, &none, BPF_ANY);
  bpf_map_delete_elem(fds_.clause_sets, &slot);
  bpf_map_delete_elem(fds_.path_sets, &slot);
  bpf_map_delete_elem(fds_.filter_sets, &slot);
  bpf_map_delete_elem(fds_.net_sets, &slot);
  bytes_ -= slots_[slot].bytes;
  slots_[slot] = Slot();
}

DenySets::Ranges DenySets::RangesOf(uint32_t slot, const nsw_clauses& clauses) const {
  for (const auto& [ranges, joined] : slots_[slot].joined) {
    if (joined.first == clauses.first && joined.count == clauses.count) return ranges;
  }
  return {{clauses.first, clauses.count}};
}

// The clauses of several paths that lead to one inode, as one range. Containers of one image have
// the same, so that the room lasts.
Result<nsw_clauses> DenySets::Join(uint32_t slot, const Ranges& ranges) {
  Slot& set = slots_[slot];
  if (ranges.size() == 1) return nsw_clauses{ranges[0].first, ranges[0].second};
  if (const auto known = set.joined.find(ranges); known != set.joined.end()) return known->second;
  std::vector<nsw_clause> all;
  for (const auto& [first, count] : ranges) {
    const auto begin = set.tables.clauses.begin() + first;
    all.insert(all.end(), begin, begin + count);
  }
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.entry < b.entry; });
  if (all.size() > NSW_KEY_CLAUSES)
    return Fail(std::to_string(all.size()) + " entries name one and the same file (at most " +
                std::to_string(NSW_KEY_CLAUSES) + ")");
  if (set.stored + all.size() > set.tables.clauses.size() + kSpareClauses)
    return Fail("too many different files with several denied names (more than " +
                std::to_string(kSpareClauses) + " entries of such)");
  if (Status status = WriteClauses(set.clauses.get(), set.stored, all); !status)
    return tl::unexpected(status.error());
  const nsw_clauses joined{static_cast<uint32_t>(set.stored), static_cast<uint32_t>(all.size())};
  set.stored += all.size();
  return set.joined[ranges] = joined;
}

}  // namespace nsw::kernel
