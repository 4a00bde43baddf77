// SPDX-License-Identifier: Apache-2.0
// Measurer: what calls cost, each time it is asked, by one process that is begun before anything
// else: one with the engine's memory would pay for that in each fork.
#pragma once

#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::bench {

struct Call {
  std::string_view name;
  void (*make)();
  int calls;  ///< in one round
};

/// Of one call each, in nanoseconds of a clock that counts instructions.
using Costs = std::vector<double>;

class Measurer {
 public:
  /// Begins the process. `contained`: in a mount and a PID namespace of its own, as a container's.
  Measurer(std::vector<Call> calls, bool contained);

  Result<Costs> Measure();

 private:
  [[noreturn]] void Serve(int socket) const;

  std::vector<Call> calls_;
  UniqueFd socket_;
};

}  // namespace nsw::bench
