// SPDX-License-Identifier: Apache-2.0
#include "engine/policy_binder.h"

#include <gtest/gtest.h>

#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"

namespace nsw {
namespace {

constexpr uint32_t kFinal = NSW_HOME_BOUND | NSW_HOME_CONTAINER | NSW_HOME_DECIDED;

class PolicyBinderTest : public testing::Test {
 protected:
  // A home of no known runtime is called "ns-N".
  container::Binding& Seen(uint64_t home, bool is_container = true, uint64_t parent = 0) {
    return registry_.SeenHome(home, parent, static_cast<pid_t>(home), is_container, 0);
  }
  // Policies 0 and 1 refuse something; 2 only watches.
  std::shared_ptr<test::FakePolicySet> Policies() {
    auto set = std::make_shared<test::FakePolicySet>();
    set->others = {0};
    set->Refuse({0}, "/a");
    set->Refuse({0, 1}, "/b");
    set->Refuse({1}, "/c");
    return set;
  }

  test::FakeKernel kernel_;
  test::FakeProcessFacts facts_;
  container::Registry registry_{facts_};
  PolicyBinder binder_{kernel_, registry_};
};

TEST_F(PolicyBinderTest, TellsTheKernelWhatIsWanted) {
  PolicyBinder binder(kernel_, registry_, 1ULL << NSW_EVENT_OPEN);
  auto policies = Policies();
  policies->wants = 1ULL << NSW_EVENT_PTRACE;
  ASSERT_TRUE(binder.Use(policies));
  EXPECT_EQ(kernel_.wanted, 1ULL << NSW_EVENT_PTRACE | 1ULL << NSW_EVENT_OPEN);
  binder.AlsoWant(1ULL << NSW_EVENT_CONNECT);
  policies = Policies();
  policies->wants = 0;
  ASSERT_TRUE(binder.Use(policies));
  EXPECT_EQ(kernel_.wanted, 1ULL << NSW_EVENT_CONNECT | 1ULL << NSW_EVENT_OPEN);
}

TEST_F(PolicyBinderTest, WhereTheKernelKillsContainersWaitForThoseWhoAskForThat) {
  kernel_.can_enforce = false;
  kernel_.can_kill = true;
  auto policies = Policies();
  policies->infos = {{.name = "a", .mode = rule::Mode::kEnforce, .has_deny = true}};
  Seen(1);
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_FALSE(kernel_.holding);
  EXPECT_NE(registry_.Find(1)->policy_set, 0U) << "what it does is judged in the kernel";
  policies = Policies();
  policies->infos = {
      {.name = "a", .mode = rule::Mode::kEnforce, .has_deny = true, .fallback_kill = true}};
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_TRUE(kernel_.holding);
}

TEST_F(PolicyBinderTest, ContainersWaitOnlyWhereSomethingCouldBeRefused) {
  auto policies = Policies();
  policies->infos = {{.name = "a", .mode = rule::Mode::kAudit, .has_deny = true},
                     {.name = "b", .mode = rule::Mode::kEnforce, .has_deny = false}};
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_FALSE(kernel_.holding);
  policies = Policies();
  policies->infos = {{.name = "a", .mode = rule::Mode::kEnforce, .has_deny = true}};
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_TRUE(kernel_.holding);
}

// What its runtime says may still change which policies hold.
TEST_F(PolicyBinderTest, AContainerIsDecidedOnWhenItIsKnown) {
  ASSERT_TRUE(binder_.Use(Policies()));
  container::Binding& binding = registry_.SeenHome(10, 0, 1, true, 0);
  binding.settled = false;
  ASSERT_TRUE(binder_.Bind(binding));
  EXPECT_EQ(kernel_.flags[10] & NSW_HOME_DECIDED, 0U);
  binding.settled = true;
  ASSERT_TRUE(binder_.Bind(binding));
  EXPECT_NE(kernel_.flags[10] & NSW_HOME_DECIDED, 0U);
}

// One with a root of its own waits for that: it could be a container in the host's PID namespace.
TEST_F(PolicyBinderTest, AServiceOfTheHostIsDecidedOnWhenItIsKnownToBeOne) {
  ASSERT_TRUE(binder_.Use(Policies()));
  container::Binding& binding = registry_.SeenHome(10, 0, 1, false, 0);
  binding.settled = false;
  ASSERT_TRUE(binder_.Bind(binding));
  EXPECT_EQ(kernel_.flags[10], 0U);
  binding.settled = true;
  ASSERT_TRUE(binder_.Bind(binding));
  EXPECT_EQ(kernel_.flags[10], uint32_t{NSW_HOME_DECIDED});
}

// While containers change over, a connect that either of the two sets asks for is told.
TEST_F(PolicyBinderTest, TellsTheKernelThePortsOfBothSetsInBetween) {
  auto policies = Policies();
  policies->wanted_ports = rule::Ports(25, 25);
  ASSERT_TRUE(binder_.Use(policies));
  policies = Policies();
  policies->wanted_ports = rule::Ports(80, 90);
  ASSERT_TRUE(binder_.Use(policies));
  const rule::Ports both = rule::Either(rule::Ports(25, 25), rule::Ports(80, 90));
  EXPECT_EQ(kernel_.ports, (std::vector<rule::Ports>{{25, 25}, {25, 25}, both, {80, 90}}));
}

// Before any container: its start must not wait for programs to be loaded.
TEST_F(PolicyBinderTest, MakesReadyForAllPoliciesThatCanRefuse) {
  auto policies = Policies();
  policies->infos.resize(2);
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_EQ(kernel_.maps.prepared, 1U);
}

TEST_F(PolicyBinderTest, TellsTheKernelWhatOnlySomeContainersPoliciesWant) {
  PolicyBinder binder(kernel_, registry_, 1ULL << NSW_EVENT_OPEN);
  auto policies = Policies();
  policies->by_name["ns-20"] = {1};
  policies->wanted_by[{0}] = 1ULL << NSW_EVENT_PTRACE;
  policies->wanted_by[{1}] = 1ULL << NSW_EVENT_CONNECT;
  for (const uint64_t home : {10, 20}) Seen(home);
  ASSERT_TRUE(binder.Use(policies));
  EXPECT_EQ(kernel_.everywhere, 1ULL << NSW_EVENT_OPEN);
  EXPECT_EQ(kernel_.home_wants[10], 1ULL << NSW_EVENT_PTRACE);
  EXPECT_EQ(kernel_.home_wants[20], 1ULL << NSW_EVENT_CONNECT);
  // What is denied at run time may be denied to any of them.
  binder.AlsoWant(1ULL << NSW_EVENT_CONNECT);
  EXPECT_EQ(kernel_.everywhere, 1ULL << NSW_EVENT_CONNECT | 1ULL << NSW_EVENT_OPEN);
}

TEST_F(PolicyBinderTest, ContainersUnderTheSamePoliciesShareASet) {
  auto policies = Policies();
  policies->by_name["ns-30"] = {0, 1};
  for (const uint64_t home : {10, 20, 30}) Seen(home);
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_EQ(kernel_.maps.builds, 2);
  EXPECT_EQ(kernel_.maps.bound[10], kernel_.maps.bound[20]);
  EXPECT_NE(kernel_.maps.bound[10], kernel_.maps.bound[30]);
  EXPECT_EQ(registry_.Find(30)->policies, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(registry_.Find(30)->policy_set, kernel_.maps.bound[30]);
  EXPECT_EQ(kernel_.flags[10], kFinal);

  ASSERT_TRUE(binder_.Bind(Seen(40)));
  EXPECT_EQ(kernel_.maps.builds, 2) << "a new container shares it, too";
  EXPECT_EQ(kernel_.maps.bound[40], kernel_.maps.bound[10]);
}

TEST_F(PolicyBinderTest, PoliciesThatRefuseNothingNeedNoSet) {
  auto policies = Policies();
  policies->others = {2};
  ASSERT_TRUE(binder_.Use(policies));
  ASSERT_TRUE(binder_.Bind(Seen(10)));
  EXPECT_EQ(kernel_.maps.builds, 0);
  EXPECT_EQ(kernel_.maps.bound[10], 0U);
  EXPECT_EQ(kernel_.flags[10], kFinal);
}

TEST_F(PolicyBinderTest, WithoutEnforcementTheKernelStillLearnsWhatIsAContainer) {
  kernel_.can_enforce = false;
  ASSERT_TRUE(binder_.Use(Policies()));
  ASSERT_TRUE(binder_.Bind(Seen(10)));
  EXPECT_EQ(kernel_.maps.builds, 0);
  EXPECT_TRUE(kernel_.maps.bound.empty());
  EXPECT_EQ(kernel_.flags[10], kFinal) << "or a nested namespace would take its processes over";
  EXPECT_EQ(registry_.Find(10)->policies, std::vector<uint32_t>{0});
}

TEST_F(PolicyBinderTest, AServiceOfTheHostIsUnderTheHostsPolicies) {
  auto policies = Policies();
  policies->host = {1};
  ASSERT_TRUE(binder_.Use(policies));
  ASSERT_TRUE(binder_.Bind(Seen(10, false)));
  EXPECT_EQ(registry_.Find(10)->policies, std::vector<uint32_t>{1});
  EXPECT_EQ(kernel_.flags[10], uint32_t{NSW_HOME_DECIDED}) << "its label is not final";
  EXPECT_TRUE(kernel_.watch_host);
  EXPECT_EQ(binder_.host_policies(), std::vector<uint32_t>{1});
  ASSERT_TRUE(binder_.Use(Policies()));
  EXPECT_FALSE(kernel_.watch_host) << "nobody asks for the host any more";
}

TEST_F(PolicyBinderTest, NestedContainersAreUnderTheOuterOnesPolicies) {
  auto policies = Policies();
  policies->by_name["ns-10"] = {1};
  ASSERT_TRUE(binder_.Use(policies));
  Seen(10);
  ASSERT_TRUE(binder_.Bind(Seen(20, true, 10)));
  ASSERT_TRUE(binder_.Bind(Seen(30, true, 20)));
  EXPECT_EQ(registry_.Find(20)->policies, std::vector<uint32_t>{1});
  EXPECT_EQ(registry_.Find(30)->policies, std::vector<uint32_t>{1});
}

TEST_F(PolicyBinderTest, NewPoliciesReplaceTheOldAndTheirSets) {
  Seen(10);
  ASSERT_TRUE(binder_.Use(Policies()));
  const uint32_t before = kernel_.maps.bound[10];
  auto policies = Policies();
  policies->others = {1};
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_NE(kernel_.maps.bound[10], before);
  EXPECT_EQ(kernel_.maps.slots.count(before), 0U) << "freed";
  EXPECT_EQ(kernel_.maps.slots.size(), 1U);
  EXPECT_EQ(kernel_.maps.freed_in_use, 0);
  EXPECT_EQ(binder_.policies(), policies);
}

// Each container is under a policy that no other is under, then all of them under another such.
TEST_F(PolicyBinderTest, AsManyCombinationsAsThereIsRoomForCanTakeTheOthersPlace_L3) {
  const auto policies = [&](uint32_t from) {
    auto set = std::make_shared<test::FakePolicySet>();
    for (uint32_t i = 0; i < NSW_SETS; i++) {
      set->by_name["ns-" + std::to_string(10 + i)] = {from + i};
      set->Refuse({from + i}, "/a");
    }
    return set;
  };
  for (uint64_t i = 0; i < NSW_SETS; i++) Seen(10 + i);
  ASSERT_TRUE(binder_.Use(policies(0)));
  ASSERT_TRUE(binder_.Use(policies(1000)));
  EXPECT_EQ(kernel_.maps.slots.size(), size_t{NSW_SETS});

  auto more = policies(0);
  more->by_name["ns-1"] = {2000};
  more->Refuse({2000}, "/b");
  Seen(1);
  const Status used = binder_.Use(more);
  ASSERT_FALSE(used);
  EXPECT_EQ(
      used.error().message,
      "containers have more than 256 different combinations of policies that refuse something");
  EXPECT_EQ(kernel_.maps.slots.size(), size_t{NSW_SETS});
}

TEST_F(PolicyBinderTest, WhenASetCannotBeBuiltNothingChanges) {
  for (const uint64_t home : {10, 20, 30}) Seen(home);
  auto old = Policies();
  ASSERT_TRUE(binder_.Use(old));
  const auto bound = kernel_.maps.bound;
  const auto generation = binder_.generation();

  auto policies = Policies();
  policies->host = {1};
  policies->by_name = {{"ns-10", {0, 1}}, {"ns-20", {1}}};
  kernel_.maps.builds_left = 2;  // of three
  const Status used = binder_.Use(policies);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().message, "no free slot");
  EXPECT_EQ(kernel_.maps.bound, bound);
  EXPECT_EQ(kernel_.maps.slots.size(), 1U) << "what was built is freed";
  EXPECT_EQ(binder_.policies(), old);
  EXPECT_EQ(binder_.generation(), generation);
  EXPECT_FALSE(kernel_.watch_host);
  for (const uint64_t home : {10, 20, 30})
    EXPECT_EQ(registry_.Find(home)->policies, std::vector<uint32_t>{0});
}

TEST_F(PolicyBinderTest, WhenAContainerCannotBeBoundAllGoBack) {
  for (const uint64_t home : {10, 20, 30}) Seen(home);
  auto old = Policies();
  ASSERT_TRUE(binder_.Use(old));
  const uint32_t slot = kernel_.maps.bound[10];
  auto policies = Policies();
  policies->others = {1};
  policies->host = {1};
  kernel_.maps.refuses = {20};
  const Status used = binder_.Use(policies);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().message, "no room in the overlay");
  EXPECT_EQ(binder_.policies(), old);
  EXPECT_FALSE(kernel_.watch_host);
  for (const uint64_t home : {10, 20, 30}) {
    EXPECT_EQ(kernel_.maps.bound[home], slot) << home;
    EXPECT_EQ(registry_.Find(home)->policies, std::vector<uint32_t>{0}) << home;
  }
  EXPECT_EQ(kernel_.maps.slots.size(), 1U);
  EXPECT_EQ(kernel_.maps.freed_in_use, 0);
  kernel_.maps.refuses.clear();
  EXPECT_TRUE(binder_.Use(policies)) << "the next attempt is whole";
  EXPECT_EQ(kernel_.maps.slots.size(), 1U);
}

TEST_F(PolicyBinderTest, AContainerThatCannotBeRefusedAnythingIsStillWatched) {
  ASSERT_TRUE(binder_.Use(Policies()));
  kernel_.maps.builds_left = 0;
  container::Binding& binding = Seen(10);
  EXPECT_FALSE(binder_.Bind(binding));
  EXPECT_EQ(binding.policies, std::vector<uint32_t>{0});
  EXPECT_EQ(binding.policy_set, 0U);
}

TEST_F(PolicyBinderTest, WhatFoundNoRoomIsToldOfAndTriedAgain) {
  ASSERT_TRUE(binder_.Use(Policies()));
  kernel_.maps.builds_left = 0;
  kernel_.maps.refuses = {20};
  container::Binding& binding = Seen(10);
  EXPECT_FALSE(binder_.Bind(binding));
  EXPECT_EQ(binder_.not_in_force(), 1U);
  ASSERT_NE(binder_.NotInForce(10), nullptr);
  EXPECT_EQ(*binder_.NotInForce(10), "no free slot");
  EXPECT_EQ(binder_.NotInForce(20), nullptr);

  EXPECT_TRUE(binder_.Retry().empty()) << "still no room";
  EXPECT_EQ(binder_.not_in_force(), 1U);
  kernel_.maps.builds_left = 1;
  EXPECT_EQ(binder_.Retry(), std::vector<container::Binding*>{&binding});
  EXPECT_EQ(binder_.NotInForce(10), nullptr);
  EXPECT_EQ(binding.policy_set, kernel_.maps.bound[10]);
  EXPECT_NE(binding.policy_set, 0U);
  EXPECT_EQ(kernel_.flags[10], kFinal);
  EXPECT_TRUE(binder_.Retry().empty()) << "nothing is left to do";

  EXPECT_FALSE(binder_.Bind(Seen(20)));
  EXPECT_EQ(*binder_.NotInForce(20), "no room in the overlay");
  registry_.Forget(20);
  binder_.Collect();
  EXPECT_EQ(binder_.not_in_force(), 0U) << "it is gone";
}

TEST_F(PolicyBinderTest, RetriesAreFewAndTakeTurns) {
  ASSERT_TRUE(binder_.Use(Policies()));
  kernel_.maps.builds_left = 0;
  constexpr uint64_t kHomes = 100;
  for (uint64_t home = 1; home <= kHomes; home++) EXPECT_FALSE(binder_.Bind(Seen(home)));
  kernel_.maps.builds_left = 0;
  EXPECT_TRUE(binder_.Retry().empty());
  EXPECT_LE(-kernel_.maps.builds_left, 20) << "attempts in one call";
  // The last one can be bound, the others never.
  kernel_.maps.builds_left = 1;
  for (uint64_t home = 1; home < kHomes; home++) kernel_.maps.refuses.insert(home);
  for (int i = 0; i < 20 && binder_.NotInForce(kHomes) != nullptr; i++) (void)binder_.Retry();
  EXPECT_EQ(binder_.NotInForce(kHomes), nullptr);
  EXPECT_EQ(binder_.not_in_force(), kHomes - 1);
}

TEST_F(PolicyBinderTest, WantOfMemoryLeavesTheOldPoliciesInForce) {
  Seen(10);
  auto old = Policies();
  ASSERT_TRUE(binder_.Use(old));
  const auto bound = kernel_.maps.bound;
  auto policies = Policies();
  policies->others = {1};
  kernel_.maps.throws = true;
  const Status used = binder_.Use(policies);
  ASSERT_FALSE(used);
  EXPECT_NE(used.error().message.find("bad_alloc"), std::string::npos) << used.error().message;
  EXPECT_EQ(binder_.policies(), old);
  EXPECT_EQ(kernel_.maps.bound, bound);
  EXPECT_EQ(kernel_.maps.slots.size(), 1U);
  EXPECT_FALSE(binder_.Bind(Seen(30, true, 10))) << "binding one throws, too";
  kernel_.maps.throws = false;
  EXPECT_TRUE(binder_.Use(policies));
}

TEST_F(PolicyBinderTest, CollectFreesWhatNobodyUses) {
  auto policies = Policies();
  policies->by_name["ns-20"] = {1};
  ASSERT_TRUE(binder_.Use(policies));
  ASSERT_TRUE(binder_.Bind(Seen(10)));
  ASSERT_TRUE(binder_.Bind(Seen(20)));
  binder_.Collect();
  EXPECT_EQ(kernel_.maps.slots.size(), 2U) << "both are used";
  kernel_.maps.Forget(20);
  registry_.Forget(20);
  binder_.Collect();
  EXPECT_EQ(kernel_.maps.slots.size(), 1U);
  EXPECT_EQ(kernel_.maps.freed_in_use, 0);
  ASSERT_TRUE(binder_.Bind(Seen(30)));
  EXPECT_EQ(kernel_.maps.builds, 2) << "what is used is not built again";
}

TEST_F(PolicyBinderTest, LeavesAHomeAsAnOlderEngineBoundItUntilItIsKnownWhoseItIs) {
  auto policies = Policies();
  ASSERT_TRUE(binder_.Use(policies));
  container::Binding& binding = Seen(10);
  kernel_.maps.held = {10};
  EXPECT_TRUE(binder_.Bind(binding));
  EXPECT_FALSE(kernel_.maps.bound.contains(10)) << "bound to less than before, for a moment";
  EXPECT_EQ(binding.policies, policies->others) << "what it does is matched all the same";
  kernel_.maps.held.clear();
  EXPECT_TRUE(binder_.Bind(binding));
  EXPECT_TRUE(kernel_.maps.bound.contains(10));
}

TEST_F(PolicyBinderTest, NamesTheRulesThatRefuseForEnginesToCome) {
  auto policies = Policies();
  policies->rules[7] = {.id = 7, .policy = "web", .name = "web/exec/1"};
  Seen(10);
  ASSERT_TRUE(binder_.Use(policies));
  EXPECT_EQ(kernel_.named.at(7).name, "web/exec/1");
}

}  // namespace
}  // namespace nsw
