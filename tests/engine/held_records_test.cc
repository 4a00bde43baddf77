// SPDX-License-Identifier: Apache-2.0
#include "engine/held_records.h"

#include <gtest/gtest.h>

#include <string>

namespace nsw {
namespace {

bool Hold(HeldRecords& held, uint64_t home, const std::string& text) {
  return held.Hold(home, std::as_bytes(std::span(text)));
}

std::vector<std::string> Release(HeldRecords& held, uint64_t home) {
  std::vector<std::string> texts;
  held.Release(home, [&](std::span<const std::byte> record) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(record.data()) % 8, 0U) << "as decoding wants it";
    texts.emplace_back(reinterpret_cast<const char*>(record.data()), record.size());
  });
  return texts;
}

TEST(HeldRecords, ComeBackInTheirOrder) {
  HeldRecords held;
  for (const char* text : {"a", "12345678", "123456789", ""}) EXPECT_TRUE(Hold(held, 1, text));
  EXPECT_TRUE(Hold(held, 2, "another home's"));
  EXPECT_EQ(held.records(), 5U);
  EXPECT_EQ(Release(held, 1), (std::vector<std::string>{"a", "12345678", "123456789", ""}));
  EXPECT_EQ(held.records(), 1U);
  EXPECT_EQ(Release(held, 1), std::vector<std::string>{}) << "once";
  EXPECT_EQ(Release(held, 2), std::vector<std::string>{"another home's"});
  EXPECT_EQ(held.bytes(), 0U);
}

TEST(HeldRecords, AreCopies) {
  HeldRecords held;
  std::string text = "before";
  EXPECT_TRUE(Hold(held, 1, text));
  text = "after!";
  EXPECT_EQ(Release(held, 1), std::vector<std::string>{"before"});
}

TEST(HeldRecords, AreBounded) {
  HeldRecords held(32);  // two records of 8 bytes, each with its length
  EXPECT_TRUE(Hold(held, 1, "12345678"));
  EXPECT_TRUE(Hold(held, 2, "1"));
  EXPECT_EQ(held.bytes(), 32U);
  EXPECT_FALSE(Hold(held, 1, "1"));
  EXPECT_FALSE(Hold(held, 3, "1"));
  EXPECT_EQ(held.records(), 2U);
  EXPECT_EQ(Release(held, 3), std::vector<std::string>{})
      << "what found no room left nothing behind";
  EXPECT_EQ(Release(held, 2).size(), 1U);
  EXPECT_TRUE(Hold(held, 3, "1")) << "there is room again";
}

TEST(HeldRecords, MoreCanBeHeldWhileOthersAreReleased) {
  HeldRecords held;
  EXPECT_TRUE(Hold(held, 1, "a"));
  held.Release(1, [&](std::span<const std::byte>) { EXPECT_TRUE(Hold(held, 1, "b")); });
  EXPECT_EQ(Release(held, 1), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace nsw
