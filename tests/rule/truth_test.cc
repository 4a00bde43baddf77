// SPDX-License-Identifier: Apache-2.0
// Metadata that is on its way: unknown is neither true nor false.
#include <gmock/gmock.h>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

constexpr const char* kUnknown = "container.image.repository = nginx";

struct Case {
  const char* condition;
  const char* answer;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.condition; }

class Unsettled : public testing::TestWithParam<Case> {};

// U stands for a condition that is unknown, T and F for what they say.
TEST_P(Unsettled, Answers) {
  std::string condition;
  for (const char c : std::string(GetParam().condition)) {
    condition += c == 'U'   ? kUnknown
                 : c == 'T' ? "proc.name = cat"
                 : c == 'F' ? "proc.name = dog"
                            : std::string(1, c);
  }
  const auto act = Act::Open("/x");
  act->binding.settled = false;
  EXPECT_EQ(Ask(condition, act->event), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    Kleene, Unsettled,
    testing::ValuesIn(std::vector<Case>{
        Case{"U", "unknown"}, Case{"not U", "unknown"}, Case{"U and T", "unknown"},
        Case{"T and U", "unknown"}, Case{"U and F", "false"}, Case{"F and U", "false"},
        Case{"U or T", "true"}, Case{"T or U", "true"}, Case{"U or F", "unknown"},
        Case{"not (U and F)", "true"}, Case{"not (U or T)", "false"}, Case{"U and U", "unknown"},
        Case{"U or not U", "unknown"}, Case{"(U or F) and (U or T)", "unknown"}}));

TEST(Truth, SettledMetadataDecides) {
  const auto act = Act::Open("/x");
  EXPECT_EQ(Ask("container.image.repository = docker.io/library/nginx", act->event), "true");
  EXPECT_EQ(Ask("container.image.repository != docker.io/library/nginx", act->event), "false");
  act->binding.container.image = {};
  EXPECT_EQ(Ask("container.image.repository != nginx", act->event), "false");  // absent
  EXPECT_EQ(Ask("not container.image.repository = nginx", act->event), "true");
}

// Whole images may be written in any form, for they are compared in one.
TEST(Truth, ImagesAreComparedInOneForm) {
  const auto act = Act::Open("/x");
  for (const char* same :
       {"= nginx", "= docker.io/library/nginx", "== index.docker.io/library/nginx",
        "= library/nginx", "in (redis, docker.io/library/nginx)",
        "intersects (docker.io/nginx, nginx)", "startswith docker.io/library/ng", "startswith ng",
        "contains gin"}) {
    EXPECT_EQ(Ask(std::string("container.image.repository ") + same, act->event), "true") << same;
  }
  for (const char* other : {"= docker.io/corp/nginx", "= registry.corp/nginx",
                            "in (docker.io/redis)", "startswith docker.io/"}) {
    EXPECT_EQ(Ask(std::string("container.image.repository ") + other, act->event), "false")
        << other;
  }
  EXPECT_EQ(Ask("container.image = docker.io/library/nginx:1.25", act->event), "false")
      << "as it was given at create";
}

TEST(Truth, LabelsAreAskedForByTheirKeys) {
  const auto act = Act::Open("/x");
  act->binding.container.labels = {{"app", "shop"}, {"io.x/y", "z"}};
  EXPECT_EQ(Ask("container.label[app] = shop", act->event), "true");
  EXPECT_EQ(Ask("container.label.app = shop", act->event), "true");
  EXPECT_EQ(Ask("container.label[io.x/y] = z", act->event), "true");
  EXPECT_EQ(Ask("container.label[none] exists", act->event), "false");
  EXPECT_EQ(Ask("k8s.pod.label[app] exists", act->event), "false");
  EXPECT_THAT(Mistakes(OneRule("container.label = x")),
              testing::ElementsAre(testing::HasSubstr("container.label takes a key in [ ]")));
}

TEST(Truth, OutputsTakeKeysToo) {
  const auto act = Act::Open("/x");
  act->binding.container.labels = {{"app", "shop"}};
  const auto set = Load(
      "nswarden: 1\npolicy: p\nrules:\n"
      "  - {rule: r, condition: container.name = web, priority: NOTICE,\n"
      "     output: '%container.label[app] %container.label.app. (%k8s.pod.label[x])'}\n");
  ASSERT_NE(set, nullptr);
  const uint32_t first = 0;
  Matches matches;
  set->Match(act->event, {&first, 1}, matches);
  ASSERT_EQ(matches.rules.size(), 1U);
  EXPECT_EQ(RenderOutput(*matches.rules[0]->output, act->event), "shop shop. (<NA>)");
}

TEST(Truth, UnknownExistsIsUnknown) {
  const auto act = Act::Open("/x");
  act->binding.settled = false;
  EXPECT_EQ(Ask("container.image.repository exists", act->event), "unknown");
  EXPECT_EQ(Ask("container.image.repository != nginx", act->event), "unknown");
}

TEST(Truth, OneUndecidedRuleLeavesTheOthersAlone) {
  const auto set = Load(
      "nswarden: 1\npolicy: p\nrules:\n"
      "  - {rule: a, condition: container.name = x, output: x, priority: NOTICE}\n"
      "  - {rule: b, condition: proc.name = cat, output: x, priority: NOTICE}\n");
  ASSERT_NE(set, nullptr);
  const auto act = Act::Open("/x");
  act->binding.settled = false;
  const uint32_t first = 0;
  Matches matches;
  set->Match(act->event, {&first, 1}, matches);
  EXPECT_TRUE(matches.unknown);
  ASSERT_EQ(matches.rules.size(), 1U);
  EXPECT_EQ(matches.rules[0]->name, "b");
}

}  // namespace
}  // namespace nsw::rule::test
