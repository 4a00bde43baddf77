// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/kernel/path_hash.h"

namespace nsw::kernel {
namespace {

using rule::DenyEntry;
using rule::DenyKind;
using rule::DenyPlan;
using ::testing::HasSubstr;

constexpr uint64_t kSeed = 42;
constexpr uint32_t kExec = 1U << NSW_CLASS_EXEC;
constexpr uint32_t kRead = 1U << NSW_CLASS_READ;

DenyEntry PathEntry(uint32_t rule, const std::string& path, DenyKind kind, uint32_t classes,
                    nsw_verdict_code mode) {
  DenyEntry entry;
  entry.rule = rule;
  entry.classes = classes;
  entry.mode = mode;
  entry.kind = kind;
  entry.path = path;
  return entry;
}

DenyEntry NetEntry(uint32_t rule, uint8_t last, uint8_t prefix, nsw_verdict_code mode) {
  DenyEntry entry;
  entry.rule = rule;
  entry.classes = 1U << NSW_CLASS_CONNECT;
  entry.mode = mode;
  entry.kind = DenyKind::kNet;
  entry.net.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last};
  entry.net.prefix = prefix;
  return entry;
}

const nsw_net* Find(const DenyTables& tables, uint32_t prefix) {
  const auto at = std::find_if(tables.nets.begin(), tables.nets.end(),
                               [&](auto& e) { return e.first.prefix == prefix; });
  return at == tables.nets.end() ? nullptr : &at->second;
}

TEST(DenyTables, EnforcingGoesBeforeAuditingThenTheEarlier) {
  DenyPlan plan;
  plan.entries = {PathEntry(1, "/bin/x", DenyKind::kPath, kExec | kRead, NSW_VERDICT_AUDIT),
                  PathEntry(2, "/bin/x", DenyKind::kPath, kExec, NSW_VERDICT_DENIED),
                  PathEntry(3, "/bin/x", DenyKind::kPath, kExec | kRead, NSW_VERDICT_AUDIT)};
  const auto tables = Lower(plan, kSeed);
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->paths.size(), 1U);
  const nsw_verdict& verdict = tables->paths.begin()->second;
  EXPECT_EQ(verdict.by_class[NSW_CLASS_EXEC].rule, 2U);
  EXPECT_EQ(verdict.by_class[NSW_CLASS_EXEC].mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(verdict.by_class[NSW_CLASS_READ].rule, 1U);
  EXPECT_EQ(verdict.by_class[NSW_CLASS_WRITE].rule, 0U);
}

TEST(DenyTables, SetSaysAtWhichDepthsAndWhetherByName) {
  DenyPlan plan;
  plan.entries = {PathEntry(1, "/a/b", DenyKind::kBelow, kRead, NSW_VERDICT_DENIED),
                  PathEntry(2, "/", DenyKind::kBelow, kRead, NSW_VERDICT_DENIED),
                  PathEntry(3, "id_rsa", DenyKind::kName, kRead, NSW_VERDICT_DENIED)};
  const auto tables = Lower(plan, kSeed);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->set.depths, 0b101U);
  EXPECT_EQ(tables->set.names, 1U);
  EXPECT_TRUE(tables->paths.contains({NSW_KEY_BELOW, 0}));
  EXPECT_TRUE(tables->paths.contains({NSW_KEY_NAME, NameHash("id_rsa", kSeed)}));
}

TEST(DenyTables, LongerPrefixHoldsTheRulesOfThoseThatCoverIt) {
  DenyPlan plan;
  plan.entries = {NetEntry(1, 0, 96 + 8, NSW_VERDICT_AUDIT),
                  NetEntry(2, 7, 128, NSW_VERDICT_DENIED), NetEntry(3, 0, 0, NSW_VERDICT_DENIED)};
  const auto tables = Lower(plan, kSeed);
  ASSERT_TRUE(tables);
  ASSERT_EQ(tables->nets.size(), 3U);
  const nsw_net* host = Find(*tables, 128);
  ASSERT_NE(host, nullptr);
  ASSERT_EQ(host->count, 3U);
  EXPECT_EQ(host->rules[0].rule, 2U);
  EXPECT_EQ(host->rules[1].rule, 3U);
  EXPECT_EQ(host->rules[2].rule, 1U);
  EXPECT_EQ(Find(*tables, 0)->count, 1U);
  EXPECT_EQ(Find(*tables, 104)->count, 2U);
}

TEST(DenyTables, TooManyRulesOfOneAddressAreRefusedWithTheNumber) {
  DenyPlan plan;
  for (uint32_t i = 0; i <= NSW_NET_RULES; ++i)
    plan.entries.push_back(NetEntry(i + 1, 1, 128, NSW_VERDICT_DENIED));
  const auto tables = Lower(plan, kSeed);
  ASSERT_FALSE(tables);
  EXPECT_THAT(tables.error().message, HasSubstr("17 connect entries"));
}

TEST(DenyTables, RefusesWhatTheKernelCannotFollow) {
  std::string deep;
  for (int i = 0; i <= NSW_DEPTH_MAX; ++i) deep += "/a";
  for (const DenyEntry& entry :
       {PathEntry(1, deep, DenyKind::kPath, kRead, NSW_VERDICT_DENIED),
        PathEntry(1, "relative", DenyKind::kPath, kRead, NSW_VERDICT_DENIED),
        PathEntry(1, "a/b", DenyKind::kName, kRead, NSW_VERDICT_DENIED),
        PathEntry(0, "/a", DenyKind::kPath, kRead, NSW_VERDICT_DENIED)}) {
    DenyPlan plan;
    plan.entries = {entry};
    EXPECT_FALSE(Lower(plan, kSeed)) << entry.path;
  }
}

TEST(DenyTables, ClassBitsTellWhoEnforces) {
  EXPECT_EQ(ClassBits({PathEntry(1, "/a", DenyKind::kPath, kRead, NSW_VERDICT_AUDIT),
                       PathEntry(2, "/b", DenyKind::kPath, kExec, NSW_VERDICT_DENIED)}),
            kRead | kExec | kExec << NSW_CLASS_ENFORCED);
}

}  // namespace
}  // namespace nsw::kernel
