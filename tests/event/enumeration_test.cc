// SPDX-License-Identifier: Apache-2.0
#include "engine/event/enumeration.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "engine/event/event.h"

namespace nsw::event {
namespace {

std::string Name(const Enumeration* names, int64_t number, size_t room = 1024) {
  std::string memory(room, '?');
  return std::string(NameOf(names, number, memory));
}

TEST(Enumeration, ExactNamesAndNumbersWithoutOne) {
  EXPECT_EQ(Name(kNames_ptrace_requests, 16), "PTRACE_ATTACH");
  EXPECT_EQ(Name(kNames_ptrace_requests, 0), "PTRACE_TRACEME");
  EXPECT_EQ(Name(kNames_ptrace_requests, 999), "999");
  EXPECT_EQ(Name(kNames_signals, -1), "-1");
  EXPECT_EQ(Name(kNames_none, 42), "42");
}

TEST(Enumeration, FlagsAreJoinedAndNoBitIsLost) {
  EXPECT_EQ(Name(kNames_open_flags, 0), "O_RDONLY");
  EXPECT_EQ(Name(kNames_open_flags, 0101), "O_WRONLY|O_CREAT");
  EXPECT_EQ(Name(kNames_open_flags, 2), "O_RDWR");
  EXPECT_EQ(Name(kNames_open_flags, 3), "0x3");  // both bits of O_ACCMODE: no name
  EXPECT_EQ(Name(kNames_open_flags, 0x10000000), "O_RDONLY|0x10000000");
  EXPECT_EQ(Name(kNames_clone_flags, 0), "0");
  EXPECT_EQ(Name(kNames_clone_flags, 0x10020000), "CLONE_NEWNS|CLONE_NEWUSER");
}

TEST(Enumeration, ANameOfSeveralBitsTakesThem) {
  EXPECT_EQ(Name(kNames_open_flags, 0x101000), "O_RDONLY|O_SYNC");
  EXPECT_EQ(Name(kNames_open_flags, 0x1000), "O_RDONLY|O_DSYNC");
  EXPECT_EQ(Name(kNames_open_flags, 0x410002), "O_RDWR|O_TMPFILE");
  EXPECT_EQ(Name(kNames_map_flags, 0x23), "MAP_SHARED_VALIDATE|MAP_ANONYMOUS");
}

TEST(Enumeration, WhatFindsNoRoomIsLeftOut) {
  EXPECT_EQ(Name(kNames_open_flags, 0101, 12), "O_WRONLY");
  EXPECT_EQ(Name(kNames_capabilities, 0x1ffffffffff).size(),
            Name(kNames_capabilities, 0x1ffffffffff, 4096).size());  // all of them fit
}

TEST(Enumeration, KnowsItsNames) {
  EXPECT_TRUE(HasName(*kNames_open_flags, "O_CREAT"));
  EXPECT_TRUE(HasName(*kNames_open_flags, "O_WRONLY|O_CREAT"));
  EXPECT_FALSE(HasName(*kNames_open_flags, "O_WRONLY|CREAT"));
  EXPECT_FALSE(HasName(*kNames_ptrace_requests, "PTRACE_ATTACH|PTRACE_SEIZE"));
  EXPECT_FALSE(HasName(*kNames_open_flags, ""));
}

TEST(Enumeration, KnowsWhatCanBeInsideOfItsNames) {
  for (const char* part : {"O_CREAT", "CREAT", "O_WRONLY|O_CREAT", "O_", "0x", "|", "O_CREAT|", ""})
    EXPECT_TRUE(HasPart(*kNames_open_flags, part, false)) << part;
  for (const char* part : {"O_FOO", "o_creat", "O_WRONLY|FOO", "O_CREATE"})
    EXPECT_FALSE(HasPart(*kNames_open_flags, part, false)) << part;
  EXPECT_TRUE(HasPart(*kNames_open_flags, "o_creat", true));
  EXPECT_FALSE(HasPart(*kNames_open_flags, "o_foo", true));
  EXPECT_FALSE(HasPart(*kNames_clone_flags, "CLONE_NEWUSR", false));
}

TEST(Enumeration, ReadsWhatItShows) {
  char room[1024];
  for (const RecordField& field : RecordFields()) {
    if (field.names == nullptr) continue;
    std::vector<int64_t> numbers{0, 1, 2, 3, 0x641, 0x80241, 12345};
    for (const NamedValue& one : field.names->values)
      numbers.push_back(static_cast<int64_t>(one.value));
    for (const int64_t number : numbers)
      EXPECT_EQ(NumberOf(*field.names, NameOf(field.names, number, room)), number) << field.name;
  }
  EXPECT_EQ(NumberOf(*kNames_open_flags, "O_WRONLY|nonsense"), std::nullopt);
  EXPECT_EQ(NumberOf(*kNames_open_flags, ""), std::nullopt);
}

TEST(Enumeration, OfEachFieldNoNameIsThereTwice) {
  for (const RecordField& field : RecordFields()) {
    if (field.names == nullptr) continue;
    std::set<std::string_view> names;
    for (const NamedValue& one : field.names->values) {
      EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
  }
}

}  // namespace
}  // namespace nsw::event
