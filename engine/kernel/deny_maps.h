// SPDX-License-Identifier: Apache-2.0
// DenyMaps: the kernel's deny maps as the rest of the engine uses them. One implementation drives
// BPF maps, a fake stands in for it in tests. Called from the pipeline's thread alone.
//
// A set is what one combination of policies refuses. It is built whole in a slot of its own and
// only then bound to a home, so that a container sees the old set or the new one and never a part.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "engine/base/result.h"
#include "engine/container/registry.h"
#include "engine/rule/deny_plan.h"

namespace nsw::kernel {

class DenyMaps {
 public:
  virtual ~DenyMaps() = default;

  /// Makes ready to refuse what any container may come to be refused, so that none waits for it
  /// when it is bound.
  [[nodiscard]] virtual Status Prepare(const rule::DenyPlan& plan) = 0;

  /// Builds a set and returns its slot (> 0). Errors: no free slot, more entries than fit (with the
  /// number), map errors.
  [[nodiscard]] virtual Result<uint32_t> BuildSet(const rule::DenyPlan& plan) = 0;

  /// Frees a slot that no home is bound to any more.
  virtual void FreeSet(uint32_t slot) = 0;

  /// Binds a home to a set (0: none), and resolves the plan's literal paths and directories inside
  /// the container of `pid` (0: not possible) to the targets and inodes behind them, which join the
  /// home's overlay.
  [[nodiscard]] virtual Status Bind(uint64_t home, uint32_t slot, const rule::DenyPlan& plan,
                                    pid_t pid) = 0;

  /// Looks once more where the paths of the set that a home is bound to lead in the container of
  /// `pid`, and adds what is new. Nothing is taken away: nobody is to shake a rule off by sending a
  /// link elsewhere. Returns how many paths it looked at, or 1. Errors: as Bind.
  [[nodiscard]] virtual Result<size_t> Refresh(uint64_t home, pid_t pid) = 0;

  /// Takes away what homes that were bound anew have left behind. Waits until no verdict that has
  /// begun looks at it any more; to be called now and then.
  virtual void Settle() {}

  /// Adds one entry for one home at run time. `expires_ns`: CLOCK_BOOTTIME, 0 for never. Errors: a
  /// key of a kind that has no such entries.
  [[nodiscard]] virtual Status Push(uint64_t home, const rule::DenyEntry& entry, pid_t pid,
                                    uint64_t expires_ns) = 0;

  /// Takes away the run-time entries of that rule id from that home.
  virtual void Withdraw(uint64_t home, uint32_t rule) = 0;

  /// ... and all of them, whoever made them: an engine before this one may have. Returns how many
  /// there were that had not expired by `now_ns` (CLOCK_BOOTTIME).
  virtual size_t WithdrawAll(uint64_t home, uint64_t now_ns) = 0;

  /// True where a home is still under what an engine before this one bound it to, and stays so: it
  /// is not known yet whose it is, and to bind it to less would open a gap.
  [[nodiscard]] virtual bool Holds(const container::Binding& /*binding*/) const { return false; }

  /// Forgets a home that is gone, with its overlay.
  virtual void Forget(uint64_t home) = 0;
};

}  // namespace nsw::kernel
