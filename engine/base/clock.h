// SPDX-License-Identifier: Apache-2.0
// Clock: the time as the engine uses it; faked in tests. Nanoseconds everywhere.
//
// Kernel records carry CLOCK_BOOTTIME; people read CLOCK_REALTIME. The offset between them moves
// when somebody sets the clock, so it is read anew now and then rather than once.
#pragma once

#include <cstdint>
#include <string>

namespace nsw {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual uint64_t BootNs() const = 0;
  [[nodiscard]] virtual uint64_t RealNs() const = 0;
};

/// The machine's clocks.
const Clock& SystemClock();

/// RFC 3339 in UTC with nanoseconds: 2026-01-31T12:00:00.000000001Z. `ns` since 1970.
std::string Rfc3339(uint64_t real_ns);

}  // namespace nsw
