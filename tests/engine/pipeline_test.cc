// SPDX-License-Identifier: Apache-2.0
#include "engine/pipeline.h"

#include <gtest/gtest.h>

#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"
#include "tests/support/record_builder.h"

namespace nsw {
namespace {

constexpr uint32_t kHostPidns = 1;
constexpr uint32_t kForeignPidns = 2;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kHome = 10;
constexpr const char* kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    policies_->others = {0};
    policies_->rules[7] = rule_;
    dispatcher_->Add(std::make_unique<test::CollectingSink>(collected_));
    EXPECT_TRUE(binder_.Use(policies_));
    pipeline_.Tick();
  }

  template <typename Builder>
  void Send(Builder builder) {
    const test::Bytes bytes = builder.Build();
    pipeline_.Handle(bytes);
  }
  void SendHome(uint64_t home, uint32_t pid = 100, uint32_t pidns = kForeignPidns) {
    Send(test::HomeRecord().Home(home, pidns).Pid(pid, kSecond));
  }
  // A home whose cgroup names a container of which no runtime has spoken yet.
  void SendUnsettled(uint64_t home = kHome) {
    facts_.cgroups[100] = std::string("0::/system.slice/docker-") + kId + ".scope\n";
    SendHome(home);
    ASSERT_FALSE(registry_.Find(home)->settled);
  }
  void ApplyMetadata() {
    container::Change change;
    change.container = {.id = kId, .name = "web", .runtime = "docker"};
    pipeline_.Apply(change);
  }
  test::RecordBuilder<nsw_event_open> Open(const std::string& path, uint64_t home = kHome) {
    return test::OpenRecord(path).Home(home, kForeignPidns);
  }
  // Every event matches rule_.
  void MatchAll() {
    policies_->match = [this](const event::Event&, std::span<const uint32_t>) { return &rule_; };
  }
  // Ends the dispatcher, which drains it.
  const std::vector<alert::Alert>& Alerts() {
    dispatcher_.reset();
    return collected_->alerts;
  }
  void ExpectBalance() {
    const Ledger& ledger = pipeline_.ledger();
    uint64_t decoded = 0;
    uint64_t judged = 0;
    for (size_t i = 0; i < NSW_EVENT_COUNT; i++) {
      decoded += ledger.decoded[i];
      judged += ledger.recorded[i] + ledger.unwanted[i];
    }
    EXPECT_EQ(decoded, judged + pipeline_.held());
  }

  rule::RuleInfo rule_{.id = 7, .policy = "web", .name = "web/write/1", .is_deny = true};
  std::shared_ptr<test::FakePolicySet> policies_ = std::make_shared<test::FakePolicySet>();
  std::shared_ptr<test::CollectingSink::Collected> collected_ =
      std::make_shared<test::CollectingSink::Collected>();
  std::unique_ptr<alert::Dispatcher> dispatcher_ = std::make_unique<alert::Dispatcher>();
  test::FakeKernel kernel_;
  test::FakeProcessFacts facts_;
  test::FakeProcessReader proc_;
  test::FakeClock clock_;
  test::FakeWriter history_;
  container::Registry registry_{facts_};
  PolicyBinder binder_{kernel_, registry_};
  Pipeline pipeline_{PipelineParts{kernel_, registry_, binder_, *dispatcher_, &history_, clock_,
                                   "host", kHostPidns, 1024, proc_}};
};

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
  const std::string name(4000, 'n');
  uint32_t sent = 0;
  while (pipeline_.ledger().held_overflow == 0 && sent < 5000)
    Send(Open('/' + name).Pid(1000 + sent++, kSecond));
  ASSERT_LT(sent, 5000U) << "what waits is not bounded";
  EXPECT_GT(sent, 1000U);
  EXPECT_EQ(pipeline_.held(), 0U);
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

TEST_F(PipelineTest, ADenyAtRunTimeIsPushedAndNamesItself) {
  SendHome(kHome);
  const uint64_t until = clock_.boot_ns + 60 * kSecond;
  const auto name = pipeline_.Deny(*registry_.Find(kHome), "exec", "/bin/sh", until);
  ASSERT_TRUE(name) << name.error().message;
  ASSERT_EQ(kernel_.maps.pushed.size(), 1U);
  EXPECT_EQ(kernel_.maps.pushed[0].home, kHome);
  EXPECT_EQ(kernel_.maps.pushed[0].expires_ns, until);
  EXPECT_EQ(kernel_.maps.pushed[0].entry.mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(kernel_.maps.pushed[0].entry.path, "/bin/sh");
  Send(test::ExecRecord("/bin/sh", {"sh"})
           .Home(kHome)
           .Result(-1)
           .Verdict(NSW_VERDICT_DENIED, kernel_.maps.pushed[0].entry.rule));
  EXPECT_EQ(history_.events.at(0).rule, *name);
  EXPECT_EQ(pipeline_.ledger().unknown_verdicts, 0U);
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
  pipeline_.Tick();
  clock_.boot_ns += 9 * kSecond;
  kernel_.homes[0].value.tasks = 1;  // entered again
  pipeline_.Tick();
  kernel_.homes[0].value.tasks = 0;
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
  EXPECT_EQ(pipeline_.ledger().decode_errors, 2U);
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

}  // namespace
}  // namespace nsw
