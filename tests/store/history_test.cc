// SPDX-License-Identifier: Apache-2.0
// What is recorded is found again: rows, folding, links between events and alerts.
#include "store/history.h"

#include <gtest/gtest.h>

#include "tests/store/acts.h"

namespace nsw::store {
namespace {

using alert::Verdict;
using event::Type;

rule::RuleInfo Rule(uint32_t id, const std::string& name) {
  return {.id = id, .policy = "nginx", .name = name, .is_deny = true};
}

alert::Alert AlertOf(const std::string& rule) {
  return {.time_ns = kNoon,
          .rule = rule,
          .priority = rule::Priority::kWarning,
          .output = "nginx read \"x\"",
          .tags = {"t1"},
          .output_fields = {{"fd.name", std::string("x")}, {"n", int64_t{3}}, {"a", {}}},
          .policy = "nginx"};
}

TEST_F(HistoryTest, AnEventIsFoundWithAllThatIsKnownOfIt) {
  Open();
  Act act = Act::Open("/etc/passwd");
  act.as<nsw_event_open>().flags = 2;
  act.Text("raw", "../etc/passwd");
  act.header().result = 5;
  act.header().uid = 33;
  Record(act);
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  const Row& row = rows[0];
  EXPECT_EQ(row.first_ns, kNoon);
  EXPECT_EQ(row.count, 1U);
  EXPECT_EQ(row.container_name, "web");
  EXPECT_EQ(row.image, "nginx:1.25");
  EXPECT_EQ(row.event, "open");
  EXPECT_EQ(row.type, "openat");
  EXPECT_EQ(row.uid, 33U);
  EXPECT_EQ(row.process, "/usr/sbin/nginx");
  EXPECT_EQ(row.parent, "/bin/sh");
  EXPECT_EQ(row.object, "/etc/passwd");
  EXPECT_EQ(row.result, 5);
  EXPECT_EQ(row.detail, R"({"flags":"O_RDWR","path":"/etc/passwd","raw":"../etc/passwd"})");
  EXPECT_EQ(row.verdict, "");
}

TEST_F(HistoryTest, TheSameActIsOneRow) {
  Open();
  for (uint64_t i = 0; i < 10; i++) {
    Act act = Act::Open("/etc/passwd").At(kNoon + i);
    act.header().result = static_cast<int64_t>(i);  // another descriptor each time
    act.header().pid = static_cast<uint32_t>(100 + i);
    Record(act);
    if (i == 4) writer_->Flush();  // half of them reach a row that is there already
  }
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].count, 10U);
  EXPECT_EQ(rows[0].first_ns, kNoon);
  EXPECT_EQ(rows[0].last_ns, kNoon + 9);
  EXPECT_EQ(rows[0].pid, 100U);
  EXPECT_EQ(writer_->Stats().stored, 10U);
  ExpectBalance();
}

TEST_F(HistoryTest, WhatDiffersIsAnotherRow) {
  Open();
  const rule::RuleInfo rule = Rule(7, "nginx/read/x");
  Record(Act::Open("/a"));
  Record(Act::Open("/b"));
  Act failed = Act::Open("/a");
  failed.header().result = -13;
  Record(failed);
  Act written = Act::Open("/a");
  written.as<nsw_event_open>().flags = 1;
  Record(written);
  Act other_program = Act::Open("/a");
  other_program.process().exepath = "/bin/cat";
  Record(other_program);
  Act other_user = Act::Open("/a");
  other_user.header().uid = 5;
  Record(other_user);
  Act other_home = Act::Open("/a");
  other_home.header().home = 9;
  Record(other_home);
  Record(Act::Open("/a"), Verdict::kDenied, &rule);
  EXPECT_EQ(Rows().size(), 8U);
}

TEST_F(HistoryTest, ARowIsClosedAfterItsWindow) {
  Open();
  Record(Act::Open("/a").At(kNoon));
  Record(Act::Open("/a").At(kNoon + 59 * kSecond));
  Record(Act::Open("/a").At(kNoon + 61 * kSecond));
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].count, 2U);
  EXPECT_EQ(rows[1].first_ns, kNoon + 61 * kSecond);
}

TEST_F(HistoryTest, AClockSetBackBeginsANewRow) {
  Open();
  Record(Act::Open("/a").At(kNoon));
  Record(Act::Open("/a").At(kNoon - kSecond));
  EXPECT_EQ(Rows().size(), 2U);
}

TEST_F(HistoryTest, EveryExecIsARow) {
  Open();
  for (int i = 0; i < 3; i++) {
    Act act(Type::k_exec);
    act.Text("exe", "/bin/sh").Text("file", "/x.sh").Text("args", std::string("sh\0-c\0", 6));
    Record(act);
  }
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].object, "/x.sh");
  EXPECT_EQ(rows[0].detail, R"({"exe":"/bin/sh","file":"/x.sh","args":["sh","-c"]})");
}

TEST_F(HistoryTest, ForksAndExitsFold) {
  Open();
  for (uint32_t i = 0; i < 3; i++) {
    Act fork(Type::k_fork);
    fork.as<nsw_event_fork>().child_pid = 200 + i;
    fork.as<nsw_event_fork>().child_start_ns = 200 + i;
    Record(fork);
    Act exit(Type::k_exit);
    exit.as<nsw_event_exit>().code = i == 0 ? 0 : 256;
    Record(exit);
  }
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].object, "200");
  EXPECT_EQ(rows[0].count, 3U);
  EXPECT_EQ(rows[1].object, "0");
  EXPECT_EQ(rows[2].object, "256");
}

TEST_F(HistoryTest, ObjectsAreThoseThatTheTableNames) {
  Open();
  Act trace(Type::k_ptrace);
  trace.as<nsw_event_ptrace>().request = 16;
  trace.as<nsw_event_ptrace>().target_pid = 4711;
  trace.Text("target", "nginx");
  Record(trace);
  Act user(Type::k_setuid);
  user.as<nsw_event_setuid>().uid = -1;
  Record(user);
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].object, "PTRACE_ATTACH 4711 nginx");
  EXPECT_NE(rows[0].detail.find(R"("request":"PTRACE_ATTACH")"), std::string::npos);
  EXPECT_EQ(rows[1].object, "-1");
}

TEST_F(HistoryTest, ObjectsOfConnections) {
  Open();
  Record(Act::Connect("10.1.2.3", 443));
  Record(Act::Connect("2001:db8::1", 80));
  Record(Act(Type::k_connect).Text("path", "/run/docker.sock"));
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].object, "10.1.2.3:443");
  EXPECT_EQ(rows[0].detail, R"({"remote":"10.1.2.3","remote_port":443})");
  EXPECT_EQ(rows[1].object, "[2001:db8::1]:80");
  EXPECT_EQ(rows[2].object, "/run/docker.sock");
}

TEST_F(HistoryTest, ALocalPortDoesNotMakeAnotherRow) {
  Open();
  for (uint16_t port = 1; port < 5; port++) {
    Act act = Act::Connect("10.1.2.3", 443);
    act.as<nsw_event_connect>().local_port = port;
    Record(act);
  }
  EXPECT_EQ(Rows().size(), 1U);
}

TEST_F(HistoryTest, ADeniedActIsOneRowWithItsRuleAndItsAlert) {
  Open();
  const rule::RuleInfo rule = Rule(7, "nginx/read/x");
  Act act = Act::Open("/x");
  const event::Event& event = act.event();
  writer_->RecordEvent(event, Verdict::kDenied, &rule);
  alert::Alert alert = AlertOf("nginx/read/x");
  alert.verdict = Verdict::kDenied;
  writer_->RecordAlert(alert, event);
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].verdict, "denied");
  EXPECT_EQ(rows[0].rule, "nginx/read/x");
  EXPECT_EQ(rows[0].policy, "nginx");
  EXPECT_EQ(rows[0].priority, "Warning");
  EXPECT_EQ(rows[0].output, "nginx read \"x\"");
  EXPECT_EQ(rows[0].alerts, 1U);
  const auto alerts = Rows({.alerts_only = true});
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].object, "/x");
  EXPECT_EQ(alerts[0].verdict, "denied");
  EXPECT_EQ(alerts[0].container_name, "web");
  ExpectBalance();
}

TEST_F(HistoryTest, AnAlertOfAFoldedActIsLinkedWithItsRow) {
  Open();
  for (int i = 0; i < 3; i++) {
    Act act = Act::Open("/x");
    const event::Event& event = act.event();
    writer_->RecordEvent(event, Verdict::kNone, nullptr);
    writer_->RecordAlert(AlertOf("Read x"), event);
  }
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].count, 3U);
  EXPECT_EQ(rows[0].alerts, 3U);
  EXPECT_EQ(rows[0].rule, "Read x");
  EXPECT_EQ(Rows({.rule = "Read*"}).size(), 1U);
  EXPECT_EQ(Rows({.rule = "Read*", .alerts_only = true}).size(), 3U);
  EXPECT_EQ(Rows({.rule = "Write*"}).size(), 0U);
}

TEST_F(HistoryTest, AnAlertOfAnEventThatWasNotRecordedStandsAlone) {
  Open();
  Act act = Act::Open("/x");
  writer_->RecordAlert(AlertOf("Read x"), act.event());
  EXPECT_EQ(Rows().size(), 0U);
  EXPECT_EQ(Rows({.alerts_only = true}).size(), 1U);
}

TEST_F(HistoryTest, AVerdictOfARuleWithoutIdHasItsName) {
  Open();
  const rule::RuleInfo rule = Rule(0, "a rule that is no longer loaded");
  Record(Act::Open("/x"), Verdict::kDenied, &rule);
  EXPECT_EQ(Rows()[0].rule, "a rule that is no longer loaded");
}

TEST_F(HistoryTest, OperationsAreRows) {
  Open();
  writer_->RecordOperation("deny", "exec /bin/sh in web", 1000, 42);
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].event, "operation");
  EXPECT_EQ(rows[0].type, "deny");
  EXPECT_EQ(rows[0].object, "exec /bin/sh in web");
  EXPECT_EQ(rows[0].uid, 1000U);
  EXPECT_EQ(rows[0].pid, 42U);
  EXPECT_EQ(Rows({.container = "web"}).size(), 0U);
  EXPECT_EQ(Rows({.event = "deny"}).size(), 1U);
}

TEST_F(HistoryTest, RefusalsThatAreOnlyCountedAreFoundByRuleAndVerdict) {
  Open();
  const rule::RuleInfo rule = Rule(7, "web/read//etc/shadow");
  writer_->RecordRefusals(
      rule, {.verdict = Verdict::kDenied, .acts = 41, .detail = "web: 41 acts were refused"});
  writer_->RecordOperation("deny", "exec /bin/sh in web", 1000, 42);
  const auto rows = Rows({.rule = "web/read/*"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].type, "refused");
  EXPECT_EQ(rows[0].count, 41U);
  EXPECT_EQ(rows[0].verdict, "denied");
  EXPECT_EQ(rows[0].rule, "web/read//etc/shadow");
  EXPECT_EQ(rows[0].policy, rule.policy);
  EXPECT_EQ(Rows({.verdict = "denied"}).size(), 1U);
  EXPECT_EQ(Rows({.verdict = "killed"}).size(), 0U);
  EXPECT_EQ(Rows({.rule = "web/write/*"}).size(), 0U);
  EXPECT_EQ(Rows({.container = "web", .verdict = "denied"}).size(), 0U);
}

TEST_F(HistoryTest, HowFarRefusalsWereToldIsWrittenWithThem) {
  Open();
  const auto refused = [&](uint32_t rule, const std::string& counter, uint64_t counted) {
    writer_->RecordRefusals(
        Rule(rule, "r"),
        {.verdict = Verdict::kDenied, .acts = 1, .counter = counter, .counted = counted});
  };
  refused(7, "boot/1", 41);
  refused(8, "boot/1", 2);
  refused(7, "boot/1", 43);
  refused(7, "boot/2", 5);
  refused(9, "boot/2", 0);
  refused(9, "", 6);
  EXPECT_EQ(writer_->ToldOf("boot/1"), Told()) << "it is for the next one";
  EXPECT_EQ(Rows().size(), 6U);
  writer_.reset();
  Open();
  EXPECT_EQ(writer_->ToldOf("boot/1"), (Told{{7, 43}, {8, 2}}));
  EXPECT_EQ(writer_->ToldOf("boot/2"), (Told{{7, 5}}));
  EXPECT_EQ(writer_->ToldOf("other/1"), Told());
  EXPECT_EQ(writer_->ToldOf(""), Told());
}

TEST_F(HistoryTest, WhatIsRecordedIsWrittenByAndBy) {
  Open();
  EXPECT_TRUE(writer_->Written(writer_->Mark()));
  writer_->RecordOperation("deny", "exec /bin/sh in web", 1000, 42);
  const uint64_t mark = writer_->Mark();
  writer_->Flush();
  EXPECT_TRUE(writer_->Written(mark));
  EXPECT_FALSE(writer_->Written(mark + 1));
}

TEST_F(HistoryTest, AContainerNamedLateNamesItsFirstRows) {
  Open();
  Act early = Act::Open("/x");
  early.container() = {.id = "ns-4026532001"};
  Record(early);
  writer_->Flush();
  Act known = Act::Open("/x");
  writer_->NameContainer(known.binding());
  ASSERT_EQ(Rows({.container = "web"}).size(), 1U);
  Record(known);
  EXPECT_EQ(Rows({.container = "web"}).size(), 2U);
}

TEST_F(HistoryTest, NamesAreKeptByteForByte) {
  Open();
  const std::string path = "/a\n\x1b[31m\"\xff\xfe\\ (deleted)";
  Record(Act::Open(path));
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].object, path);
  EXPECT_EQ(Rows({.path = path}).size(), 1U);
}

TEST_F(HistoryTest, WritingGoesOnWhereItStopped) {
  Open();
  Record(Act::Open("/a"));
  writer_.reset();
  Open();
  Record(Act::Open("/b"));
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].object, "/b");
}

TEST_F(HistoryTest, TheDestructorWritesWhatIsPending) {
  options_.flush_interval_ms = 3'600'000;
  Open();
  Record(Act::Open("/a"));
  writer_.reset();
  EXPECT_EQ(Rows().size(), 1U);
}

TEST_F(HistoryTest, WhatFindsNoRoomIsCountedAndAVerdictStillFindsSome) {
  options_.queue_bytes = 64 << 10;
  options_.flush_interval_ms = 3'600'000;
  Open();
  const rule::RuleInfo rule = Rule(7, "nginx/read/x");
  // The writer is kept from the file, so that nothing leaves the queue.
  for (int i = 0; i < 5000; i++) Record(Act::Open("/file" + std::to_string(i)));
  Record(Act::Open("/x"), Verdict::kDenied, &rule);
  EXPECT_GT(writer_->Stats().recorded, 5000U);
  ExpectBalance();
  EXPECT_EQ(Rows({.verdict = "denied"}).size(), 1U);
  EXPECT_EQ(writer_->Stats().pending, 0U);
  ExpectBalance();
}

}  // namespace
}  // namespace nsw::store
