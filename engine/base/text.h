// SPDX-License-Identifier: Apache-2.0
// Texts that people write: durations and sizes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace nsw {

/// "30s", "10m", "1h", "7d", "500ms" in nanoseconds. Error: says what is accepted.
Result<uint64_t> ParseDuration(std::string_view text);

/// "4096", "64KiB", "2GiB" in bytes. Error: says what is accepted.
Result<uint64_t> ParseSize(std::string_view text);

/// "10m", "1h 5m", "3d 2h": the two largest units.
std::string DurationText(uint64_t ns);

}  // namespace nsw
