// SPDX-License-Identifier: Apache-2.0
#include "engine/base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace nsw {
namespace {

TEST(Rfc3339, HasAllNanoseconds) {
  EXPECT_EQ(Rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(Rfc3339(1'769'860'800'000'000'001), "2026-01-31T12:00:00.000000001Z");
  EXPECT_EQ(Rfc3339(1'709'164'800'999'999'999), "2024-02-29T00:00:00.999999999Z");
}

TEST(Rfc3339, TakesTheLastMoment) { EXPECT_EQ(Rfc3339(~0ULL), "2554-07-21T23:34:33.709551615Z"); }

TEST(SystemClock, CountsWhatTheKernelStampsRecordsWith) {
  timespec before{};
  clock_gettime(CLOCK_BOOTTIME, &before);
  const uint64_t now = SystemClock().BootNs();
  timespec after{};
  clock_gettime(CLOCK_BOOTTIME, &after);
  EXPECT_GE(now, static_cast<uint64_t>(before.tv_sec) * 1'000'000'000 +
                     static_cast<uint64_t>(before.tv_nsec));
  EXPECT_LE(now, static_cast<uint64_t>(after.tv_sec) * 1'000'000'000 +
                     static_cast<uint64_t>(after.tv_nsec));
}

TEST(SystemClock, TellsTheTimeOfDay) {
  EXPECT_NEAR(static_cast<double>(SystemClock().RealNs()) / 1e9, static_cast<double>(time(nullptr)),
              2);
}

}  // namespace
}  // namespace nsw
