// SPDX-License-Identifier: Apache-2.0
#include "engine/base/escape.h"

#include <gtest/gtest.h>

namespace nsw {
namespace {

TEST(EscapeTest, LeavesTextAlone) {
  for (const char* text : {"", "web-1", "/etc/passwd", "Größe 東京 🐋", "\"quoted\""}) {
    EXPECT_EQ(Escape(text), text);
  }
}

TEST(EscapeTest, SaysExactlyWhatThereWas) {
  EXPECT_EQ(Escape("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(Escape("\x1b[31m\x07\x7f"), "\\x1b[31m\\x07\\x7f");
  EXPECT_EQ(Escape(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Escape("a\\nb"), "a\\\\nb");
  EXPECT_EQ(Escape("\xff\xfe"), "\\xff\\xfe");
}

TEST(EscapeTest, HidesWhatSteersATerminalOrAReader) {
  EXPECT_EQ(Escape("\xc2\x9b"
                   "31m"),
            "\\u009b31m");                                       // CSI in one character
  EXPECT_EQ(Escape("a\xe2\x80\xaetxt.exe"), "a\\u202etxt.exe");  // right to left
  EXPECT_EQ(Escape("\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xe2\x80\xa8"),
            "\\u2066\\u200b\\ufeff\\u2028");
}

TEST(EscapeTest, BytesThatAreNoCharacterAreBytes) {
  EXPECT_EQ(Escape("\xc2"), "\\xc2");  // cut off
  EXPECT_EQ(Escape("\xe2\x80"), "\\xe2\\x80");
  EXPECT_EQ(Escape("\xc0\xaf"), "\\xc0\\xaf");  // overlong
  EXPECT_EQ(Escape("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(Escape("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
  EXPECT_EQ(Escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(Escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond the last
}

}  // namespace
}  // namespace nsw
