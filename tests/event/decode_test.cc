// SPDX-License-Identifier: Apache-2.0
// Decoding: what each event gives, and what is refused.
#include <gtest/gtest.h>

#include "engine/event/event.h"
#include "engine/event/field_table.h"
#include "tests/support/record_builder.h"

namespace nsw::event {
namespace {

using test::Bytes;

std::string_view TextNamed(const Event& event, std::string_view name) {
  return event.text(TextOf(event.type(), name));
}

nsw_header& HeaderOf(Bytes& bytes) { return *reinterpret_cast<nsw_header*>(bytes.data()); }

template <typename Struct>
Struct& As(Bytes& bytes) {
  return *reinterpret_cast<Struct*>(bytes.data());
}

TEST(Decode, Home) {
  auto builder = test::HomeRecord();
  builder.Home(77).fixed().parent = 5;
  const Bytes bytes = builder.Build();
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(event.type(), Type::k_home);
  EXPECT_EQ(event.header().home, 77U);
  EXPECT_EQ(event.as<nsw_event_home>().parent, 5U);
  EXPECT_EQ(event.type_name(), "container");
}

TEST(Decode, Fork) {
  const Bytes bytes = test::ForkRecord(200, 42).Build();
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(event.as<nsw_event_fork>().child_pid, 200U);
  EXPECT_EQ(event.as<nsw_event_fork>().child_start_ns, 42U);
}

TEST(Decode, ExecWithAllItsTexts) {
  auto builder = test::ExecRecord("/usr/bin/dash", {"sh", "-c", "id -u"});
  const Bytes bytes = builder.Text(&nsw_event_exec::env, "A=1").Build();
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "exe"), "/usr/bin/dash");
  EXPECT_EQ(TextNamed(event, "file"), "/usr/bin/dash");
  EXPECT_EQ(TextNamed(event, "cwd"), "/work");
  EXPECT_EQ(TextNamed(event, "args"), std::string_view("sh\0-c\0id -u\0", 12));
  EXPECT_EQ(TextNamed(event, "raw"), "/usr/bin/dash");
  EXPECT_EQ(TextNamed(event, "env"), "A=1");
  EXPECT_EQ(event.arguments(), "-c id -u");
  EXPECT_EQ(event.type_name(), "execve");
}

TEST(Decode, ExitAndOpenAndConnect) {
  auto exit = test::ExitRecord();
  exit.fixed().code = 256;
  const Bytes exited = exit.Build();
  Event event;
  ASSERT_EQ(Decode(exited, event), DecodeError::kNone);
  EXPECT_EQ(event.as<nsw_event_exit>().code, 256U);
  EXPECT_EQ(event.type_name(), "procexit");

  const Bytes opened = test::OpenRecord("/etc/passwd").Result(-13).Build();
  ASSERT_EQ(Decode(opened, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "path"), "/etc/passwd");
  EXPECT_TRUE(event.failed());

  const Bytes connected = test::ConnectRecord().Text(&nsw_event_connect::path, "@x").Build();
  ASSERT_EQ(Decode(connected, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "path"), "@x");
}

TEST(Decode, ForgetsTheRecordBefore) {
  Event event;
  const Bytes exec = test::ExecRecord("/bin/sh", {"sh", "-c"}).Build();
  ASSERT_EQ(Decode(exec, event), DecodeError::kNone);
  Process process;
  container::Binding binding;
  event.process = event.parent = &process;
  event.binding = &binding;
  nsw_event_exec bare{};
  bare.h.size = sizeof bare;
  bare.h.type = NSW_EVENT_EXEC;
  Bytes bytes(sizeof bare);
  std::memcpy(bytes.data(), &bare, sizeof bare);
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "exe"), "");
  EXPECT_EQ(event.arguments(), "");
  EXPECT_EQ(event.process, nullptr);
  EXPECT_EQ(event.parent, nullptr);
  EXPECT_EQ(event.binding, nullptr);
}

// ---- paths ----

std::string DecodedPath(std::string_view leaf_first) {
  auto builder = test::OpenRecord("");
  const Bytes bytes = builder.Text(&nsw_event_open::path, leaf_first).Build();
  Event event;
  EXPECT_EQ(Decode(bytes, event), DecodeError::kNone);
  return std::string(TextNamed(event, "path"));
}

TEST(DecodePath, IsTurnedRound) {
  EXPECT_EQ(DecodedPath("passwd/etc/"), "/etc/passwd");
  EXPECT_EQ(DecodedPath("a/"), "/a");
  EXPECT_EQ(DecodedPath("c/b/a/"), "/a/b/c");
}

TEST(DecodePath, EmptyIsTheRootWhereThereIsAnObject) { EXPECT_EQ(DecodedPath(""), "/"); }

TEST(DecodePath, WithoutAnObjectIsEmpty) {
  test::RecordBuilder<nsw_event_open> builder(Type::k_open);
  const Bytes bytes = builder.Flags(NSW_F_NO_OBJECT).Build();
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "path"), "");
  EXPECT_TRUE(event.has_flag(NSW_F_NO_OBJECT));
}

TEST(DecodePath, KeepsOddBytes_F20) {
  EXPECT_EQ(DecodedPath("a\nb/\x1b[31m/\xff\xfe/"), "/\xff\xfe/\x1b[31m/a\nb");
  EXPECT_EQ(DecodedPath("x (deleted)/tmp/"), "/tmp/x (deleted)");
  EXPECT_EQ(DecodedPath(std::string_view("a\0b/t/", 6)), std::string("/t/a\0b", 6));
}

TEST(DecodePath, SurvivesWhatTheKernelNeverWrites) {
  EXPECT_EQ(DecodedPath("passwd/etc"), "/etc/passwd") << "no slash at the end";
  EXPECT_EQ(DecodedPath("/"), "/");
  EXPECT_EQ(DecodedPath("//"), "//");
  EXPECT_EQ(DecodedPath("/a"), "/a/");
}

TEST(DecodePath, TakesTheLongest) {
  const std::string slashes(NSW_TEXT_MAX, '/');
  EXPECT_EQ(DecodedPath(slashes), slashes);
  const std::string name(NSW_TEXT_MAX, 'n');
  EXPECT_EQ(DecodedPath(name), '/' + name);
}

TEST(DecodePath, FourOfTheLongestTextsFit) {
  const std::string longest(NSW_TEXT_MAX, 'n');
  test::RecordBuilder<nsw_event_exec> builder(Type::k_exec);
  const Bytes bytes = builder.Text(&nsw_event_exec::exe, longest)
                          .Text(&nsw_event_exec::file, longest)
                          .Text(&nsw_event_exec::cwd, longest)
                          .Text(&nsw_event_exec::args, std::string("x\0", 2) + longest.substr(2))
                          .Build();
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  for (const char* name : {"exe", "file", "cwd"}) EXPECT_EQ(TextNamed(event, name), '/' + longest);
  EXPECT_EQ(event.arguments(), longest.substr(2));
}

// ---- arguments ----

std::string DecodedArguments(std::string_view args) {
  test::RecordBuilder<nsw_event_exec> builder(Type::k_exec);
  const Bytes bytes = builder.Text(&nsw_event_exec::args, args).Build();
  Event event;
  EXPECT_EQ(Decode(bytes, event), DecodeError::kNone);
  return std::string(event.arguments());
}

TEST(DecodeArguments, AreJoinedWithoutTheFirst) {
  EXPECT_EQ(DecodedArguments({"sh\0-c\0id\0", 9}), "-c id");
  EXPECT_EQ(DecodedArguments({"sh\0", 3}), "");
  EXPECT_EQ(DecodedArguments("sh"), "") << "cut within the first";
  EXPECT_EQ(DecodedArguments({"sh\0-c\0i", 7}), "-c i") << "cut";
  EXPECT_EQ(DecodedArguments({"sh\0\0x\0", 6}), " x") << "an empty one";
  EXPECT_EQ(DecodedArguments({"\0", 1}), "");
  EXPECT_EQ(DecodedArguments({"sh\0a\nb\xff\0", 8}), "a\nb\xff");
}

// ---- hostile records ----

TEST(DecodeHostile, Short) {
  Bytes bytes = test::ExitRecord().Build();
  Event event;
  EXPECT_EQ(Decode({}, event), DecodeError::kShort);
  bytes.resize(sizeof(nsw_header) - 1);
  EXPECT_EQ(Decode(bytes, event), DecodeError::kShort);
}

TEST(DecodeHostile, SizeThatIsNotTheRecords) {
  Event event;
  for (const int by : {-1, 1, 8, 1 << 20}) {
    Bytes bytes = test::OpenRecord("/a").Build();
    HeaderOf(bytes).size += static_cast<__u32>(by);
    EXPECT_EQ(Decode(bytes, event), DecodeError::kBadSize) << by;
  }
}

TEST(DecodeHostile, FixedPartThatIsCut) {
  Event event;
  for (const auto type :
       {Type::k_home, Type::k_fork, Type::k_exec, Type::k_exit, Type::k_open, Type::k_connect}) {
    for (size_t size = sizeof(nsw_header); size < Info(type).size; size++) {
      Bytes bytes(size);
      HeaderOf(bytes).size = static_cast<__u32>(size);
      HeaderOf(bytes).type = static_cast<__u16>(type);
      ASSERT_EQ(Decode(bytes, event), DecodeError::kBadSize) << Info(type).name << ' ' << size;
    }
  }
}

TEST(DecodeHostile, TypeThatIsNotInTheTable) {
  Event event;
  for (const int type : {0, static_cast<int>(NSW_EVENT_COUNT), 0xffff}) {
    Bytes bytes = test::ExitRecord().Build();
    HeaderOf(bytes).type = static_cast<__u16>(type);
    EXPECT_EQ(Decode(bytes, event), DecodeError::kBadType) << type;
  }
}

DecodeError WithText(uint16_t off, uint16_t len) {
  Bytes bytes = test::OpenRecord("/etc/passwd").Build();
  As<nsw_event_open>(bytes).raw = {off, len};
  Event event;
  return Decode(bytes, event);
}

TEST(DecodeHostile, TextOutsideTheRecord) {
  const auto size = static_cast<uint16_t>(test::OpenRecord("/etc/passwd").Build().size());
  EXPECT_EQ(WithText(size - 1, 1), DecodeError::kNone);
  EXPECT_EQ(WithText(size - 1, 2), DecodeError::kBadText);
  EXPECT_EQ(WithText(size, 1), DecodeError::kBadText);
  EXPECT_EQ(WithText(0xffff, 1), DecodeError::kBadText);
  EXPECT_EQ(WithText(0xffff, NSW_TEXT_MAX), DecodeError::kBadText) << "must not wrap";
}

TEST(DecodeHostile, TextOverTheFixedPart) {
  EXPECT_EQ(WithText(0, 4), DecodeError::kBadText);
  EXPECT_EQ(WithText(sizeof(nsw_event_open) - 1, 4), DecodeError::kBadText);
  EXPECT_EQ(WithText(sizeof(nsw_event_open), 4), DecodeError::kNone);
}

TEST(DecodeHostile, TextThatIsTooLong) {
  auto builder = test::OpenRecord("/a");
  Event event;
  const Bytes longest = builder.Text(&nsw_event_open::raw, std::string(NSW_TEXT_MAX, 'x')).Build();
  EXPECT_EQ(Decode(longest, event), DecodeError::kNone);
  const Bytes longer =
      builder.Text(&nsw_event_open::raw, std::string(NSW_TEXT_MAX + 1, 'x')).Build();
  EXPECT_EQ(Decode(longer, event), DecodeError::kBadText);
}

TEST(DecodeHostile, EmptyTextMayPointAnywhere) {
  EXPECT_EQ(WithText(0xffff, 0), DecodeError::kNone);
}

TEST(DecodeHostile, OverlappingTextsAreReadTwice) {
  Bytes bytes = test::OpenRecord("/etc/passwd").Build();
  As<nsw_event_open>(bytes).raw = As<nsw_event_open>(bytes).path;
  Event event;
  ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(TextNamed(event, "path"), "/etc/passwd");
  EXPECT_EQ(TextNamed(event, "raw"), "passwd/etc/");
}

}  // namespace
}  // namespace nsw::event
