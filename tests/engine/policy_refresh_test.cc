// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/policy_binder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"

namespace nsw {
namespace {

class RefreshTest : public testing::Test {
 protected:
  test::FakeKernel kernel_;
  test::FakeProcessFacts facts_;
  container::Registry registry_{facts_};
  PolicyBinder binder_{kernel_, registry_};
};

// Each second some paths, whatever their number.
TEST_F(RefreshTest, WhatPathsLeadToIsLookedAtAgainInTurn) {
  auto policies = std::make_shared<test::FakePolicySet>();
  policies->others = {0};
  policies->Refuse({0}, "/a");
  policies->infos = {{.name = "a", .mode = rule::Mode::kEnforce, .has_deny = true}};
  for (const uint64_t home : {10, 11, 12}) {
    facts_.mount_namespaces[static_cast<pid_t>(home)] = static_cast<uint32_t>(home);
    registry_.SeenHome(home, 0, static_cast<pid_t>(home), true, 0);
  }
  ASSERT_TRUE(binder_.Use(policies));
  kernel_.maps.refreshes_cost = 200;
  for (int n = 0; n < 3; n++) binder_.Refresh();
  EXPECT_EQ(kernel_.maps.refreshed, (std::vector<uint64_t>{10, 11, 12, 10, 11, 12}));
  // The process that a container was found by may end; another one serves as well.
  facts_.mount_namespaces = {{99, 11}};
  kernel_.maps.refreshed.clear();
  binder_.Refresh();
  EXPECT_EQ(kernel_.maps.refreshed, std::vector<uint64_t>{11});
  EXPECT_EQ(registry_.Find(11)->pid, 99);
}

}  // namespace
}  // namespace nsw
