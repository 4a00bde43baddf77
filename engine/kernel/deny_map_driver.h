// SPDX-License-Identifier: Apache-2.0
// DenyMapDriver: DenyMaps on the BPF maps of the enforcing object. Owned by Kernel; called from the
// pipeline's thread.
//
// What holds for one home alone (the files behind its literal paths, run-time entries) lives in the
// map `overlay`. It is kept here as a list of sources, and what the map must hold is derived anew
// from all of them at each change: so two sources of one key never undo each other.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "engine/kernel/deny_maps.h"
#include "engine/kernel/deny_tables.h"
#include "engine/kernel/resolve.h"

namespace nsw::kernel {

/// Descriptors that the driver works on; owned by the loaded object.
struct DenyMapFds {
  int sets = -1;
  int path_sets = -1;
  int net_sets = -1;
  int overlay = -1;
  int homes = -1;
  int set_home = -1;  ///< program nsw_set_home
  int resolve = -1;   ///< program nsw_resolve
  int answer = -1;
};

class DenyMapDriver final : public DenyMaps {
 public:
  DenyMapDriver(const DenyMapFds& fds, uint64_t seed, uint32_t slots);

  Result<uint32_t> BuildSet(const rule::DenyPlan& plan) override;
  void FreeSet(uint32_t slot) override;
  Status Bind(uint64_t home, uint32_t slot, const rule::DenyPlan& plan, pid_t pid) override;
  Status Push(uint64_t home, const rule::DenyEntry& entry, pid_t pid, uint64_t expires_ns) override;
  void Withdraw(uint64_t home, uint32_t rule) override;
  void Forget(uint64_t home) override;

  /// Takes away what has expired by `now_ns` (the kernel ignores it from that moment on anyway).
  void Expire(uint64_t now_ns);

 private:
  using ObjectKey = std::tuple<uint64_t, uint32_t, uint32_t>;  // id, dev, kind

  struct Source {
    rule::DenyEntry entry;
    std::vector<ObjectKey> keys;
    uint64_t expires_ns = 0;
    bool pushed = false;  ///< at run time; else of the plan that is bound
  };

  struct Bound {
    uint32_t slot = 0;
    uint32_t classes = 0;  ///< of the set
    std::vector<Source> sources;
    std::map<ObjectKey, nsw_verdict> written;
  };

  [[nodiscard]] std::vector<ObjectKey> KeysOf(const rule::DenyEntry& entry, pid_t pid,
                                              bool own_path) const;
  [[nodiscard]] static std::map<ObjectKey, nsw_verdict> Derive(const Bound& bound);
  Status Apply(uint64_t home, Bound& bound);
  Status Write(uint64_t home, Bound& bound, const std::map<ObjectKey, nsw_verdict>& wanted);
  void EraseStale(uint64_t home, Bound& bound, const std::map<ObjectKey, nsw_verdict>& wanted);
  Status FillSet(uint32_t slot, const DenyTables& tables) const;

  DenyMapFds fds_;
  uint64_t seed_;
  Resolver resolver_;
  std::vector<bool> used_;
  std::unordered_map<uint64_t, Bound> homes_;
};

}  // namespace nsw::kernel
