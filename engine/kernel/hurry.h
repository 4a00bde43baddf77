// SPDX-License-Identifier: Apache-2.0
// Hurry: while one is there the kernel takes the short way to the end of a grace period
// (/sys/kernel/rcu_expedited). Each probe that is attached or taken off waits for several, and
// there are hundreds: without it a stop takes 10 s and more. Held for that second alone. Where the
// switch cannot be written (a sandbox, a real-time kernel) things take longer; where it is on
// already it stays as it is.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "engine/base/unique_fd.h"

namespace nsw::kernel {

class Hurry {
 public:
  Hurry() : switch_(open("/sys/kernel/rcu_expedited", O_RDWR | O_CLOEXEC)) {
    char now = '1';
    mine_ = switch_.valid() && pread(switch_.get(), &now, 1, 0) == 1 && now == '0' && Write("1");
  }
  ~Hurry() {
    if (mine_) Write("0");
  }
  Hurry(const Hurry&) = delete;
  Hurry& operator=(const Hurry&) = delete;

 private:
  bool Write(const char* value) { return pwrite(switch_.get(), value, 1, 0) == 1; }

  UniqueFd switch_;
  bool mine_ = false;
};

}  // namespace nsw::kernel
