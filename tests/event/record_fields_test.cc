// SPDX-License-Identifier: Apache-2.0
// The table that the decoder works from and the structs that the kernel programs fill are one.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/event/event.h"

namespace nsw::event {
namespace {

struct Expected {
  size_t offset;
  size_t size;
};

// Of each field of each struct, from the structs themselves.
std::map<std::pair<Type, std::string>, Expected> FromStructs() {
  std::map<std::pair<Type, std::string>, Expected> fields;
#define EVENT(NAME, name, ...)                   \
  {                                              \
    using S [[maybe_unused]] = nsw_event_##name; \
    [[maybe_unused]] constexpr Type type = Type::k_##name;
#define FIELD(kind, name, ...) fields[{type, #name}] = {offsetof(S, name), sizeof(S::name)};
#define END }
#include "bpf/events.def"
  return fields;
}

size_t SizeOf(Encoding encoding) {
  switch (encoding) {
    case Encoding::U64:
    case Encoding::S64:
      return 8;
    case Encoding::ADDR:
      return 16;
    case Encoding::U16:
      return 2;
    default:
      return 4;
  }
}

TEST(RecordFields, AgreeWithTheStructs) {
  auto expected = FromStructs();
  for (const RecordField& field : RecordFields()) {
    const auto found = expected.find({field.event, std::string(field.name)});
    ASSERT_NE(found, expected.end()) << field.name;
    EXPECT_EQ(field.offset, found->second.offset) << Info(field.event).name << '.' << field.name;
    EXPECT_EQ(SizeOf(field.encoding), found->second.size) << field.name;
    expected.erase(found);
  }
  EXPECT_TRUE(expected.empty()) << expected.size() << " fields of structs are not in the table";
}

TEST(RecordFields, LeaveNoHole) {
  std::map<Type, size_t> end;
  for (const RecordField& field : RecordFields()) {
    size_t& at = end.try_emplace(field.event, sizeof(nsw_header)).first->second;
    EXPECT_EQ(field.offset, at) << Info(field.event).name << '.' << field.name;
    at += SizeOf(field.encoding);
  }
  for (const auto& [type, at] : end) EXPECT_EQ(at, Info(type).size) << Info(type).name;
}

TEST(RecordFields, NumberTextsWithinAnEvent) {
  std::map<Type, size_t> next;
  for (const RecordField& field : RecordFields()) {
    const bool text = field.encoding == Encoding::STR || field.encoding == Encoding::PATH ||
                      field.encoding == Encoding::ARGS;
    if (!text) continue;
    EXPECT_EQ(field.text, next[field.event]++) << field.name;
  }
  EXPECT_EQ(next[Type::k_exec], 6U);
}

TEST(Info, FollowsTheTable) {
  EXPECT_EQ(Info(Type::kNone).name, "");
  EXPECT_EQ(Info(Type::k_open).name, "open");
  EXPECT_EQ(Info(Type::k_open).falco, "openat");
  EXPECT_EQ(Info(Type::k_open).ring, NSW_RING_FILES);
  EXPECT_EQ(Info(Type::k_exit).falco, "procexit");
  EXPECT_EQ(Info(Type::k_connect).size, sizeof(nsw_event_connect));
}

TEST(SyscallName, IsEmptyForNone) {
  EXPECT_EQ(SyscallName(NSW_SYSCALL_NONE), "");
  EXPECT_EQ(SyscallName(NSW_SYSCALL_openat2), "openat2");
  EXPECT_EQ(SyscallName(NSW_SYSCALL_COUNT), "");
  EXPECT_EQ(SyscallName(0xffff), "");
}

}  // namespace
}  // namespace nsw::event
