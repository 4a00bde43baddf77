// SPDX-License-Identifier: Apache-2.0
// What becomes of a plan where nothing can be refused.
#include "engine/rule/deny_merge.h"

#include <gtest/gtest.h>

namespace nsw::rule {
namespace {

constexpr uint16_t kMild = 0;
constexpr uint16_t kMortal = 1;

DenyPlan TwoPolicies() {
  DenyPlan plan;
  plan.policies = {{}, {.fallback_kill = true}};
  return plan;
}

DenyEntry Entry(uint32_t rule, uint16_t policy, nsw_verdict_code mode = NSW_VERDICT_DENIED) {
  return {.rule = rule, .classes = 1, .mode = mode, .policy = policy};
}

TEST(KillingPlan, OnlyWhoSaysFallbackKillStillEnforces) {
  DenyPlan plan = TwoPolicies();
  plan.entries = {Entry(1, kMild), Entry(2, kMortal)};
  plan.allow = {{.rule = 3, .mode = NSW_VERDICT_DENIED, .policy = kMild},
                {.rule = 4, .mode = NSW_VERDICT_DENIED, .policy = kMortal}};
  plan = KillingPlan(plan);
  ASSERT_EQ(plan.entries.size(), 2U);
  EXPECT_EQ(plan.entries[0].rule, 2U) << "who enforces speaks first";
  EXPECT_EQ(plan.entries[0].mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(plan.entries[1].mode, NSW_VERDICT_AUDIT);
  EXPECT_EQ(plan.allow[0].mode, NSW_VERDICT_AUDIT);
  EXPECT_EQ(plan.allow[1].mode, NSW_VERDICT_DENIED);
}

TEST(KillingPlan, ActionKillAloneDoesNotKill) {
  DenyPlan plan = TwoPolicies();
  plan.entries = {Entry(1, kMild)};
  plan.entries[0].action = DenyAction::kKill;
  plan = KillingPlan(plan);
  EXPECT_EQ(plan.entries[0].mode, NSW_VERDICT_AUDIT);
  EXPECT_EQ(plan.entries[0].action, DenyAction::kRefuse);
}

TEST(KillingPlan, AnAuditingPolicyGoesOnAuditing) {
  DenyPlan plan = TwoPolicies();
  plan.entries = {Entry(1, kMortal, NSW_VERDICT_AUDIT)};
  EXPECT_EQ(KillingPlan(plan).entries[0].mode, NSW_VERDICT_AUDIT);
}

}  // namespace
}  // namespace nsw::rule
