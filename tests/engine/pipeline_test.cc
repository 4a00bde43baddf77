// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/pipeline_fixture.h"

namespace nsw {
namespace {

// ---- containers ----

TEST_F(PipelineTest, AHomeIsTheContainerThatItsCgroupNames) {
  ApplyMetadata();
  Send(test::HomeRecord()
           .Home(kHome, kForeignPidns)
           .Pid(100, kSecond)
           .Path(&nsw_event_home::cgroup, std::string("/docker/") + kId));
  EXPECT_EQ(registry_.Find(kHome)->container.name, "web");
}

TEST_F(PipelineTest, AContainerStartedWhenItsInitProcessDid) {
  Send(test::HomeRecord().Home(kHome, kForeignPidns).Pid(100, kSecond));
  EXPECT_EQ(registry_.Find(kHome)->init_start_ns, 0U) << "the kernel does not know";
  auto told = test::HomeRecord().Home(kHome, kForeignPidns).Pid(100, kSecond);
  told.fixed().init_ns = 7;
  Send(told);
  EXPECT_EQ(registry_.Find(kHome)->init_start_ns, clock_.boot_to_real_ns + 7);
}

// ---- verdicts ----

TEST_F(PipelineTest, AVerdictOfTheKernelNamesItsRule) {
  SendHome(kHome);
  Send(Open("/etc/passwd").Result(-1).Verdict(NSW_VERDICT_DENIED, 7));
  ASSERT_EQ(history_.events.size(), 1U);
  EXPECT_EQ(history_.events[0].verdict, alert::Verdict::kDenied);
  EXPECT_EQ(history_.events[0].rule, "web/write/1");
  ASSERT_EQ(Alerts().size(), 1U);
  EXPECT_EQ(Alerts()[0].rule, "web/write/1");
  EXPECT_EQ(Alerts()[0].verdict, alert::Verdict::kDenied);
  EXPECT_EQ(Alerts()[0].hostname, "host");
  EXPECT_EQ(Alerts()[0].event_id, 1U);
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
}

TEST_F(PipelineTest, AnAuditVerdictIsWouldDeny) {
  SendHome(kHome);
  Send(Open("/a").Verdict(NSW_VERDICT_AUDIT, 7));
  EXPECT_EQ(Alerts().at(0).verdict, alert::Verdict::kWouldDeny);
}

TEST_F(PipelineTest, WhereTheKernelIsSilentTheEntriesAreLookedUpHere) {
  policies_->match_deny = [this](const event::Event&) { return &rule_; };
  SendHome(kHome);
  Send(Open("/a"));
  EXPECT_EQ(history_.events.at(0).verdict, alert::Verdict::kWouldDeny);
  ASSERT_EQ(Alerts().size(), 1U);
  EXPECT_EQ(Alerts()[0].verdict, alert::Verdict::kWouldDeny);
}

TEST_F(PipelineTest, TheKernelThatKnewThePoliciesIsNotContradicted) {
  policies_->match_deny = [this](const event::Event&) { return &rule_; };
  SendHome(kHome);
  Send(Open("/a").Time(clock_.boot_ns + kSecond));
  EXPECT_EQ(history_.events.at(0).verdict, alert::Verdict::kNone) << "its silence permits";
  Send(Open("/a").Time(clock_.boot_ns - kSecond));
  EXPECT_EQ(history_.events.at(1).verdict, alert::Verdict::kWouldDeny) << "it did not know yet";
  kernel_.can_enforce = false;
  pipeline_.Tick();
  Send(Open("/a").Time(clock_.boot_ns + kSecond));
  EXPECT_EQ(history_.events.at(2).verdict, alert::Verdict::kWouldDeny) << "it cannot refuse";
}

TEST_F(PipelineTest, WhatIsNotInForceIsLookedUpHere) {
  policies_->match_deny = [this](const event::Event&) { return &rule_; };
  kernel_.maps.refuses.insert(kHome);
  policies_->Refuse({0}, "/a");
  SendHome(kHome);
  Send(Open("/a").Time(clock_.boot_ns + kSecond));
  EXPECT_EQ(history_.events.at(0).verdict, alert::Verdict::kWouldDeny);
  kernel_.maps.refuses.clear();
  pipeline_.Tick();
  Send(Open("/a").Time(clock_.boot_ns + kSecond));
  EXPECT_EQ(history_.events.at(1).verdict, alert::Verdict::kNone);
}

TEST_F(PipelineTest, OneRefusedActIsOneAlertOfTheRuleThatRefused) {
  policies_->match_deny = [this](const event::Event&) { return &rule_; };
  SendHome(kHome);
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 7));
  EXPECT_EQ(Alerts().size(), 1U);
}

TEST_F(PipelineTest, AVerdictOfARuleThatIsGoneIsReportedAndCounted) {
  SendHome(kHome);
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 999));
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 1U);
  EXPECT_EQ(Alerts().at(0).verdict, alert::Verdict::kDenied);
  EXPECT_EQ(Alerts()[0].rule, "a rule that is no longer loaded");
}

TEST_F(PipelineTest, ARefusalWithoutARuleSaysWhy) {
  SendHome(kHome);
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 0).Flags(NSW_F_UNRESOLVED));
  Send(Open("/a").Verdict(NSW_VERDICT_DENIED, 0));
  ASSERT_EQ(Alerts().size(), 2U);
  EXPECT_EQ(Alerts()[0].rule, "object that cannot be resolved");
  EXPECT_EQ(Alerts()[1].rule, "quarantine");
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
}

TEST_F(PipelineTest, RulesThatMatchAreReportedWithoutAVerdict) {
  MatchAll();
  SendHome(kHome);
  Send(Open("/a"));
  ASSERT_EQ(Alerts().size(), 1U);
  EXPECT_EQ(Alerts()[0].verdict, alert::Verdict::kNone);
  EXPECT_EQ(Alerts()[0].time_ns, clock_.boot_to_real_ns);
  EXPECT_EQ(history_.alerts.size(), 1U);
  EXPECT_EQ(pipeline_.ledger().matched[NSW_EVENT_OPEN], 1U);
  EXPECT_EQ(pipeline_.ledger().alerts, 1U);
}

// ---- whose event it is ----

TEST_F(PipelineTest, TheHostIsJudgedByItsOwnPoliciesAndNotRecorded) {
  policies_->host = {3};
  ASSERT_TRUE(binder_.Use(policies_));
  std::vector<uint32_t> asked;
  policies_->match = [&](const event::Event& event, std::span<const uint32_t> chosen) {
    EXPECT_EQ(event.binding, nullptr);
    asked.assign(chosen.begin(), chosen.end());
    return nullptr;
  };
  Send(test::OpenRecord("/a"));
  EXPECT_EQ(asked, std::vector<uint32_t>{3});
  EXPECT_TRUE(history_.events.empty());
  EXPECT_EQ(pipeline_.ledger().unwanted[NSW_EVENT_OPEN], 1U);
  ExpectBalance();
}

TEST_F(PipelineTest, AServiceWithANamespaceOfItsOwnIsTheHost) {
  SendHome(kHome, 100, kHostPidns);
  const container::Binding* seen = nullptr;
  policies_->match = [&](const event::Event& event, std::span<const uint32_t>) {
    seen = event.binding;
    return nullptr;
  };
  Send(test::OpenRecord("/a").Home(kHome, kHostPidns));
  EXPECT_EQ(seen, nullptr);
  EXPECT_TRUE(history_.events.empty());
}

TEST_F(PipelineTest, AHomeWhoseRecordWasLostIsLearnedFromTheNext) {
  Send(Open("/a"));
  ASSERT_NE(registry_.Find(kHome), nullptr);
  EXPECT_TRUE(registry_.Find(kHome)->is_container);
  ASSERT_EQ(history_.events.size(), 1U);
  EXPECT_EQ(history_.events[0].container, "ns-10");
  ExpectBalance();
}

TEST_F(PipelineTest, ANestedHomeIsUnderTheOuterOne) {
  SendHome(kHome);
  auto nested = test::HomeRecord().Home(20, 3).Pid(200, kSecond);
  nested.fixed().parent = kHome;
  Send(nested);
  Send(Open("/a", 20));
  EXPECT_EQ(history_.events.at(0).container, "ns-10/ns-20");
}

// ---- waiting for metadata ----

TEST_F(PipelineTest, EventsWaitForMetadataAndKeepTheirOrder) {
  MatchAll();
  SendUnsettled();
  for (uint32_t pid : {101, 102, 103}) Send(Open("/a").Pid(pid, kSecond));
  EXPECT_TRUE(history_.events.empty());
  EXPECT_EQ(pipeline_.held(), 3U);
  EXPECT_EQ(pipeline_.ledger().decoded[NSW_EVENT_OPEN], 3U);
  ExpectBalance();

  ApplyMetadata();
  ASSERT_EQ(history_.events.size(), 3U);
  for (uint32_t i = 0; i < 3; i++) {
    EXPECT_EQ(history_.events[i].pid, 101 + i);
    EXPECT_EQ(history_.events[i].container, "web");
  }
  EXPECT_EQ(history_.named, std::vector<std::string>{"web"});
  EXPECT_EQ(pipeline_.held(), 0U);
  Send(Open("/b").Pid(104, kSecond));
  EXPECT_EQ(history_.events.back().pid, 104U) << "known by now";
  EXPECT_EQ(Alerts().size(), 4U);
  ExpectBalance();
}

TEST_F(PipelineTest, OthersDoNotWait) {
  SendUnsettled();
  Send(Open("/a"));
  facts_.cgroups.clear();
  SendHome(20, 200);
  Send(Open("/b", 20).Pid(200, kSecond));
  ASSERT_EQ(history_.events.size(), 1U);
  EXPECT_EQ(history_.events[0].container, "ns-20");
}

TEST_F(PipelineTest, PatienceEndsAfterTwoSeconds) {
  bool unknown = true;
  policies_->match = [&](const event::Event& event, std::span<const uint32_t>) {
    const event::Field& field = *event::FindField("container.image");
    event::Scratch scratch;
    unknown = field.get(field, event, 0, scratch).presence == event::Presence::kUnknown;
    return nullptr;
  };
  SendUnsettled();
  Send(Open("/a"));
  clock_.boot_ns += 2 * kSecond - 1;
  pipeline_.Tick();
  EXPECT_TRUE(history_.events.empty());
  clock_.boot_ns += 1;
  pipeline_.Tick();
  ASSERT_EQ(history_.events.size(), 1U);
  EXPECT_FALSE(unknown) << "absent by now";
}

TEST_F(PipelineTest, AtTheEndWhatWaitsIsJudgedWithTheAbsenceKnown) {
  policies_->match = [&](const event::Event& event,
                         std::span<const uint32_t>) -> const rule::RuleInfo* {
    const event::Field& field = *event::FindField("container.image");
    event::Scratch scratch;
    return field.get(field, event, 0, scratch).presence == event::Presence::kAbsent ? &rule_
                                                                                    : nullptr;
  };
  SendUnsettled();
  Send(Open("/a"));
  pipeline_.Finish();
  EXPECT_EQ(history_.events.size(), 1U);
  EXPECT_EQ(Alerts().size(), 1U);
  ExpectBalance();
}

TEST_F(PipelineTest, WithoutRoomAContainerIsNoLongerWaitedForAndTheOrderStays) {
  SendUnsettled();
  EXPECT_EQ(kernel_.flags[kHome] & NSW_HOME_DECIDED, 0U);
  const std::string name(4000, 'n');
  uint32_t sent = 0;
  while (pipeline_.ledger().held_overflow == 0 && sent < 5000)
    Send(Open('/' + name).Pid(1000 + sent++, kSecond));
  ASSERT_LT(sent, 5000U) << "what waits is not bounded";
  EXPECT_GT(sent, 1000U);
  EXPECT_EQ(pipeline_.held(), 0U);
  EXPECT_NE(kernel_.flags[kHome] & NSW_HOME_DECIDED, 0U) << "its programs wait for nothing more";
  ASSERT_EQ(history_.events.size(), sent);
  for (uint32_t i = 0; i < sent; i++) ASSERT_EQ(history_.events[i].pid, 1000 + i);
  Send(Open("/b").Pid(7, kSecond));
  EXPECT_EQ(history_.events.back().pid, 7U);
  EXPECT_EQ(pipeline_.ledger().held_overflow, 1U);
  ExpectBalance();
}

TEST_F(PipelineTest, WhatWaitsKnowsTheParentThatEndedMeanwhile) {
  proc_.Add(50, 0, "runc");
  std::string parent;
  policies_->match = [&](const event::Event& event, std::span<const uint32_t>) {
    parent = event.parent == nullptr ? "" : event.parent->name;
    return nullptr;
  };
  SendUnsettled();
  Send(Open("/a").Parent(50));
  proc_.processes.clear();
  ApplyMetadata();
  EXPECT_EQ(parent, "runc");
}

// ---- run-time entries ----

}  // namespace
}  // namespace nsw
