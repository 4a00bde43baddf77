// SPDX-License-Identifier: Apache-2.0
// Points in time as people give them to --since and --until.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace nsw::store {

/// A time ago ("30s", "10m", "1h", "2d"), RFC 3339 ("2026-01-31T12:00:00Z"), or local time
/// ("2026-01-31 12:00", with seconds if wanted, or the date alone). ns since 1970. Error: says what
/// is accepted.
Result<uint64_t> ParseWhen(std::string_view text, uint64_t now_ns);

}  // namespace nsw::store
