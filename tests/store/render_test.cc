// SPDX-License-Identifier: Apache-2.0
#include "store/render.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "store/json_text.h"
#include "store/when.h"

namespace nsw::store {
namespace {

constexpr uint64_t kNoon = 1'767'268'800'000'000'000;  // 2026-01-01T12:00:00Z

Row Sample() {
  Row row;
  row.first_ns = kNoon;
  row.last_ns = kNoon + 1;
  row.count = 3;
  row.container_name = "web";
  row.event = "open";
  row.process_name = "nginx";
  row.pid = 7;
  row.object = "/a";
  row.detail = R"({"flags":2})";
  return row;
}

class RenderTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(RenderTest, ATableRow) {
  const std::string line = Render(Format::kTable, Sample(), false);
  EXPECT_TRUE(line.starts_with("2026-01-01 12:00:00  3       web ")) << line;
  EXPECT_NE(line.find("nginx[7]"), std::string::npos);
  EXPECT_TRUE(line.ends_with("/a\n"));
}

TEST_F(RenderTest, ATableCannotBeSteered) {
  Row row = Sample();
  row.object = "/a\n2026\x1b[2J\x7f\xff\xc2\x9b\xe2\x80\xae\xc3\xa4";
  const std::string line = Render(Format::kTable, row, false);
  EXPECT_TRUE(line.ends_with(R"(/a\n2026\x1b[2J\x7f\xff\u009b\u202eä)"
                             "\n"))
      << line;
  row.output = "x\ry";
  EXPECT_NE(Render(Format::kTable, row, true).find(R"(x\ry)"), std::string::npos);
}

TEST_F(RenderTest, ATableTellsALineEndFromWhatLooksLikeOne) {
  Row row = Sample();
  row.object = "/a\\nb\nc";
  EXPECT_TRUE(Render(Format::kTable, row, false)
                  .ends_with(R"(/a\\nb\nc)"
                             "\n"));
}

TEST_F(RenderTest, JsonIsAlwaysJson) {
  Row row = Sample();
  row.object = "/a\n\"\\\xff\xed\xa0\x80\x01\x7f\xc2\x9b";
  row.detail = "{\"path\":\"/a\xff\"}";
  const std::string line = Render(Format::kJson, row, false);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["time"], "2026-01-01T12:00:00.000000000Z");
  EXPECT_EQ(json["count"], 3);
  EXPECT_EQ(json["detail"]["path"], "/a\xef\xbf\xbd");
  EXPECT_TRUE(json["object"].get<std::string>().starts_with("/a\n\"\\\xef\xbf\xbd"));
  EXPECT_EQ(line.find('\x7f'), std::string::npos);
  EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
}

TEST_F(RenderTest, CsvIsQuoted) {
  Row row = Sample();
  row.object = "/a,\"b\"\nc\x1b";
  const std::string line = Render(Format::kCsv, row, false);
  EXPECT_NE(line.find(",\"/a,\"\"b\"\"\nc\\x1b\","), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with("\r\n"));
  const std::string header = RenderHeader(Format::kCsv, false);
  EXPECT_EQ(std::count(header.begin(), header.end(), ','),
            std::count(line.begin(), line.end(), ',') - 1);
}

TEST_F(RenderTest, CsvHasNoFormulas) {
  for (const std::string begin :
       {"=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"}) {
    Row row = Sample();
    row.process_name = begin + "cmd|' /C calc'!A0";
    row.container_name = begin;
    const std::string line = Render(Format::kCsv, row, false);
    EXPECT_NE(line.find("'" + row.process_name), std::string::npos) << line;
    EXPECT_NE(line.find("'" + begin), std::string::npos) << line;
  }
  Row row = Sample();
  row.result = -13;
  row.object = "/a=b";
  row.cmdline = "-bash";
  const std::string line = Render(Format::kCsv, row, false);
  EXPECT_NE(line.find(",-13,"), std::string::npos) << "a number is none: " << line;
  EXPECT_NE(line.find(",/a=b,"), std::string::npos) << line;
  EXPECT_NE(line.find(",'-bash,"), std::string::npos) << line;
  EXPECT_NE(Render(Format::kJson, row, false).find(R"("-bash")"), std::string::npos);
  EXPECT_NE(Render(Format::kTable, row, false).find("-13"), std::string::npos);
}

TEST_F(RenderTest, TimesThatPeopleGive) {
  EXPECT_EQ(ParseWhen("1h", kNoon), kNoon - 3600ULL * 1'000'000'000);
  EXPECT_EQ(ParseWhen("2d", kNoon), kNoon - 2ULL * 86400 * 1'000'000'000);
  EXPECT_EQ(ParseWhen("2026-01-01T12:00:00Z", 0), kNoon);
  EXPECT_EQ(ParseWhen("2026-01-01T13:00:00.5+01:00", 0), kNoon + 500'000'000);
  EXPECT_EQ(ParseWhen("2026-01-01 12:00", 0), kNoon);
  EXPECT_EQ(ParseWhen("2026-01-01 12:00:00", 0), kNoon);
  EXPECT_EQ(ParseWhen("2026-01-01", 0), kNoon - 12 * 3600ULL * 1'000'000'000);
}

TEST_F(RenderTest, WhatIsNoTimeSaysWhatIs) {
  for (const char* text : {"", "yesterday", "1", "-1h", "2026-02-31 12:00", "2026-01-01T12:00:00",
                           "2026-01-01T12:00:00+1:00", "2026-01-01 12:00x", "12:00"}) {
    const auto when = ParseWhen(text, kNoon);
    ASSERT_FALSE(when) << text;
    EXPECT_NE(when.error().message.find("RFC 3339"), std::string::npos);
  }
}

TEST_F(RenderTest, Utf8) {
  EXPECT_EQ(Utf8Length("\xc0\x80"), 0U);          // overlong
  EXPECT_EQ(Utf8Length("\xe0\x80\x80"), 0U);      // overlong
  EXPECT_EQ(Utf8Length("\xed\xa0\x80"), 0U);      // a surrogate
  EXPECT_EQ(Utf8Length("\xf4\x90\x80\x80"), 0U);  // beyond U+10FFFF
  EXPECT_EQ(Utf8Length("\xe2\x82"), 0U);          // cut
  EXPECT_EQ(Utf8Length("\xe2\x82\xac"), 3U);
  EXPECT_EQ(Utf8Length("\xf0\x9f\x98\x80"), 4U);
}

}  // namespace
}  // namespace nsw::store
