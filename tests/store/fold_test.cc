// SPDX-License-Identifier: Apache-2.0
#include "store/fold.h"

#include <gtest/gtest.h>

#include "store/describe.h"
#include "tests/store/acts.h"

namespace nsw::store {
namespace {

TEST(FoldTable, TwoKeysOfOneHashAreTwo) {
  FoldTable table(64);
  table.Claim(1, "a")->row = 10;
  table.Claim(1, "b")->row = 20;
  EXPECT_EQ(table.Find(1, "a")->row, 10);
  EXPECT_EQ(table.Find(1, "b")->row, 20);
  EXPECT_EQ(table.Find(1, "c"), nullptr);
  EXPECT_EQ(table.Find(2, "a"), nullptr);
}

TEST(FoldTable, WhatWasUsedLongestAgoMakesRoom) {
  FoldTable table(8);
  for (int i = 0; i < 8; i++) table.Claim(1, std::to_string(i))->row = i + 1;
  ASSERT_NE(table.Find(1, "0"), nullptr);
  table.Claim(1, "8")->row = 9;
  EXPECT_NE(table.Find(1, "0"), nullptr);
  EXPECT_EQ(table.Find(1, "1"), nullptr);
}

TEST(FoldTable, LongKeysDoNotTakeAllMemory) {
  FoldTable table(64);
  for (uint64_t i = 0; i < 1000; i++) {
    auto* slot = table.Claim(i, std::string(8000, static_cast<char>('a' + i % 26)));
    if (slot != nullptr) slot->row = 1;
  }
  EXPECT_LE(table.key_bytes(), 64U * 512);
  auto* slot = table.Claim(5, "short");
  ASSERT_NE(slot, nullptr);
}

TEST(FoldKey, TextsDoNotRunTogether) {
  FoldKey a;
  Act one = Act::Open("/ab");
  one.process().exepath = "/c";
  a.Make(one.event(), alert::Verdict::kNone, nullptr);
  const std::string first(a.bytes());
  Act two = Act::Open("/a");
  two.process().exepath = "b/c";
  a.Make(two.event(), alert::Verdict::kNone, nullptr);
  EXPECT_NE(first, a.bytes());
}

// A field that nobody thought of keeps acts apart.
TEST(FoldKey, EveryFieldCountsButTheIncidental) {
  const auto& layout = LayoutOf(event::Type::k_open);
  EXPECT_EQ(layout.numbers.size(), 3U);  // flags, file_mode, created; not ino, dev
  EXPECT_EQ(layout.texts.size(), 2U);
  EXPECT_FALSE(LayoutOf(event::Type::k_exec).folds);
  EXPECT_TRUE(LayoutOf(event::Type::k_fork).folds);
}

}  // namespace
}  // namespace nsw::store
