// SPDX-License-Identifier: Apache-2.0
// Fields of acts on paths, under Falco's names; and the paths that are put together where the
// kernel's object was not seen.
#include "engine/event/field_table.h"
#include "tests/event/field_fixture.h"

namespace nsw::event {
namespace {

using test::RecordBuilder;

class PathsTest : public FieldTest {};

TEST_F(PathsTest, RenameHasSourceAndTarget) {
  RecordBuilder<nsw_event_rename> record(Type::k_rename);
  record.h().syscall = NSW_SYSCALL_renameat2;
  record.fixed().flags = 2;
  Take(record.Path(&nsw_event_rename::path, "/etc/a")
           .Text(&nsw_event_rename::raw, "a")
           .Path(&nsw_event_rename::to, "/etc/b")
           .Text(&nsw_event_rename::to_raw, "../etc/b"));
  EXPECT_EQ(Text("evt.type"), "renameat2");
  EXPECT_EQ(Text("fs.path.source"), "/etc/a");
  EXPECT_EQ(Text("fs.path.target"), "/etc/b");
  EXPECT_EQ(Text("fs.path.sourceraw"), "a");
  EXPECT_EQ(Text("fs.path.targetraw"), "../etc/b");
  EXPECT_EQ(Text("evt.arg.oldpath"), "a");
  EXPECT_EQ(Text("evt.arg.newpath"), "../etc/b");
  EXPECT_EQ(Text("evt.arg.flags"), "RENAME_EXCHANGE");
  EXPECT_EQ(Text("fs.path.name"), kNone);
}

// As Falco has it: the new link is the source.
TEST_F(PathsTest, LinkIsTheSourceOfWhatItLeadsTo) {
  RecordBuilder<nsw_event_link> record(Type::k_link);
  Take(record.Path(&nsw_event_link::path, "/there").Path(&nsw_event_link::to, "/new"));
  EXPECT_EQ(Text("fs.path.source"), "/new");
  EXPECT_EQ(Text("fs.path.target"), "/there");
}

// What it says is a text: the one path that is acted on is its own.
TEST_F(PathsTest, SymbolicLinkHasAName) {
  RecordBuilder<nsw_event_symlink> record(Type::k_symlink);
  Take(record.Path(&nsw_event_symlink::path, "/home/l").Text(&nsw_event_symlink::target, "/x"));
  EXPECT_EQ(Text("fs.path.name"), "/home/l");
  EXPECT_EQ(Text("fs.path.source"), "/home/l");
  EXPECT_EQ(Text("fs.path.target"), "/x");
}

TEST_F(PathsTest, DescriptorHasAName) {
  RecordBuilder<nsw_event_chmod> by_descriptor(Type::k_chmod);
  by_descriptor.fixed().mode = 04755;
  Take(by_descriptor.Path(&nsw_event_chmod::path, "/bin/x"));
  EXPECT_EQ(Text("fd.name"), "/bin/x");
  EXPECT_EQ(Text("fd.typechar"), "f");
  EXPECT_EQ(Text("evt.arg.mode"),
            "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID");
  RecordBuilder<nsw_event_chmod> by_path(Type::k_chmod);
  Take(by_path.Path(&nsw_event_chmod::path, "/bin/x").Text(&nsw_event_chmod::raw, "x"));
  EXPECT_EQ(Text("fd.name"), kNone);
  EXPECT_EQ(Text("fs.path.name"), "/bin/x");
  EXPECT_EQ(Text("evt.arg.filename"), "x");
}

TEST_F(PathsTest, CallersTextIsUntrusted) {
  for (const char* name : {"fs.path.nameraw", "fs.path.sourceraw", "fs.path.targetraw",
                           "evt.arg.path", "evt.arg.oldpath", "evt.arg.newpath", "evt.arg.filename",
                           "evt.arg.pathname", "evt.arg.dir"}) {
    ASSERT_NE(FindField(name), nullptr) << name;
    EXPECT_TRUE(FindField(name)->untrusted) << name;
  }
}

std::string Joined(std::string_view folder, std::string_view raw) {
  RecordBuilder<nsw_event_unlink> record(Type::k_unlink);
  record.Flags(NSW_F_USER_OBJECT);
  const Bytes bytes =
      record.Path(&nsw_event_unlink::path, folder).Text(&nsw_event_unlink::raw, raw).Build();
  Event event;
  EXPECT_EQ(Decode(bytes, event), DecodeError::kNone);
  return std::string(event.text(TextOf(Type::k_unlink, "path")));
}

TEST_F(PathsTest, UserObjectIsJoined) {
  EXPECT_EQ(Joined("/srv/data", "file"), "/srv/data/file");
  EXPECT_EQ(Joined("/srv/data", "./a//b/../c"), "/srv/data/a/c");
  EXPECT_EQ(Joined("/srv/data", "../../../../x"), "/x");
  EXPECT_EQ(Joined("/", "/etc/passwd"), "/etc/passwd");
  EXPECT_EQ(Joined("/jail", "/etc/passwd"), "/jail/etc/passwd");
  EXPECT_EQ(Joined("/", ".."), "/");
  EXPECT_EQ(Joined("/srv", ""), "/srv");
  EXPECT_EQ(Joined("/srv", "..a/.b"), "/srv/..a/.b");
}

std::string Script(std::string_view cwd, std::string_view raw, unsigned flags) {
  RecordBuilder<nsw_event_exec> record(Type::k_exec);
  record.Flags(flags);
  record.Path(&nsw_event_exec::exe, "/bin/busybox");
  record.fixed().file = {.off = record.fixed().exe.off, .len = 0};
  const Bytes bytes = record.Path(&nsw_event_exec::cwd, cwd)
                          .Args(&nsw_event_exec::args, {"sh", "/tmp/s"})
                          .Text(&nsw_event_exec::raw, raw)
                          .Build();
  Event event;
  EXPECT_EQ(Decode(bytes, event), DecodeError::kNone);
  EXPECT_EQ(event.text(TextOf(Type::k_exec, "exe")), "/bin/busybox");
  EXPECT_EQ(event.text(TextOf(Type::k_exec, "cwd")), cwd);
  EXPECT_EQ(event.arguments(), "/tmp/s");
  return std::string(event.text(TextOf(Type::k_exec, "file")));
}

TEST_F(PathsTest, ScriptThatNobodySawIsJoined) {
  EXPECT_EQ(Script("/srv", "/tmp/s", NSW_F_USER_OBJECT), "/tmp/s");
  EXPECT_EQ(Script("/srv/www", "./s", NSW_F_USER_OBJECT), "/srv/www/s");
  EXPECT_EQ(Script("/srv/www", "../s", NSW_F_USER_OBJECT), "/srv/s");
  EXPECT_EQ(Script("/", "s", NSW_F_USER_OBJECT), "/s");
  EXPECT_EQ(Script("/srv", "", NSW_F_USER_OBJECT), "");  // not known: no path
}

// Two paths and two texts, each as long as can be: the room for what is put together holds.
TEST_F(PathsTest, LongestUserObjects) {
  std::string half;
  while (half.size() + 16 <= NSW_TEXT_MAX / 2) half += "/123456789012345";
  RecordBuilder<nsw_event_rename> record(Type::k_rename);
  record.Flags(NSW_F_USER_OBJECT);
  Take(record.Path(&nsw_event_rename::path, half)
           .Text(&nsw_event_rename::raw, half)
           .Path(&nsw_event_rename::to, half)
           .Text(&nsw_event_rename::to_raw, half));
  EXPECT_EQ(Get("fs.path.source").text, half + half);
  EXPECT_EQ(Get("fs.path.target").text, half + half);
  EXPECT_EQ(Script(half, half.substr(1), NSW_F_USER_OBJECT), half + half);
}

}  // namespace
}  // namespace nsw::event
