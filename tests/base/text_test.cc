// SPDX-License-Identifier: Apache-2.0
#include "engine/base/text.h"

#include <gtest/gtest.h>

namespace nsw {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(ParseDuration, TakesEachUnit) {
  EXPECT_EQ(ParseDuration("500ms"), 500'000'000U);
  EXPECT_EQ(ParseDuration("30s"), 30 * kSecond);
  EXPECT_EQ(ParseDuration("10m"), 600 * kSecond);
  EXPECT_EQ(ParseDuration("1h"), 3600 * kSecond);
  EXPECT_EQ(ParseDuration("7d"), 7 * 86400 * kSecond);
  EXPECT_EQ(ParseDuration("0s"), 0U);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "5", "s", "-5s", "+5s", " 5s", "5 s", "5s ", "5S", "1.5h", "1h30m",
                           "5sec", "0x5s", "99999999999999999999s", "18446744073709551615d"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("such as 10m"), std::string::npos);
    EXPECT_NE(parsed.error().message.find('\'' + std::string(text) + '\''), std::string::npos);
  }
}

TEST(ParseDuration, TakesTheLargestThatFits) {
  EXPECT_EQ(ParseDuration("213503d"), 213503ULL * 86400 * kSecond);
  EXPECT_FALSE(ParseDuration("213504d"));
}

TEST(ParseSize, TakesEachUnit) {
  EXPECT_EQ(ParseSize("4096"), 4096U);
  EXPECT_EQ(ParseSize("64KiB"), 65536U);
  EXPECT_EQ(ParseSize("3MiB"), 3U << 20);
  EXPECT_EQ(ParseSize("2GiB"), 2ULL << 30);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "KiB", "-1", "1KB", "1kib", "1 KiB", "1.5GiB", "17179869184GiB"}) {
    const auto parsed = ParseSize(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("such as 2GiB"), std::string::npos);
  }
}

TEST(ParseSize, StopsAtTheEndOfTheView) {
  EXPECT_EQ(ParseSize(std::string_view("4096KiB").substr(0, 4)), 4096U);
}

TEST(DurationText, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(DurationText(0), "0s");
  EXPECT_EQ(DurationText(999'999), "0s");
  EXPECT_EQ(DurationText(kSecond / 2), "500ms");
  EXPECT_EQ(DurationText(600 * kSecond), "10m");
  EXPECT_EQ(DurationText(3900 * kSecond), "1h 5m");
  EXPECT_EQ(DurationText((3 * 86400 + 2 * 3600 + 61) * kSecond), "3d 2h");
}

}  // namespace
}  // namespace nsw
