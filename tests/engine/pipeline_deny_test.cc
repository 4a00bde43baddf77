// SPDX-License-Identifier: Apache-2.0
// Run-time entries, homes that end, and the ledger.
#include "engine/rule/builtin.h"
#include "tests/engine/pipeline_fixture.h"

namespace nsw {
namespace {

TEST_F(PipelineTest, ADenyAtRunTimeIsPushedAndNamesItself) {
  SendHome(kHome);
  const uint64_t until = clock_.boot_ns + 60 * kSecond;
  const auto name = pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", until);
  ASSERT_TRUE(name) << name.error().message;
  ASSERT_EQ(kernel_.maps.pushed.size(), 1U);
  EXPECT_EQ(kernel_.maps.pushed[0].home, kHome);
  EXPECT_EQ(kernel_.maps.pushed[0].expires_ns, until);
  EXPECT_EQ(kernel_.maps.pushed[0].entry.mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(kernel_.maps.pushed[0].entry.keys.at(0).path, "/bin/sh");
  Send(test::ExecRecord("/bin/sh", {"sh"})
           .Home(kHome)
           .Result(-1)
           .Verdict(NSW_VERDICT_DENIED, kernel_.maps.pushed[0].entry.rule));
  EXPECT_EQ(history_.events.at(0).rule, *name);
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
}

TEST_F(PipelineTest, AnActAgainstTheEngineIsTheEnginesOwnRule) {
  SendHome(kHome);
  Send(test::ExecRecord("/bin/sh", {"sh"})
           .Home(kHome)
           .Result(-1)
           .Verdict(NSW_VERDICT_DENIED, NSW_RULE_OWN));
  EXPECT_EQ(history_.events.at(0).rule, "act against nswarden");
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
  EXPECT_EQ(rule::OwnRule().id, NSW_RULE_OWN) << "what is counted without a record has its name";
  EXPECT_EQ(rule::UnboundRule().id, NSW_RULE_UNBOUND);
}

TEST_F(PipelineTest, ADenyAtRunTimeExpiresForItsContainerAlone) {
  SendHome(kHome);
  SendHome(20, 200);
  ASSERT_TRUE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", clock_.boot_ns + kSecond));
  ASSERT_TRUE(pipeline_.Deny(*registry_.Find(20), "exec", "/bin/sh", 0));
  const uint32_t rule = kernel_.maps.pushed.at(0).entry.rule;
  ASSERT_EQ(kernel_.maps.pushed.at(1).entry.rule, rule) << "the same entry";
  clock_.boot_ns += 5 * kSecond;
  pipeline_.Tick();
  EXPECT_TRUE(kernel_.maps.withdrawn.empty()) << "verdicts of its last moment are still to come";
  clock_.boot_ns += 7 * kSecond;
  pipeline_.Tick();
  EXPECT_EQ(kernel_.maps.withdrawn, (std::vector<std::pair<uint64_t, uint32_t>>{{kHome, rule}}));
  Send(test::ExecRecord("/bin/sh", {"sh"}).Home(20).Verdict(NSW_VERDICT_DENIED, rule));
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U) << "the other's holds on";
  kernel_.named.clear();
  Send(test::ExecRecord("/bin/sh", {"sh"}).Home(kHome).Verdict(NSW_VERDICT_DENIED, rule));
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 1U);
}

TEST_F(PipelineTest, ADenyThatCannotBePushedLeavesNothing) {
  SendHome(kHome);
  kernel_.maps.pushes_left = 0;
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  EXPECT_EQ(kernel_.maps.withdrawn.size(), 1U);
  kernel_.maps.pushes_left = 1;
  ASSERT_TRUE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  EXPECT_EQ(kernel_.maps.withdrawn.size(), 1U) << "the earlier one goes on refusing";
}

TEST_F(PipelineTest, ADenyIsRefusedWhereItWouldMeanNothing) {
  SendHome(kHome);
  SendHome(20, 200, kHostPidns);
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(20), "exec", "/bin/sh", 0)) << "no container";
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(kHome), "dance", "/bin/sh", 0));
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(kHome), "exec", "relative", 0));
  kernel_.can_enforce = false;
  EXPECT_FALSE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  EXPECT_TRUE(kernel_.maps.pushed.empty());
}

// ---- homes that are gone ----

TEST_F(PipelineTest, AHomeWithoutProcessesIsForgottenAfterAWhile) {
  SendHome(kHome);
  ASSERT_TRUE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  kernel_.homes = {{kHome, {.tasks = 0}}};
  kernel_.emptied++;
  pipeline_.Tick();
  clock_.boot_ns += 9 * kSecond;
  kernel_.homes[0].value.tasks = 1;  // entered again
  pipeline_.Tick();
  kernel_.homes[0].value.tasks = 0;
  kernel_.emptied++;
  clock_.boot_ns += 9 * kSecond;
  pipeline_.Tick();
  clock_.boot_ns += 9 * kSecond;
  pipeline_.Tick();
  EXPECT_NE(registry_.Find(kHome), nullptr) << "it was not empty all the time";
  clock_.boot_ns += kSecond;
  pipeline_.Tick();
  EXPECT_EQ(registry_.Find(kHome), nullptr);
  EXPECT_EQ(kernel_.maps.forgotten, std::vector<uint64_t>{kHome});
}

TEST_F(PipelineTest, AHomeThatTheKernelDropsByItselfIsForgotten) {
  SendHome(kHome);
  ASSERT_TRUE(pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", 0));
  kernel_.homes = {{kHome, {.tasks = 1}}};
  pipeline_.Tick();
  kernel_.homes.clear();
  kernel_.emptied++;
  pipeline_.Tick();
  clock_.boot_ns += 9 * kSecond;
  pipeline_.Tick();
  EXPECT_NE(registry_.Find(kHome), nullptr) << "it may be listed again";
  clock_.boot_ns += kSecond;
  pipeline_.Tick();
  EXPECT_EQ(registry_.Find(kHome), nullptr);
  EXPECT_EQ(kernel_.maps.forgotten, std::vector<uint64_t>{kHome});
}

TEST_F(PipelineTest, HomesAreLookedAtWhenOneMayBeIdleAndNowAndThen) {
  SendHome(kHome);
  kernel_.homes = {{kHome, {.tasks = 1}}};
  kernel_.walks = 0;
  pipeline_.Tick();
  EXPECT_EQ(kernel_.walks, 0) << "nothing has changed";
  kernel_.emptied++;
  pipeline_.Tick();
  EXPECT_EQ(kernel_.walks, 1);
  clock_.boot_ns += 10 * kSecond;
  pipeline_.Tick();
  EXPECT_EQ(kernel_.walks, 2);
  kernel_.homes[0].value.tasks = 0;
  kernel_.emptied++;
  pipeline_.Tick();
  pipeline_.Tick();
  EXPECT_EQ(kernel_.walks, 4) << "one is idle";
}

TEST_F(PipelineTest, AHomeThatIsListedAgainIsNoMoreIdle) {
  SendHome(kHome);
  for (const uint32_t tasks : {0, 1, 0}) {  // dropped while idle, and there again
    kernel_.homes = {{kHome, {.tasks = tasks}}};
    kernel_.emptied++;
    pipeline_.Tick();
    clock_.boot_ns += 9 * kSecond;
    kernel_.homes.clear();
    pipeline_.Tick();
  }
  EXPECT_NE(registry_.Find(kHome), nullptr);
}

TEST_F(PipelineTest, PoliciesThatFoundNoRoomComeIntoForceWhenThereIs) {
  policies_->Refuse({0}, "/a");
  kernel_.maps.builds_left = 0;
  SendHome(kHome);
  EXPECT_EQ(binder_.not_in_force(), 1U);
  pipeline_.Tick();
  EXPECT_EQ(kernel_.maps.bound.count(kHome), 0U);
  kernel_.maps.builds_left = 1;
  pipeline_.Tick();
  EXPECT_EQ(binder_.not_in_force(), 0U);
  EXPECT_NE(kernel_.maps.bound[kHome], 0U);
}

TEST_F(PipelineTest, AParentThatIsToldLateRenamesAndBindsAnew) {
  container::Change change;
  change.container = {.id = kId, .name = "web", .runtime = "docker", .init_pid = 0};
  facts_.cgroups[300] = std::string("0::/docker/") + kId + "\n";
  SendHome(30, 300);
  pipeline_.Apply(change);
  Send(Open("/a", 40));  // of a home whose own record comes later
  const std::string before = registry_.Find(40)->container.name;
  auto own = test::HomeRecord();
  own.fixed().parent = 30;
  Send(own.Home(40, kForeignPidns));
  EXPECT_EQ(registry_.Find(40)->container.name, "web/" + before);
  EXPECT_EQ(history_.named.back(), "web/" + before);
}

// ---- the ledger ----

TEST_F(PipelineTest, TheLedgerBalances) {
  SendHome(kHome);
  Send(Open("/a"));
  Send(test::OpenRecord("/of-the-host"));
  Send(test::ExecRecord("/bin/sh", {"sh"}).Home(kHome));
  Send(test::ForkRecord(5, 5).Home(kHome));
  Send(test::ExitRecord().Home(kHome));
  Send(test::ConnectRecord().Home(kHome));
  const Ledger& ledger = pipeline_.ledger();
  EXPECT_EQ(ledger.decoded[NSW_EVENT_HOME], 1U);
  EXPECT_EQ(ledger.unwanted[NSW_EVENT_HOME], 1U);
  EXPECT_EQ(ledger.decoded[NSW_EVENT_OPEN], 2U);
  EXPECT_EQ(ledger.recorded[NSW_EVENT_OPEN], 1U);
  EXPECT_EQ(ledger.unwanted[NSW_EVENT_OPEN], 1U);
  for (const int type : {NSW_EVENT_EXEC, NSW_EVENT_FORK, NSW_EVENT_EXIT, NSW_EVENT_CONNECT}) {
    EXPECT_EQ(ledger.decoded[type], 1U) << type;
    EXPECT_EQ(ledger.recorded[type], 1U) << type;
  }
  EXPECT_EQ(history_.events.size(), 5U);
  ExpectBalance();
}

TEST_F(PipelineTest, WhatCannotBeDecodedIsCounted) {
  test::Bytes bytes = Open("/a").Build();
  bytes.pop_back();
  pipeline_.Handle(bytes);
  pipeline_.Handle({});
  EXPECT_EQ(pipeline_.ledger().decode_errors[NSW_EVENT_OPEN], 1U);
  EXPECT_EQ(pipeline_.ledger().decode_errors[NSW_EVENT_NONE], 1U);
  EXPECT_EQ(pipeline_.ledger().decoded[NSW_EVENT_OPEN], 0U);
}

TEST_F(PipelineTest, TheTimeOfDayFollowsTheClock) {
  MatchAll();
  SendHome(kHome);
  clock_.boot_to_real_ns += 3600 * kSecond;  // somebody sets it
  pipeline_.Tick();
  Send(Open("/a").Time(5));
  EXPECT_EQ(Alerts().at(0).time_ns, clock_.boot_to_real_ns + 5);
}

// ---- what an engine before this one left ----

TEST_F(PipelineTest, AVerdictOfARuleThatOnlyAnOlderEngineHadIsNamed) {
  SendHome(kHome);
  kernel_.named[99] = {.id = 99, .policy = "older", .name = "older/read/1", .is_deny = true};
  Send(Open("/etc/shadow").Result(-1).Verdict(NSW_VERDICT_DENIED, 99));
  EXPECT_EQ(history_.events.at(0).rule, "older/read/1");
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
  EXPECT_EQ(Alerts().at(0).policy, "older");
}

TEST_F(PipelineTest, RefusalsWithoutARecordAreReportedByTheirRuleOnce) {
  kernel_.untold = {{7, 41}, {8, 1}};
  pipeline_.Tick();
  pipeline_.Tick();
  EXPECT_EQ(pipeline_.ledger().untold, 42U);
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 1U);
  ASSERT_EQ(history_.operations.size(), 2U);
  EXPECT_EQ(history_.operations[0],
            "refused web: 41 acts were refused by web/write/1 without a record of their own");
  ASSERT_EQ(Alerts().size(), 2U);
  EXPECT_EQ(Alerts().at(0).rule, "web/write/1");
  EXPECT_EQ(Alerts().at(0).verdict, alert::Verdict::kDenied);
}

TEST_F(PipelineTest, RefusalsWithoutARecordAreReportedOnlyWhenTheHistoryHasThem) {
  history_.mark = 1;
  kernel_.untold = {{7, 41}};
  pipeline_.Tick();
  kernel_.untold = {{7, 1}};
  pipeline_.Tick();
  EXPECT_EQ(history_.operations.size(), 1U);
  EXPECT_TRUE(kernel_.untold_taken);
  history_.written = 1;
  pipeline_.Tick();
  EXPECT_EQ(history_.operations.size(), 2U);
  pipeline_.Tick();
  EXPECT_FALSE(kernel_.untold_taken);
}

TEST_F(PipelineTest, WhatTheHistoryWasToldOfTheNextEngineKnows) {
  kernel_.untold = {{7, 41, 50}, {8, 1}};
  pipeline_.Tick();
  EXPECT_EQ(history_.told, (std::map<std::string, store::Told>{{"boot/1", {{7, 50}}}}));
  Pipeline next(Parts());
  EXPECT_EQ(kernel_.reported_before, (store::Told{{7, 50}}));
  history_.told = {{"boot/2", {{7, 60}}}};
  Pipeline another(Parts());
  EXPECT_TRUE(kernel_.reported_before.empty()) << "another counter's";
}

TEST_F(PipelineTest, RecordsOfAnOlderEnginesProgramsAreCountedApart) {
  SendHome(kHome);
  Send(Open("/etc/passwd"));
  Send(Open("/etc/passwd").Life(3));
  EXPECT_EQ(pipeline_.ledger().decoded[NSW_EVENT_OPEN], 2U);
  EXPECT_EQ(pipeline_.ledger().inherited[NSW_EVENT_OPEN], 1U);
  ExpectBalance();
}

}  // namespace
}  // namespace nsw
