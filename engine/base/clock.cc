// SPDX-License-Identifier: Apache-2.0
#include "engine/base/clock.h"

#include <cstdio>
#include <ctime>

namespace nsw {
namespace {

uint64_t Read(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

class RealClock final : public Clock {
 public:
  uint64_t BootNs() const override { return Read(CLOCK_BOOTTIME); }
  uint64_t RealNs() const override { return Read(CLOCK_REALTIME); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

std::string Rfc3339(uint64_t real_ns) {
  const auto seconds = static_cast<time_t>(real_ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[64];
  snprintf(text, sizeof text, "%s.%09uZ", date, static_cast<unsigned>(real_ns % 1'000'000'000));
  return text;
}

}  // namespace nsw
