// SPDX-License-Identifier: Apache-2.0
// DenySets: the maps of the sets, each of exactly its size, in slots. What one combination of
// policies refuses is one set, shared by all homes that are bound to it. Part of DenyMapDriver; one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/unique_fd.h"
#include "engine/kernel/deny_tables.h"

namespace nsw::kernel {

/// Descriptors that the deny maps are worked on by; owned by the loaded object.
struct DenyMapFds {
  int sets = -1;
  int clause_sets = -1;
  int path_sets = -1;
  int filter_sets = -1;
  int net_sets = -1;
  int overlay = -1;
  int pushes = -1;
  int homes = -1;
  int set_home = -1;  ///< program nsw_set_home
  int resolve = -1;   ///< program nsw_resolve
  int answer = -1;
};

/// A startup's end as a number: equal where it is the same, in another engine, too; 0: no startup.
uint64_t UntilOf(const std::vector<rule::DenyKey>& until);

class DenySets {
 public:
  using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;  ///< first, count; sorted

  /// `operations`: a bit per nsw_operation that this kernel has a hook for.
  DenySets(const DenyMapFds& fds, uint64_t seed, uint32_t slots, uint32_t operations);

  /// Errors: as Lower; an operation that this kernel cannot refuse; no free slot; more memory than
  /// all sets may take; map errors.
  Result<uint32_t> Build(const rule::DenyPlan& plan);
  /// Returns when every verdict that has begun is done.
  void Wait() const;
  void Free(uint32_t slot);

  [[nodiscard]] const DenyTables& tables(uint32_t slot) const { return slots_[slot].tables; }
  /// Per policy UntilOf its startup's end. Of any slot, inherited ones included.
  [[nodiscard]] std::vector<uint64_t> until(uint32_t slot) const;

  /// The sets that an engine before this one has built keep their slots, until they are freed.
  void Inherit();
  [[nodiscard]] const std::set<uint32_t>& inherited() const { return inherited_; }
  void FreeInherited();

  /// The ranges that these clauses, of a set or joined, were made of.
  [[nodiscard]] Ranges RangesOf(uint32_t slot, const nsw_clauses& clauses) const;

  /// The clauses of several ranges of a set, as one. Error: no room.
  Result<nsw_clauses> Join(uint32_t slot, const Ranges& ranges);

 private:
  struct Slot {
    bool used = false;
    uint64_t bytes = 0;  ///< of its maps; of an inherited one not known
    DenyTables tables;
    UniqueFd clauses;
    size_t stored = 0;                     ///< clauses in the map: the set's, then joined ones
    std::map<Ranges, nsw_clauses> joined;  ///< of several paths with one inode
  };

  Status Fill(uint32_t slot, Slot& set);
  Status MakeClauses(uint32_t slot, Slot& set);
  [[nodiscard]] Status Supported(const rule::DenyPlan& plan) const;
  [[nodiscard]] Result<uint32_t> FreeSlot();

  DenyMapFds fds_;
  uint64_t seed_;
  uint32_t operations_;
  std::vector<Slot> slots_;
  std::set<uint32_t> inherited_;
  uint32_t last_slot_ = 0;
  uint32_t generation_ = 0;
  uint64_t bytes_ = 0;  ///< of the maps of all sets that this engine has built
};

}  // namespace nsw::kernel
