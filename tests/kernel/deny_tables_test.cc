// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/kernel/path_hash.h"

namespace nsw::kernel {
namespace {

using rule::DenyEntry;
using rule::DenyKey;
using rule::DenyKind;
using rule::DenyPlan;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kSeed = 42;
constexpr uint32_t kExec = 1U << NSW_CLASS_EXEC;
constexpr uint32_t kRead = 1U << NSW_CLASS_READ;

DenyKey Key(DenyKind kind, const std::string& path, uint8_t hole = 0) {
  DenyKey key;
  key.kind = kind;
  key.path = path;
  key.hole = hole;
  return key;
}

DenyEntry Entry(uint32_t rule, std::vector<DenyKey> keys, uint32_t classes = kRead,
                nsw_verdict_code mode = NSW_VERDICT_DENIED) {
  DenyEntry entry;
  entry.rule = rule;
  entry.classes = classes;
  entry.mode = mode;
  entry.keys = std::move(keys);
  return entry;
}

DenyKey Net(uint8_t last, uint8_t prefix) {
  DenyKey key;
  key.kind = DenyKind::kNet;
  key.net.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last};
  key.net.prefix = prefix;
  return key;
}

DenyPlan Plan(std::vector<DenyEntry> entries) {
  DenyPlan plan;
  plan.entries = std::move(entries);
  return plan;
}

std::vector<nsw_clause> At(const DenyTables& tables, const nsw_clauses& range) {
  const auto first = tables.clauses.begin() + range.first;
  return {first, first + range.count};
}

std::vector<nsw_clause> Under(const DenyTables& tables, uint32_t kind, uint64_t hash) {
  const auto found = tables.paths.find({kind, hash});
  return found == tables.paths.end() ? std::vector<nsw_clause>() : At(tables, found->second);
}

std::vector<uint32_t> Rules(const std::vector<nsw_clause>& clauses) {
  std::vector<uint32_t> rules;
  for (const nsw_clause& clause : clauses) rules.push_back(clause.rule);
  return rules;
}

uint64_t Hash(const std::string& path) { return HashPath(path, kSeed).hash; }

TEST(DenyTables, ClausesOfOneObjectComeInThePlansOrder) {
  const auto tables = Lower(
      Plan({Entry(9, {Key(DenyKind::kPath, "/x")}, kExec), Entry(3, {Key(DenyKind::kPath, "/y")}),
            Entry(5, {Key(DenyKind::kPath, "/x")}, kRead, NSW_VERDICT_AUDIT)}),
      kSeed);
  ASSERT_TRUE(tables) << tables.error().message;
  const std::vector<nsw_clause> x = Under(*tables, NSW_KEY_PATH, Hash("/x"));
  EXPECT_THAT(Rules(x), ElementsAre(9, 5));
  EXPECT_EQ(x[0].entry, 0U);
  EXPECT_EQ(x[1].entry, 2U);
  EXPECT_EQ(x[1].mode, NSW_VERDICT_AUDIT);
  EXPECT_EQ(tables->classes, kExec | kRead);
  EXPECT_EQ(tables->enforced, kExec | kRead);
}

TEST(DenyTables, KeysOfOneEntryShareItsClause) {
  const auto tables =
      Lower(Plan({Entry(1, {Key(DenyKind::kPath, "/a"), Key(DenyKind::kBelow, "/a")})}), kSeed);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->clauses.size(), 1U);
  EXPECT_EQ(tables->paths.size(), 2U);
  EXPECT_EQ(tables->objects.size(), 2U);
  EXPECT_EQ(tables->set.depths, 0b10U);
}

TEST(DenyTables, FilterFindsEachKeyAndFewOthers) {
  std::mt19937_64 random(1);  // NOLINT(cert-msc51-cpp): the same in each run
  for (const size_t count : {0, 1, 100, 10'000}) {
    DenyTables tables;
    for (size_t i = 0; i < count; ++i)
      tables.paths[{static_cast<uint32_t>(random() % 1024), random()}] = {};
    tables.paths[{NSW_KEY_CAPABILITY, 21}] = {};
    const auto filter = FilterOf(tables);
    for (const auto& [key, clauses] : tables.paths)
      EXPECT_TRUE(nsw_filter_has(filter.get(), key.first, key.second));
    size_t wrong = 0;
    for (int i = 0; i < 10'000; ++i) wrong += nsw_filter_has(filter.get(), NSW_KEY_PATH, random());
    EXPECT_LT(wrong, 100U) << count << " keys: each costs a look-up";
  }
}

TEST(DenyTables, FilterTellsKindsApart) {
  const auto tables = Lower(Plan({Entry(1, {Key(DenyKind::kBelow, "/a")})}), kSeed);
  ASSERT_TRUE(tables);
  const auto filter = FilterOf(*tables);
  EXPECT_TRUE(nsw_filter_has(filter.get(), NSW_KEY_BELOW, Hash("/a")));
  EXPECT_FALSE(nsw_filter_has(filter.get(), NSW_KEY_PATH, Hash("/a")));
}

TEST(DenyTables, ExceptionVoidsItsEntryUnderItsOwnKeysOrTheEntrys) {
  DenyEntry entry = Entry(1, {Key(DenyKind::kBelow, "/a")});
  entry.exceptions = {{{Key(DenyKind::kPath, "/a/b")}, {}}, {{}, {.when = rule::kWhenJoined}}};
  const auto tables = Lower(Plan({Entry(7, {Key(DenyKind::kName, "n")}), entry}), kSeed);
  ASSERT_TRUE(tables);
  const auto hole = Under(*tables, NSW_KEY_PATH, Hash("/a/b"));
  ASSERT_EQ(hole.size(), 1U);
  EXPECT_EQ(hole[0].kind, NSW_CLAUSE_EXCEPT);
  EXPECT_EQ(hole[0].entry, 1U);
  const auto below = Under(*tables, NSW_KEY_BELOW, Hash("/a"));
  ASSERT_EQ(below.size(), 2U);
  EXPECT_EQ(below[1].kind, NSW_CLAUSE_EXCEPT);
  EXPECT_EQ(below[1].when, NSW_WHEN_JOINED);
}

TEST(DenyTables, ConditionsGroupsAndStartups) {
  DenyPlan plan = Plan({Entry(1, {Key(DenyKind::kPath, "/a")})});
  plan.entries[0].condition = {.by = 1, .ancestor = 2, .when = rule::kWhenStartup};
  plan.entries[0].policy = 1;
  plan.groups = {{{Key(DenyKind::kPath, "/bin/x")}}, {{Key(DenyKind::kBelow, "/opt")}}};
  plan.policies = {{}, {.until = {Key(DenyKind::kPath, "/bin/main")}}};
  const auto tables = Lower(plan, kSeed);
  ASSERT_TRUE(tables);
  const auto a = Under(*tables, NSW_KEY_PATH, Hash("/a"));
  EXPECT_EQ(a[0].by, 1);
  EXPECT_EQ(a[0].ancestor, 2);
  EXPECT_EQ(a[0].policy, 1);
  const auto group = Under(*tables, NSW_KEY_BELOW, Hash("/opt"));
  ASSERT_EQ(group.size(), 1U);
  EXPECT_EQ(group[0].kind, NSW_CLAUSE_BY);
  EXPECT_EQ(group[0].group, 2);
  const auto until = Under(*tables, NSW_KEY_PATH, Hash("/bin/main"));
  ASSERT_EQ(until.size(), 1U);
  EXPECT_EQ(until[0].kind, NSW_CLAUSE_UNTIL);
  EXPECT_EQ(until[0].policy, 1);
  EXPECT_EQ(tables->set.running, 0b01U) << "a policy without a startup is running";
  EXPECT_EQ(tables->classes, kRead | 1U << NSW_CLASS_BY | 1U << NSW_CLASS_UNTIL);
}

TEST(DenyTables, AllowListsStandInTheSet) {
  DenyEntry entry = Entry(1, {Key(DenyKind::kPath, "/a")});
  entry.allow = true;
  entry.policy = 3;
  DenyPlan plan = Plan({entry});
  plan.policies.resize(4);
  plan.allow = {{70, kRead, NSW_VERDICT_AUDIT, 3}};
  const auto tables = Lower(plan, kSeed);
  ASSERT_TRUE(tables);
  ASSERT_EQ(tables->set.allows, 1U);
  EXPECT_EQ(tables->set.allow[0].rule, 70U);
  EXPECT_EQ(tables->set.allow[0].group, 3U);
  const auto a = Under(*tables, NSW_KEY_PATH, Hash("/a"));
  EXPECT_EQ(a[0].kind, NSW_CLAUSE_ALLOW);
  EXPECT_EQ(a[0].group, 3);
  EXPECT_EQ(tables->enforced, 0U)
      << "an auditing list enforces nothing, and what it allows neither";
}

TEST(DenyTables, OpenComponentsCountForNothingInTheHash) {
  const auto tables = Lower(Plan({Entry(1, {Key(DenyKind::kHolePath, "/proc/*/environ", 1)}),
                                  Entry(2, {Key(DenyKind::kHoleBelow, "/home/*", 1)}),
                                  Entry(3, {Key(DenyKind::kHolePath, "/sys/*/power", 1)})}),
                            kSeed);
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->set.shapes, 2U) << "two have one shape";
  const uint64_t hash = NameHash("proc", kSeed) * NSW_FOLD * NSW_FOLD + NameHash("environ", kSeed);
  EXPECT_THAT(Rules(Under(*tables, NSW_KEY_HOLE, hash)), ElementsAre(1));
  EXPECT_THAT(Rules(Under(*tables, NSW_KEY_HOLE_BELOW | 1 << NSW_KEY_SHAPE,
                          NameHash("home", kSeed) * NSW_FOLD)),
              ElementsAre(2));
  EXPECT_EQ(tables->set.shape[0].power, NSW_FOLD);
  EXPECT_EQ(tables->set.shape[1].power, 1U);
  EXPECT_EQ(tables->set.hole_depths, 0b1100U);
  ASSERT_EQ(tables->objects.size(), 3U) << "the files that are there when it is bound";
  for (const NamedObject& object : tables->objects) {
    EXPECT_EQ(object.hole, 1U) << object.path;
    EXPECT_EQ(object.below, object.path == "/home/*") << object.path;
  }
}

TEST(DenyTables, NamesAndTheirEnds) {
  const auto tables = Lower(
      Plan({Entry(1, {Key(DenyKind::kName, "id_rsa")}), Entry(2, {Key(DenyKind::kSuffix, ".key")}),
            Entry(3, {Key(DenyKind::kSuffix, ".pem")})}),
      kSeed);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->set.names, 1U);
  EXPECT_EQ(tables->set.suffixes, 1U);
  EXPECT_EQ(tables->set.suffix[0], 4);
  EXPECT_THAT(Rules(Under(*tables, NSW_KEY_SUFFIX, NameHash(".pem", kSeed))), ElementsAre(3));
}

TEST(DenyTables, LongerPrefixHasTheClausesOfThoseThatCoverIt) {
  const auto tables = Lower(Plan({Entry(1, {Net(0, 104)}), Entry(2, {Net(7, 128)}),
                                  Entry(3, {Net(0, 0)}), Entry(4, {Net(9, 120)})}),
                            kSeed);
  ASSERT_TRUE(tables);
  std::map<uint32_t, std::vector<uint32_t>> by_prefix;
  for (const auto& [key, range] : tables->nets) by_prefix[key.prefix] = Rules(At(*tables, range));
  EXPECT_THAT(by_prefix[128], ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(by_prefix[120], ElementsAre(1, 3, 4));
  EXPECT_THAT(by_prefix[104], ElementsAre(1, 3));
  EXPECT_THAT(by_prefix[0], ElementsAre(3));
}

void Refused(const DenyPlan& plan, const std::string& words) {
  const auto tables = Lower(plan, kSeed);
  ASSERT_FALSE(tables) << words;
  EXPECT_THAT(tables.error().message, HasSubstr(words));
}

TEST(DenyTables, WhatHasNoRoomIsRefusedWithTheNumber) {
  DenyPlan clauses;
  for (uint32_t i = 0; i <= NSW_KEY_CLAUSES; ++i)
    clauses.entries.push_back(Entry(i + 1, {Net(1, 128)}));
  Refused(clauses, "129 entries and exceptions");
  DenyPlan entries;
  for (uint32_t i = 0; i <= kEntriesMax; ++i)
    entries.entries.push_back(Entry(i + 1, {Key(DenyKind::kPath, "/" + std::to_string(i))}));
  Refused(entries, "10001 entries");
  DenyPlan suffixes;
  for (uint32_t i = 1; i <= NSW_SUFFIXES + 1; ++i)
    suffixes.entries.push_back(Entry(i, {Key(DenyKind::kSuffix, std::string(i, 'x'))}));
  Refused(suffixes, "more than 8 different lengths");
  DenyPlan shapes;
  std::string path = "/*";
  for (uint32_t i = 1; i <= NSW_SHAPES + 1; ++i, path += "/x")
    shapes.entries.push_back(Entry(i, {Key(DenyKind::kHolePath, path, 0)}));
  Refused(shapes, "more than 8 different depths");
  DenyPlan groups = Plan({Entry(1, {Key(DenyKind::kPath, "/a")})});
  groups.groups.resize(64);
  Refused(groups, "64 different lists");
}

TEST(DenyTables, RefusesWhatTheKernelCannotFollow) {
  std::string deep;
  for (int i = 0; i <= NSW_DEPTH_MAX; ++i) deep += "/a";
  for (const DenyEntry& entry :
       {Entry(1, {Key(DenyKind::kPath, deep)}), Entry(1, {Key(DenyKind::kPath, "relative")}),
        Entry(1, {Key(DenyKind::kName, "a/b")}), Entry(1, {Key(DenyKind::kSuffix, "")}),
        Entry(1, {Key(DenyKind::kHolePath, "/a", 3)}), Entry(0, {Key(DenyKind::kPath, "/a")})}) {
    EXPECT_FALSE(Lower(Plan({entry}), kSeed)) << entry.keys[0].path;
  }
}

TEST(DenyTables, TellsWhatItTakesOfTheKernelsMemory) {
  const auto small = Lower(Plan({Entry(1, {Key(DenyKind::kPath, "/a")})}), kSeed);
  DenyPlan many;
  for (uint32_t i = 0; i < 10000; ++i)
    many.entries.push_back(Entry(i + 1, {Key(DenyKind::kPath, "/" + std::to_string(i))}));
  const auto large = Lower(many, kSeed);
  ASSERT_TRUE(small && large);
  EXPECT_LT(small->bytes(), 80'000U) << "most of it the filter, which all sets have alike";
  EXPECT_GT(large->bytes(), 1'000'000U);
  EXPECT_LT(large->bytes(), 2'000'000U);
}

}  // namespace
}  // namespace nsw::kernel
