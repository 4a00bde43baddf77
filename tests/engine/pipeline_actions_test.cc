// SPDX-License-Identifier: Apache-2.0
// What is done beside the alert when a rule of an enforcing policy speaks.
#include <sys/socket.h>

#include <cerrno>

#include "tests/engine/pipeline_fixture.h"

namespace nsw {
namespace {

class ActionTest : public PipelineTest {
 protected:
  // An alert rule of a policy that enforces, which every event matches.
  ActionTest() {
    rule_.is_deny = false;
    rule_.mode = rule::Mode::kEnforce;
    rule_.name = "r";
    MatchAll();
    SendHome(kHome);
  }
};

TEST_F(ActionTest, AnAlertAloneDoesNothing) {
  Send(Open("/a"));
  EXPECT_TRUE(killed_.empty());
  EXPECT_TRUE(kernel_.maps.pushed.empty());
  EXPECT_TRUE(history_.operations.empty());
}

TEST_F(ActionTest, KillKillsTheProcess) {
  rule_.action = rule::Action::kKill;
  Send(Open("/a").Pid(77, kSecond));
  EXPECT_EQ(killed_, std::vector<uint32_t>{77});
  EXPECT_EQ(pipeline_.ledger().killed, 1U);
  ASSERT_EQ(history_.operations.size(), 1U);
  EXPECT_EQ(history_.operations[0], "kill ns-10: process 77, by the rule r");
  EXPECT_EQ(Alerts().at(0).action, "kill");
}

TEST_F(ActionTest, QuarantineIsSetAndToldOnce) {
  rule_.action = rule::Action::kQuarantine;
  Send(Open("/a"));
  Send(Open("/b"));
  EXPECT_NE(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
  EXPECT_EQ(history_.operations, std::vector<std::string>{"quarantine ns-10, by the rule r"});
  EXPECT_EQ(Alerts().at(1).action, "quarantine");
}

TEST_F(ActionTest, ReleaseEndsAQuarantineAndWhatWasDenied) {
  container::Binding& binding = *registry_.Find(kHome);
  EXPECT_EQ(pipeline_.Release(binding).value_or(9), 0U) << "nothing to end is no mistake";
  rule_.action = rule::Action::kQuarantine;
  Send(Open("/a"));
  ASSERT_TRUE(pipeline_.Deny(binding, "read", "/b", 0));
  EXPECT_TRUE(pipeline_.quarantined(kHome));
  const auto released = pipeline_.Release(binding);
  ASSERT_TRUE(released);
  EXPECT_EQ(*released, 1U);
  EXPECT_FALSE(pipeline_.quarantined(kHome));
  EXPECT_EQ(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
  ASSERT_EQ(kernel_.maps.withdrawn.size(), 1U);
  EXPECT_EQ(kernel_.maps.withdrawn[0].second, kernel_.maps.pushed[0].entry.rule);
  Send(Open("/b").Verdict(NSW_VERDICT_DENIED, kernel_.maps.pushed[0].entry.rule));
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U) << "a verdict of just before has its name";
  EXPECT_TRUE(pipeline_.quarantined(kHome)) << "the rule spoke again";
}

TEST_F(ActionTest, AQuarantineOfBeforeTheEngineIsKnown) {
  kernel_.homes = {{kHome, {.flags = NSW_HOME_QUARANTINED, .tasks = 1}}};
  EXPECT_TRUE(Pipeline(Parts()).quarantined(kHome));
}

TEST_F(ActionTest, QuarantineByHandNeedsAContainerAndAKernelThatRefuses) {
  container::Binding& binding = *registry_.Find(kHome);
  EXPECT_TRUE(pipeline_.PutIntoQuarantine(binding));
  EXPECT_NE(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
  container::Binding service;
  service.container.name = "sshd";
  EXPECT_FALSE(pipeline_.PutIntoQuarantine(service));
  kernel_.can_enforce = false;
  EXPECT_FALSE(pipeline_.PutIntoQuarantine(binding));
}

TEST_F(ActionTest, AnEntryThatRefusedPutsIntoQuarantineToo) {
  rule_.is_deny = true;
  rule_.action = rule::Action::kQuarantine;
  policies_->match = nullptr;
  policies_->rules[7] = rule_;
  Send(Open("/a").Verdict(NSW_VERDICT_AUDIT, 7));
  EXPECT_EQ(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U) << "nothing was refused";
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 7));
  EXPECT_NE(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
}

TEST_F(ActionTest, AnEntryThatKillsHasKilledInTheKernel) {
  rule_.is_deny = true;
  rule_.action = rule::Action::kKill;
  policies_->match = nullptr;
  policies_->rules[7] = rule_;
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 7));
  EXPECT_TRUE(killed_.empty());
}

TEST_F(ActionTest, DenyForRefusesTheObjectForAWhile) {
  rule_.deny_for_ns = 600 * kSecond;
  Send(Open("/tmp/**"));
  ASSERT_EQ(kernel_.maps.pushed.size(), 1U);
  const auto pushed = kernel_.maps.pushed[0];
  EXPECT_EQ(pushed.home, kHome);
  EXPECT_EQ(pushed.expires_ns, clock_.boot_ns + 600 * kSecond);
  ASSERT_EQ(pushed.entry.keys.size(), 1U);
  EXPECT_EQ(pushed.entry.keys[0].kind, rule::DenyKind::kPath);
  EXPECT_EQ(pushed.entry.keys[0].path, "/tmp/**") << "a name, whatever it looks like";
  EXPECT_EQ(pushed.entry.classes, rule::ClassBit(rule::DenyClass::k_read));
  EXPECT_EQ(pushed.entry.mode, NSW_VERDICT_DENIED);
  Send(Open("/tmp/**"));
  EXPECT_EQ(kernel_.maps.pushed.size(), 1U) << "it holds for long still";
  clock_.boot_ns += 100 * kSecond;
  Send(Open("/tmp/**"));
  EXPECT_EQ(kernel_.maps.pushed.size(), 2U) << "prolonged";
  Send(Open("/tmp/**").Verdict(NSW_VERDICT_DENIED, pushed.entry.rule));
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U) << "its verdicts have a name";
}

TEST_F(ActionTest, DenyForOfAProgramAndOfAnAddress) {
  rule_.deny_for_ns = 600 * kSecond;
  Send(test::ExecRecord("/bin/x", {"x"}).Home(kHome));
  auto connect = test::ConnectRecord();
  connect.fixed().family = AF_INET;
  Send(connect.Home(kHome));
  ASSERT_EQ(kernel_.maps.pushed.size(), 2U);
  EXPECT_EQ(kernel_.maps.pushed[0].entry.classes, rule::ClassBit(rule::DenyClass::k_exec));
  EXPECT_EQ(kernel_.maps.pushed[0].entry.keys[0].path, "/bin/x");
  EXPECT_EQ(Alerts().at(0).action, "deny");
  EXPECT_EQ(kernel_.maps.pushed[1].entry.classes, rule::ClassBit(rule::DenyClass::k_connect));
}

TEST_F(ActionTest, WhatHasNoObjectIsCountedAndLeft) {
  rule_.deny_for_ns = kSecond;
  Send(test::ExitRecord().Home(kHome));
  EXPECT_TRUE(kernel_.maps.pushed.empty());
  EXPECT_EQ(pipeline_.ledger().failed_actions, 1U);
}

TEST_F(ActionTest, APolicyInAuditDoesNothing) {
  rule_.mode = rule::Mode::kAudit;
  rule_.deny_for_ns = kSecond;
  for (const auto action : {rule::Action::kKill, rule::Action::kQuarantine}) {
    rule_.action = action;
    Send(Open("/a"));
  }
  EXPECT_TRUE(killed_.empty());
  EXPECT_TRUE(kernel_.maps.pushed.empty());
  EXPECT_EQ(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
  EXPECT_EQ(Alerts().at(0).action, "alert");
}

TEST_F(ActionTest, AnEngineThatWasToldToRefuseNothingDoesNothing) {
  rule_.action = rule::Action::kKill;
  Pipeline disarmed(Parts(false));
  disarmed.Handle(Open("/a").Build());
  EXPECT_TRUE(killed_.empty());
  disarmed.Arm(true);
  disarmed.Handle(Open("/a").Build());
  EXPECT_EQ(killed_.size(), 1U);
}

TEST_F(ActionTest, WhereTheKernelCannotRefuseNothingIsPushed) {
  kernel_.can_enforce = false;
  rule_.action = rule::Action::kQuarantine;
  rule_.deny_for_ns = kSecond;
  Send(Open("/a"));
  EXPECT_EQ(kernel_.flags[kHome] & NSW_HOME_QUARANTINED, 0U);
  EXPECT_TRUE(kernel_.maps.pushed.empty());
  EXPECT_EQ(pipeline_.ledger().failed_actions, 2U);
}

class FallbackTest : public ActionTest {
 protected:
  FallbackTest() {
    rule_.is_deny = true;
    rule_.fallback_kill = true;
    kernel_.can_enforce = false;
    policies_->match = nullptr;
    policies_->match_deny = [this](const event::Event&) { return &rule_; };
    pipeline_.Tick();
  }
};

TEST_F(FallbackTest, WhatCannotBeRefusedIsKilled) {
  Send(Open("/a").Pid(77, kSecond));
  EXPECT_EQ(killed_, std::vector<uint32_t>{77});
  EXPECT_EQ(Alerts().at(0).action, "kill");
}

TEST_F(FallbackTest, WhatSomebodyElseRefusedIsLeft) {
  Send(Open("/a").Result(-EACCES));
  EXPECT_TRUE(killed_.empty());
}

TEST_F(FallbackTest, OnlyIfThePolicySaysSo) {
  rule_.fallback_kill = false;
  Send(Open("/a"));
  EXPECT_TRUE(killed_.empty());
}

TEST_F(FallbackTest, NotInAudit) {
  rule_.mode = rule::Mode::kAudit;
  Send(Open("/a"));
  EXPECT_TRUE(killed_.empty());
}

TEST_F(FallbackTest, NotWhereTheKernelKills) {
  kernel_.can_kill = true;
  Send(Open("/a"));
  EXPECT_TRUE(killed_.empty()) << "the act came too early";
  EXPECT_EQ(history_.events.back().verdict, alert::Verdict::kWouldDeny);
  pipeline_.Tick();
  policies_->rules[7] = rule_;
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 7).Flags(NSW_F_KILLED).Result(-EPERM));
  EXPECT_TRUE(killed_.empty()) << "that is done";
  EXPECT_EQ(history_.events.back().verdict, alert::Verdict::kKilled);
  EXPECT_EQ(pipeline_.ledger().alerts, 2U) << "one each";
}

TEST_F(FallbackTest, AProcessOfTheHostIsLeft) {
  Send(Open("/a").Home(0));
  EXPECT_TRUE(killed_.empty());
}

TEST_F(FallbackTest, NotWhereTheKernelRefusesAndTheActCameTooEarly) {
  kernel_.can_enforce = true;
  Send(Open("/a"));
  EXPECT_EQ(history_.events.back().verdict, alert::Verdict::kWouldDeny);
  EXPECT_TRUE(killed_.empty());
}

}  // namespace
}  // namespace nsw
