// SPDX-License-Identifier: Apache-2.0
// PoolKretprobe: a kretprobe whose pool of return instances is as large as we say. libbpf attaches
// with the kernel's default of a few per CPU, and of thousands of calls that sleep and return
// together nearly all returns are lost; tracefs takes a number. Used by the sensor's attachment.
//
// The probe lives in the kernel's list until it is removed, also when the engine is killed: the
// next one removes what a dead engine left.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::kernel {

class PoolKretprobe {
 public:
  static constexpr int kLarge =
      4096;  ///< the most that 5.10 takes; half a MiB of the kernel's memory
  static constexpr int kSmall = 128;  ///< for calls that never sleep

  static Result<PoolKretprobe> Attach(int program_fd, const std::string& function, int pool);
  /// Removes the probes of engines that are not running any more.
  static void RemoveStale();

  PoolKretprobe(PoolKretprobe&& other) noexcept = default;
  PoolKretprobe& operator=(PoolKretprobe&&) = delete;
  PoolKretprobe(const PoolKretprobe&) = delete;
  ~PoolKretprobe();

  /// Of the perf event.
  [[nodiscard]] int fd() const { return event_.get(); }

 private:
  PoolKretprobe(std::string name, UniqueFd event)
      : name_(std::move(name)), event_(std::move(event)) {}

  std::string name_;
  UniqueFd event_;
};

}  // namespace nsw::kernel
