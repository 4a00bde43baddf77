// SPDX-License-Identifier: Apache-2.0
// The switch that lifts all refusals at once: one element of a pinned map that each program looks
// at before it refuses. Turned by the engine, and by `nswarden release --all` where none runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "bpf/abi.h"
#include "engine/base/result.h"

namespace nsw::kernel {

struct Disarmed {
  nsw_disarmed how = NSW_DISARMED_BY_HAND;  ///< NSW_ARMED: refuse again
  uint32_t uid = 0;
  uint32_t pid = 0;
  uint64_t time_ns = 0;  ///< CLOCK_REALTIME
  std::string reason;
};

/// `map`: descriptor of a map `disarm`.
[[nodiscard]] Status SetDisarmed(int map, const Disarmed& disarmed);
/// Nothing: what policies refuse is refused.
[[nodiscard]] std::optional<Disarmed> GetDisarmed(int map);

/// In all that is pinned below `root`, of whatever version. Returns how many switches there were;
/// 0: nothing is pinned. Error: of the first that could not be turned.
[[nodiscard]] Result<size_t> SetDisarmedPinned(const std::filesystem::path& root,
                                               const Disarmed& disarmed);

/// As the first that is pinned below `root` and disarmed has it.
[[nodiscard]] std::optional<Disarmed> GetDisarmedPinned(const std::filesystem::path& root);

}  // namespace nsw::kernel
