// SPDX-License-Identifier: Apache-2.0
// Canary: tells whether the mechanisms by which the programs are called still call anything.
// Whoever may can switch them off under a running engine (kernel.ftrace_enabled, kprobes/enabled in
// debugfs), and nothing else would show it: silence looks like peace. Part of LoadedKernel; one
// thread.
//
// On each mechanism that this run uses there is a program of its own, at a call that is harmless
// and rare: ioprio_get, by which the engine asks for its own priority, and a task's taking another
// name. The programs are called within the call, or not at all. They count in memory that is
// mapped: a bpf() call for it would keep other tasks' kprobes from being called meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "canary.skel.h"
#include "engine/base/result.h"
#include "engine/kernel/features.h"
#include "engine/kernel/pool_kretprobe.h"
#include "engine/kernel/programs.h"
#include "engine/kernel/sign.h"

namespace nsw::kernel {

struct CanaryDeleter {
  void operator()(canary* skeleton) const { canary__destroy(skeleton); }
};

class Canary {
 public:
  /// `lsm`: LSM programs refuse here. A canary that cannot be attached is logged, and not listened
  /// to.
  static Result<Canary> Load(const Features& features, bool lsm);

  /// Makes the calls, and says of each mechanism whether its program was called. Takes
  /// microseconds, and some milliseconds while one is silent.
  [[nodiscard]] std::vector<Sign> Listen();

 private:
  struct Row;
  struct Listened {
    const Row* row;
    uint32_t heard;  ///< calls up to the last time
  };

  static const std::vector<Row>& Rows();
  void Attach(const Row& row);
  [[nodiscard]] bool AllHeard() const;
  [[nodiscard]] Status TryAttach(const Row& row);

  std::unique_ptr<canary, CanaryDeleter> skeleton_;
  bool pool_ = false;  ///< kretprobes have one
  std::vector<Link> links_;
  std::optional<PoolKretprobe> return_;
  std::vector<Listened> listened_;
};

}  // namespace nsw::kernel
