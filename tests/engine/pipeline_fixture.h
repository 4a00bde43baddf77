// SPDX-License-Identifier: Apache-2.0
// A pipeline among stand-ins, for its tests.
#pragma once

#include <gtest/gtest.h>
#include "engine/pipeline.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"
#include "tests/support/record_builder.h"

namespace nsw {

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
  std::vector<uint32_t> killed_;
  PipelineParts Parts(bool armed = true) {
    return {kernel_,
            registry_,
            binder_,
            *dispatcher_,
            &history_,
            clock_,
            "host",
            kHostPidns,
            1024,
            proc_,
            ~0ULL,
            armed,
            [this](uint32_t pid, uint64_t) {
              killed_.push_back(pid);
              return Status{};
            }};
  }
  Pipeline pipeline_{Parts()};
};

}  // namespace nsw
