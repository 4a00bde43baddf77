// SPDX-License-Identifier: Apache-2.0
// Heartbeat: keeps account of what in the kernel the engine relies on, and says when that changes:
// once when something has failed, once when it works again. The pipeline feeds it once a second.
//
// What is certain is told at once, what is not when it was missed twice running: within five
// seconds either way, also where a look takes its time. What comes and goes counts as failing until
// it has worked for a while.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/kernel/sign.h"

namespace nsw {

class Heartbeat {
 public:
  static constexpr uint64_t kSteadyNs =
      5'000'000'000;  ///< so long it works before it counts as well

  /// One of the things relied on. Times are CLOCK_BOOTTIME.
  struct State {
    uint64_t worked_ns = 0;   ///< when it was last seen to work, or first looked at
    uint64_t failing_ns = 0;  ///< since when it fails; 0: it works
    uint64_t steady_ns = 0;   ///< while it fails: since when it works again
    int misses = 0;           ///< running
    uint32_t failures = 0;    ///< since it fails: how often it began to
    std::string trouble;      ///< of the last time that it did not work
  };
  using States = std::map<std::string, State>;

  struct Change {
    std::string what;
    bool works;   ///< now
    State state;  ///< as it was found to fail, or before it was found to work
  };

  /// One look at everything.
  std::vector<Change> Beat(const std::vector<kernel::Sign>& signs, uint64_t now_ns);

  [[nodiscard]] bool well() const;
  /// What fails, for people: "kprobe, pins"; empty where all is well.
  [[nodiscard]] std::string Failing() const;
  [[nodiscard]] const States& states() const { return states_; }
  /// When Beat was last called; 0: never.
  [[nodiscard]] uint64_t last_ns() const { return last_ns_; }

 private:
  States states_;
  uint64_t last_ns_ = 0;
};

}  // namespace nsw
