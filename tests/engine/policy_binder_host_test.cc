// SPDX-License-Identifier: Apache-2.0
// What the binder does about the host's own.
#include <gtest/gtest.h>

#include "engine/policy_binder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"

namespace nsw {
namespace {

// Or what it makes would be taken for it: a container of podman for what podman keeps for its user.
TEST(PolicyBinderHostTest, LeavesAServiceOfTheHostUnbound) {
  test::FakeKernel kernel;
  test::FakeProcessFacts facts;
  container::Registry registry{facts};
  PolicyBinder binder{kernel, registry};
  auto policies = std::make_shared<test::FakePolicySet>();
  policies->others = {0};
  policies->host = {1};
  policies->Refuse({0}, "/a");
  policies->Refuse({1}, "/b");
  ASSERT_TRUE(binder.Use(policies));
  EXPECT_EQ(binder.host_policies(), policies->host);

  const auto seen = [&](bool container) { return &registry.SeenHome(10, 0, 10, container, 0); };
  EXPECT_TRUE(binder.Bind(*seen(false)));
  EXPECT_FALSE(kernel.maps.bound.contains(10));
  EXPECT_EQ(kernel.flags[10], NSW_HOME_DECIDED);
  EXPECT_TRUE(binder.Bind(*seen(true))) << "it was one, after all";
  EXPECT_TRUE(kernel.maps.bound.contains(10));
  EXPECT_EQ(kernel.flags[10], NSW_HOME_DECIDED | NSW_HOME_BOUND | NSW_HOME_CONTAINER);
}

}  // namespace
}  // namespace nsw
