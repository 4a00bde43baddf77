// SPDX-License-Identifier: Apache-2.0
// DenyMapDriver: DenyMaps on the BPF maps of the enforcing object. Owned by Kernel; called from the
// pipeline's thread.
//
// A set's maps are of exactly its size, and shared by all homes that are bound to it. What holds
// for one home alone lives in two maps: `overlay` has the inodes and link targets behind the set's
// paths in that container, `pushes` the entries made at run time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "bpf/abi_bind.h"
#include "engine/kernel/deny_maps.h"
#include "engine/kernel/deny_sets.h"
#include "engine/kernel/enforcement.h"
#include "engine/kernel/resolve.h"

namespace nsw::kernel {

class DenyMapDriver final : public DenyMaps {
 public:
  /// Sees to it that the programs which refuse such acts are there.
  using Serve = std::function<Status(const Refusals&)>;

  /// `operations`: a bit per nsw_operation that this kernel has a hook for.
  DenyMapDriver(const DenyMapFds& fds, uint64_t seed, uint32_t slots, uint32_t operations,
                Enforcement enforcement, Serve serve);

  Result<uint32_t> BuildSet(const rule::DenyPlan& plan) override;
  void FreeSet(uint32_t slot) override;
  void Settle() override;
  Status Prepare(const rule::DenyPlan& plan) override { return serve_(RefusalsOf(plan)); }
  Status Bind(uint64_t home, uint32_t slot, const rule::DenyPlan& plan, pid_t pid) override;
  Status Push(uint64_t home, const rule::DenyEntry& entry, pid_t pid, uint64_t expires_ns) override;
  Result<size_t> Refresh(uint64_t home, pid_t pid) override;
  void Withdraw(uint64_t home, uint32_t rule) override;
  size_t WithdrawAll(uint64_t home, uint64_t now_ns) override;
  void Forget(uint64_t home) override;

  bool Holds(const container::Binding& binding) const override;

  /// Goes on with what an engine before this one has left in the maps. Error: programs that its
  /// run-time entries need were refused.
  [[nodiscard]] Status Inherit();
  /// Some home is still bound to a set that was inherited.
  [[nodiscard]] bool InheritedInUse() const;
  /// Frees these sets, and what the overlay has of them.
  void FreeInherited();

  /// Takes away what has expired by `now_ns` (the kernel ignores it from that moment on anyway).
  void Expire(uint64_t now_ns);

 private:
  struct Place {  ///< in `overlay` or `pushes`, of one home and slot
    uint64_t id = 0;
    uint32_t dev = 0;
    uint16_t kind = 0;
    auto operator<=>(const Place&) const = default;
  };
  using Ranges = DenySets::Ranges;
  using Rows = std::map<Place, nsw_clauses>;

  struct Pushed {
    rule::DenyEntry entry;
    std::vector<Place> places;
    uint64_t expires_ns = 0;
  };

  struct Bound {
    uint32_t slot = 0;
    Rows rows;  ///< written for `slot`
    uint64_t target_depths = 0;
    uint32_t flags = 0;  ///< nsw_overlay_flag of the rows
    size_t late = 0;     ///< rows that were found after it was bound
    std::vector<Pushed> pushed;
    std::map<Place, nsw_pushes> push_rows;  ///< written
    uint32_t classes = 0;   ///< of a set that was inherited: what the kernel asks it about
    uint32_t enforced = 0;  ///< ... and refuses by it
  };

  struct Left {  ///< by a home that was bound anew: of the set before
    uint32_t slot = 0;
    Rows rows;
  };

  [[nodiscard]] Result<Resolved> Find(const Inside& inside, const std::string& path) const;
  void ResolveOne(const NamedObject& object, const std::string& path, const Inside& inside,
                  Bound& bound, std::map<Place, Ranges>& found) const;
  void Resolve(const DenyTables& set, const Inside& inside, Bound& bound,
               std::map<Place, Ranges>& found) const;
  [[nodiscard]] std::vector<Place> PlacesOf(const rule::DenyKey& key, const Inside& inside) const;
  Result<size_t> Refresh(uint64_t home, const Inside& inside);
  [[nodiscard]] Status Rebind(uint64_t home, const rule::DenyPlan& plan, const Inside& inside);
  [[nodiscard]] uint32_t Phases(uint64_t home, const rule::DenyPlan& plan,
                                const Inside& inside) const;
  [[nodiscard]] bool RunsOne(const std::vector<rule::DenyKey>& keys, const Inside& inside) const;

  [[nodiscard]] nsw_home StateOf(uint64_t home) const;
  void InheritSets();
  void InheritPushes();

  [[nodiscard]] Result<Rows> Join(uint32_t slot, std::map<Place, Ranges>& found);
  Status Add(uint64_t home, Bound& bound, const Bound& now, const Rows& rows);
  Status WriteRows(uint64_t home, uint32_t slot, const Rows& rows) const;
  void EraseRows(uint64_t home, uint32_t slot, const Rows& rows, const Rows& kept) const;
  Status WritePushes(uint64_t home, Bound& bound);
  Status SetHome(uint64_t home, const Bound& bound, uint32_t phases, nsw_bind how) const;
  Status ApplyPushes(uint64_t home, Bound& bound);

  DenyMapFds fds_;
  uint64_t seed_;
  Resolver resolver_;
  DenySets sets_;
  Enforcement enforcement_;
  Serve serve_;
  std::unordered_map<uint64_t, Bound> homes_;
  std::unordered_map<uint64_t, Left> left_;
};

}  // namespace nsw::kernel
