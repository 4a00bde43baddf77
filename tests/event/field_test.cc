// SPDX-License-Identifier: Apache-2.0
// Every field's getter: its value, and when it is absent or unknown.
#include "tests/event/field_fixture.h"

namespace nsw::event {
namespace {

nsw_addr Addr(std::string_view text) { return ParseAddress(text).value(); }

// ---- the table ----

TEST(FieldTable, HasEveryFieldOfTheRecords) {
  for (const RecordField& record : RecordFields()) {
    if (record.rule_field.empty()) continue;
    const Field* field = FindField(record.rule_field);
    ASSERT_NE(field, nullptr) << record.rule_field;
    EXPECT_EQ(field->record[static_cast<size_t>(record.event)], &record) << record.rule_field;
    EXPECT_NE(field->events >> static_cast<unsigned>(record.event) & 1, 0U) << record.rule_field;
  }
}

TEST(FieldTable, HasNoNameTwiceAndADocForEach) {
  std::set<std::string_view> names;
  for (const Field& field : Fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_FALSE(field.doc.empty()) << field.name;
    EXPECT_NE(field.get, nullptr) << field.name;
    EXPECT_EQ(FindField(field.name), &field);
    EXPECT_EQ(field.untrusted, field.doc.starts_with("untrusted:")) << field.name;
  }
}

TEST(FieldTable, FieldsOfOneEventAreBoundToIt) {
  EXPECT_EQ(FindField("fd.nameraw")->events, 1ULL << NSW_EVENT_OPEN | NSW_WANT_READS);
  const uint64_t with_flags = FindField("evt.arg.flags")->events;
  EXPECT_NE(with_flags & 1ULL << NSW_EVENT_OPEN, 0U);
  EXPECT_NE(with_flags & 1ULL << NSW_EVENT_FORK, 0U);
  EXPECT_EQ(with_flags & 1ULL << NSW_EVENT_EXEC, 0U);
  EXPECT_EQ(FindField("evt.arg.request")->events, 1ULL << NSW_EVENT_PTRACE);
  EXPECT_EQ(FindField("fd.name")->events & 1ULL << NSW_EVENT_EXEC, 0U);
  EXPECT_EQ(FindField("proc.name")->events, ~0ULL);
}

// One getter serves all events of a field: a number in one may be a text in another only by its
// names.
TEST(FieldTable, AFieldIsOfOneTypeInAllEvents) {
  const auto is_text = [](const RecordField& record) {
    return record.encoding == Encoding::STR || record.encoding == Encoding::PATH ||
           record.encoding == Encoding::ARGS;
  };
  for (const Field& field : Fields()) {
    for (const RecordField* record : field.record) {
      if (record == nullptr || field.type == FieldType::kNamed) continue;
      EXPECT_EQ(is_text(*record), field.type == FieldType::kString) << field.name;
      EXPECT_EQ(record->encoding == Encoding::ADDR, field.type == FieldType::kAddress)
          << field.name;
    }
  }
}

TEST_F(FieldTest, ATextAmongNamesIsNoNumber) {
  test::RecordBuilder<nsw_event_key> key(Type::k_key);
  Take(key.Text(&nsw_event_key::type, "user"));
  EXPECT_EQ(Text("evt.arg.type"), "user");
  test::RecordBuilder<nsw_event_perf> perf(Type::k_perf);
  perf.fixed().type = 1;
  Take(perf);
  EXPECT_EQ(Text("evt.arg.type"), "PERF_TYPE_SOFTWARE");
}

TEST(FieldTable, WhatTheKernelCanDecideIsNotWhatTheUserWrote) {
  size_t decidable = 0;
  for (const Field& field : Fields()) {
    EXPECT_FALSE(field.kernel_decidable && field.untrusted) << field.name;
    decidable += field.kernel_decidable;
  }
  EXPECT_EQ(decidable, 4U);
}

TEST(FieldTable, HintsAtANearName) {
  EXPECT_EQ(FindField("fd.nam"), nullptr);
  EXPECT_EQ(NearestField("proc.nmae"), "proc.name");
  EXPECT_EQ(NearestField("something.else.entirely"), "");
}

// ---- evt ----

TEST_F(FieldTest, EventOfASystemCall) {
  Take(test::OpenRecord("/etc/passwd").Result(3));
  EXPECT_EQ(Text("evt.num"), "42");
  EXPECT_EQ(Text("evt.time"), "12:00:00.000000001");
  EXPECT_EQ(Text("evt.datetime"), "2026-01-31 12:00:00.000000001");
  EXPECT_EQ(Text("evt.rawtime"), "1769860800000000001");
  EXPECT_EQ(Text("evt.source"), "syscall");
  EXPECT_FALSE(Text("evt.hostname").empty());
  EXPECT_EQ(Text("evt.type"), "openat");
  EXPECT_EQ(Text("syscall.type"), "openat");
  EXPECT_EQ(Text("evt.dir"), "<");
  EXPECT_EQ(Text("evt.res"), "SUCCESS");
  EXPECT_EQ(Text("evt.rawres"), "3");
  EXPECT_EQ(Text("evt.failed"), "false");
  EXPECT_EQ(Text("evt.async"), "false");
}

TEST_F(FieldTest, EventWithoutASystemCall) {
  auto open = test::OpenRecord("/a");
  open.h().syscall = 0;
  Take(open.Flags(NSW_F_ASYNC));
  EXPECT_EQ(Text("evt.type"), "openat") << "Falco's macros match through every door";
  EXPECT_EQ(Text("syscall.type"), kNone);
  EXPECT_EQ(Text("evt.async"), "true");
}

TEST_F(FieldTest, EventResults) {
  Take(test::OpenRecord("/a").Result(-1));
  EXPECT_EQ(Text("evt.res"), "EPERM");
  EXPECT_EQ(Text("evt.failed"), "true");
  Take(test::OpenRecord("/a").Result(-512));
  EXPECT_EQ(Text("evt.res"), "-512") << "a number that has no name";
  Take(test::OpenRecord("/a").Result(-4294967297));
  EXPECT_EQ(Text("evt.res"), "-4294967297") << "is not EPERM";
  Take(test::OpenRecord("/a").Result(INT64_MIN));
  EXPECT_EQ(Text("evt.res"), "-9223372036854775808");
}

TEST_F(FieldTest, EventVerdicts) {
  Take(test::OpenRecord("/a"));
  EXPECT_EQ(Text("evt.verdict"), kNone);
  Take(test::OpenRecord("/a").Verdict(NSW_VERDICT_AUDIT, 1));
  EXPECT_EQ(Text("evt.verdict"), "would_deny");
  Take(test::OpenRecord("/a").Verdict(NSW_VERDICT_DENIED, 1));
  EXPECT_EQ(Text("evt.verdict"), "denied");
  Take(test::OpenRecord("/a").Verdict(NSW_VERDICT_DENIED, 1).Flags(NSW_F_KILLED));
  EXPECT_EQ(Text("evt.verdict"), "killed");
}

TEST_F(FieldTest, HowAFileIsOpened) {
  struct Case {
    uint32_t flags;
    const char *read, *write;
  };
  for (const Case& c : {Case{0, "true", "false"}, Case{1, "false", "true"}, Case{2, "true", "true"},
                        Case{02000001, "false", "true"}}) {
    auto open = test::OpenRecord("/a");
    open.fixed().flags = c.flags;
    Take(open);
    EXPECT_EQ(Text("evt.is_open_read"), c.read) << c.flags;
    EXPECT_EQ(Text("evt.is_open_write"), c.write) << c.flags;
    EXPECT_EQ(Text("evt.is_open_create"), "false");
  }
  auto made = test::OpenRecord("/a");
  made.fixed().created = 1;
  Take(made);
  EXPECT_EQ(Text("evt.is_open_create"), "true");
  Take(test::ExitRecord());
  EXPECT_EQ(Text("evt.is_open_read"), kNone);
}

// ---- evt.arg ----

TEST_F(FieldTest, ArgumentsOfAnExec) {
  Take(test::ExecRecord("/usr/bin/python3", {"./x.py", "a\nb", "c"})
           .Path(&nsw_event_exec::file, "/work/x.py")
           .Text(&nsw_event_exec::raw, "./x.py"));
  EXPECT_EQ(Text("evt.arg.exe"), "/usr/bin/python3");
  EXPECT_EQ(Text("evt.arg.file"), "/work/x.py");
  EXPECT_EQ(Text("evt.arg.args"), "a\nb c");
  EXPECT_EQ(Text("evt.arg.filename"), "./x.py");
  Take(test::OpenRecord("/a"));
  EXPECT_EQ(Text("evt.arg.args"), kNone);
}

TEST_F(FieldTest, ArgumentsOfAnExecThatFailedAreNotTheCallers) {
  Take(test::ExecRecord("/bin/sh", {"sh", "of-the-caller"}).Pid(10, 5));
  Take(test::ExecRecord("/bin/x", {"x", "asked-for"}).Pid(10, 5).Result(-1));
  EXPECT_EQ(Text("evt.arg.args"), "asked-for");
  EXPECT_EQ(Text("proc.args"), "of-the-caller");
}

TEST_F(FieldTest, ArgumentsOfForkAndExit) {
  auto fork = test::ForkRecord(200, 1);
  fork.fixed().flags = 0x10000100;
  Take(fork);
  EXPECT_EQ(Text("evt.arg.child_pid"), "200");
  EXPECT_EQ(Text("evt.arg.flags"), "CLONE_VM|CLONE_NEWUSER");
  auto exit = test::ExitRecord();
  exit.fixed().code = 9;
  exit.fixed().signal = 9;
  Take(exit);
  EXPECT_EQ(Text("evt.arg.status"), "9");
  EXPECT_EQ(Text("evt.arg.sig"), "SIGKILL");
  EXPECT_EQ(Text("evt.arg.child_pid"), kNone);
}

// ---- fd ----

TEST_F(FieldTest, FileOfAnOpen) {
  auto open = test::OpenRecord("/etc/ssh/sshd_config");
  open.fixed().ino = 12;
  open.fixed().dev = 34;
  Take(open.Result(5).Text(&nsw_event_open::raw, "../etc/x"));
  EXPECT_EQ(Text("fd.num"), "5");
  EXPECT_EQ(Text("fd.name"), "/etc/ssh/sshd_config");
  EXPECT_EQ(Text("fd.directory"), "/etc/ssh");
  EXPECT_EQ(Text("fd.filename"), "sshd_config");
  EXPECT_EQ(Text("fd.nameraw"), "../etc/x");
  EXPECT_EQ(Text("fd.ino"), "12");
  EXPECT_EQ(Text("fd.dev"), "34");
  EXPECT_EQ(Text("fd.type"), "file");
  EXPECT_EQ(Text("fd.typechar"), "f");
  for (const char* name :
       {"fd.sip", "fd.cip", "fd.sport", "fd.cport", "fd.ip", "fd.net", "fd.snet", "fd.rip",
        "fd.lip", "fd.port", "fd.rport", "fd.lport", "fd.l4proto", "fd.sockfamily"}) {
    EXPECT_EQ(Text(name), kNone) << name;
  }
}

TEST_F(FieldTest, FilesAtTheRoot) {
  Take(test::OpenRecord("/passwd"));
  EXPECT_EQ(Text("fd.directory"), "/");
  EXPECT_EQ(Text("fd.filename"), "passwd");
  auto open = test::OpenRecord("/");
  open.fixed().file_mode = 0040755;
  Take(open);
  EXPECT_EQ(Text("fd.name"), "/");
  EXPECT_EQ(Text("fd.directory"), "/");
  EXPECT_EQ(Text("fd.type"), "directory");
  EXPECT_EQ(Text("fd.typechar"), "d");
}

TEST_F(FieldTest, AFileThatWasNotResolvedHasNoName) {
  test::RecordBuilder<nsw_event_open> open(Type::k_open);
  Take(open.Result(-2).Text(&nsw_event_open::raw, "/nothing"));
  EXPECT_EQ(Text("fd.name"), kNone);
  EXPECT_EQ(Text("fd.directory"), kNone);
  EXPECT_EQ(Text("fd.filename"), kNone);
  EXPECT_EQ(Text("fd.nameraw"), "/nothing");
}

test::RecordBuilder<nsw_event_connect> Tcp(std::string_view from, std::string_view to) {
  auto connect = test::ConnectRecord();
  connect.fixed().family = AF_INET;
  connect.fixed().protocol = IPPROTO_TCP;
  if (!from.empty()) connect.fixed().local = Addr(from);
  if (!to.empty()) connect.fixed().remote = Addr(to);
  connect.fixed().local_port = 4444;
  connect.fixed().remote_port = 80;
  return connect;
}

TEST_F(FieldTest, Connection) {
  Take(Tcp("10.0.0.2", "10.0.0.1"));
  EXPECT_EQ(Text("fd.name"), "10.0.0.2:4444->10.0.0.1:80");
  for (const char* name : {"fd.sip", "fd.ip", "fd.net", "fd.snet", "fd.rip"})
    EXPECT_EQ(Text(name), "10.0.0.1") << name;
  for (const char* name : {"fd.cip", "fd.lip"}) EXPECT_EQ(Text(name), "10.0.0.2") << name;
  for (const char* name : {"fd.sport", "fd.port", "fd.rport"}) EXPECT_EQ(Text(name), "80") << name;
  for (const char* name : {"fd.cport", "fd.lport"}) EXPECT_EQ(Text(name), "4444") << name;
  EXPECT_EQ(Text("fd.l4proto"), "tcp");
  EXPECT_EQ(Text("fd.sockfamily"), "ip");
  EXPECT_EQ(Text("fd.type"), "ipv4");
  EXPECT_EQ(Text("fd.typechar"), "4");
  EXPECT_EQ(Text("fd.directory"), kNone);
  EXPECT_EQ(Text("fd.filename"), kNone);
  EXPECT_EQ(Text("fd.nameraw"), kNone);
  EXPECT_EQ(Text("fd.num"), kNone) << "the result of connect is no descriptor";
}

TEST_F(FieldTest, ConnectionWithAnEndThatIsNotKnown) {
  Take(Tcp("", "10.0.0.1"));
  EXPECT_EQ(Text("fd.name"), "?:4444->10.0.0.1:80");
  EXPECT_EQ(Text("fd.cip"), kNone);
  Take(Tcp("10.0.0.2", ""));
  EXPECT_EQ(Text("fd.name"), kNone);
  EXPECT_EQ(Text("fd.sip"), kNone);
}

TEST_F(FieldTest, TheLongestConnectionNameIsWhole) {
  const char* longest = "1111:2222:3333:4444:5555:6666:7777:8888";
  auto connect = Tcp(longest, longest);
  connect.fixed().family = AF_INET6;
  connect.fixed().local_port = connect.fixed().remote_port = 65535;
  Take(connect);
  const std::string end = "[" + std::string(longest) + "]:65535";
  EXPECT_EQ(Text("fd.name"), end + "->" + end);
  EXPECT_EQ(Text("fd.type"), "ipv6");
  EXPECT_EQ(Text("fd.typechar"), "6");
}

TEST_F(FieldTest, Protocols) {
  auto connect = Tcp("10.0.0.2", "10.0.0.1");
  connect.fixed().protocol = IPPROTO_UDP;
  Take(connect);
  EXPECT_EQ(Text("fd.l4proto"), "udp");
  connect.fixed().protocol = IPPROTO_ICMPV6;
  Take(connect);
  EXPECT_EQ(Text("fd.l4proto"), "icmp");
  connect.fixed().protocol = IPPROTO_RAW;
  Take(connect);
  EXPECT_EQ(Text("fd.l4proto"), "raw");
}

TEST_F(FieldTest, UnixSocket) {
  auto connect = test::ConnectRecord();
  connect.fixed().family = AF_UNIX;
  Take(connect.Text(&nsw_event_connect::path, "/run/docker.sock"));
  EXPECT_EQ(Text("fd.name"), "/run/docker.sock");
  EXPECT_EQ(Text("fd.type"), "unix");
  EXPECT_EQ(Text("fd.typechar"), "u");
  EXPECT_EQ(Text("fd.sockfamily"), "unix");
  EXPECT_EQ(Text("fd.l4proto"), kNone) << "is not tcp";
  EXPECT_EQ(Text("fd.sip"), kNone);
  Take(connect.Text(&nsw_event_connect::path, ""));
  EXPECT_EQ(Text("fd.name"), kNone);
}

TEST_F(FieldTest, SocketOfAnotherFamily) {
  auto connect = test::ConnectRecord();
  connect.fixed().family = AF_NETLINK;
  Take(connect);
  EXPECT_EQ(Text("fd.type"), "other");
  EXPECT_EQ(Text("fd.sockfamily"), kNone);
  EXPECT_EQ(Text("fd.l4proto"), kNone);
}

}  // namespace
}  // namespace nsw::event
