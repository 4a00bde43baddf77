// SPDX-License-Identifier: Apache-2.0
// Falco's items: lists, macros, exceptions; and plain Falco files.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Policy(const std::string& items) { return "nswarden: 1\npolicy: p\nrules:\n" + items; }
std::string RuleOf(const std::string& condition) {
  return "- {rule: r, condition: \"" + condition + "\", output: x, priority: NOTICE}\n";
}

std::vector<std::string> Matching(const PolicySet& set, const event::Event& event) {
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < set.policies().size(); i++) all.push_back(i);
  Matches matches;
  set.Match(event, all, matches);
  std::vector<std::string> names;
  for (size_t i = 0; i < matches.rules.size(); i++) names.push_back(matches.rules[i]->name);
  return names;
}

TEST(Lists, StandInListsAndConditions) {
  const std::string lists =
      "- {list: a, items: [cat, dog]}\n- {list: b, items: [a, cow]}\n- {list: c, items: []}\n"
      "- {list: q, items: ['\"two words\"', \"'cat'\"]}\n";
  const auto act = Act::Open("/x");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in (b)"))), act->event), "true");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in (x, a, y)"))), act->event), "true");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in b"))), act->event), "true");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in (q)"))), act->event), "true");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in (c)"))), act->event), "false");
  EXPECT_EQ(Ask(*Load(Policy(lists + RuleOf("proc.name in (\\\"a\\\")"))), act->event),
            "false");  // quoted: the text
  EXPECT_EQ(Ask(*Load(Policy(RuleOf("proc.name in (a)") + lists)), act->event),
            "true");  // a rule sees later ones
}

TEST(Lists, ALaterOneIsTheTextItselfInAList) {
  const auto mistakes = Mistakes(
      Policy("- {list: b, items: [a]}\n- {list: a, items: [cat]}\n" + RuleOf("proc.name in (b)")));
  EXPECT_THAT(mistakes, ElementsAre(HasSubstr("warning: \"a\" is the text itself here")));
}

TEST(Macros, StandInConditions) {
  const std::string macros =
      "- {macro: a, condition: proc.name = cat or proc.name = cow}\n- {macro: b, condition: a and "
      "proc.name = dog}\n";
  const auto act = Act::Open("/x");
  EXPECT_EQ(Ask(*Load(Policy(macros + RuleOf("a"))), act->event), "true");
  EXPECT_EQ(Ask(*Load(Policy(macros + RuleOf("a and proc.name = cat"))), act->event),
            "true");  // as if in parentheses
  EXPECT_EQ(Ask(*Load(Policy(macros + RuleOf("not a"))), act->event), "false");
  EXPECT_EQ(Ask(*Load(Policy(macros + RuleOf("b"))), act->event), "false");
  EXPECT_EQ(Ask(*Load(Policy(RuleOf("a") + macros)), act->event), "true");
}

TEST(Macros, SeeEarlierOnesOnly) {
  EXPECT_THAT(
      Mistakes(Policy("- {macro: b, condition: a}\n- {macro: a, condition: fd.num = 1}\n")),
      ElementsAre("4:25: the macro a is defined later; define it before the macro that uses it"));
  EXPECT_THAT(Mistakes(Policy("- {macro: a, condition: a}\n")),
              ElementsAre("4:25: the macro a comes back to itself"));
}

TEST(Macros, ThatDoubleEachTimeAreStopped) {
  std::string items = "- {macro: m0, condition: fd.num = 1}\n";
  for (int i = 1; i < 60; i++) {
    const std::string below = "m" + std::to_string(i - 1);
    items += "- {macro: m" + std::to_string(i) + ", condition: " + below + " and " + below + "}\n";
  }
  EXPECT_THAT(Mistakes(Policy(items)), testing::Contains(HasSubstr("more than 50000 checks")));
}

// exceptions: the condition, and not any of them.
TEST(Exceptions, TakeOut) {
  const auto with = [](const std::string& exceptions) {
    return Load(Policy(
        "- rule: r\n  condition: fd.num = 3\n  output: x\n  priority: NOTICE\n  exceptions:\n" +
        exceptions));
  };
  const auto act = Act::Open("/etc/x");
  EXPECT_EQ(Ask(*with("  - {name: e, fields: proc.name, values: [cat, dog]}\n"), act->event),
            "false");
  EXPECT_EQ(Ask(*with("  - {name: e, fields: proc.name, values: [cow]}\n"), act->event), "true");
  EXPECT_EQ(
      Ask(*with("  - {name: e, fields: fd.name, comps: pmatch, values: [/etc]}\n"), act->event),
      "false");
  EXPECT_EQ(Ask(*with("  - {name: e, fields: [proc.name, fd.name], values: [[cat, /etc/x]]}\n"),
                act->event),
            "false");
  EXPECT_EQ(
      Ask(*with(
              "  - {name: e, fields: [proc.name, fd.name], values: [[cat, /y], [dog, /etc/x]]}\n"),
          act->event),
      "true");
  EXPECT_EQ(Ask(*with("  - {name: e, fields: [proc.name, fd.name], comps: [in, startswith], "
                      "values: [[[cow, cat], /etc/]]}\n"),
                act->event),
            "false");
  EXPECT_EQ(Ask(*with("  - {name: e, fields: [proc.name, fd.name], comps: ['=', contains]}\n"),
                act->event),
            "true");
}

TEST(Exceptions, Mistakes) {
  const auto of = [](const std::string& exception) {
    return test::Mistakes(Policy(
        "- rule: r\n  condition: fd.num = 3\n  output: x\n  priority: NOTICE\n  exceptions:\n  - " +
        exception + "\n"));
  };
  EXPECT_THAT(of("{name: e, fields: [proc.name, fd.name], values: [[a]]}"),
              ElementsAre("9:54: an entry of values must be a list as long as fields; each entry "
                          "has one value for each field"));
  EXPECT_THAT(of("{name: e, fields: [proc.name], comps: [is], values: [[a]]}"),
              ElementsAre(HasSubstr("9:44: \"is\" is not an operator")));
  EXPECT_THAT(of("{name: e, fields: proc.nme, values: [a]}"),
              ElementsAre(HasSubstr("9:23: there is no field proc.nme")));
  EXPECT_THAT(of("{name: e, fields: [proc.name, fd.num], values: [[a, b]]}"),
              ElementsAre(HasSubstr("9:57: fd.num: \"b\" is not a number")));
  EXPECT_THAT(of("{name: e, fields: proc.name, comps: contains, values: [a]}"),
              ElementsAre(HasSubstr("9:41: an exception of one field")));
  EXPECT_THAT(of("{nme: e, fields: proc.name}"),
              testing::Contains(HasSubstr("an exception has no key \"nme\"")));
}

constexpr const char* kFalco =
    "- required_engine_version: 0.50.0\n"
    "- list: shells\n  items: [bash, cat]\n"
    "- macro: open_read\n  condition: (evt.type in (open,openat,openat2) and evt.is_open_read=true "
    "and fd.typechar='f' and fd.num>=0)\n"
    "- macro: container\n  condition: (container.id != host)\n"
    "- rule: first\n  desc: d\n  condition: open_read and container and proc.name in (shells)\n  "
    "output: read (%fd.name %user.homedir)\n  priority: WARNING\n"
    "- rule: second\n  desc: d\n  condition: open_read\n  output: x\n  priority: INFO\n  "
    "warn_evttypes: false\n"
    "- rule: third\n  desc: d\n  condition: evt.type = lseek and proc.vmsize = 1\n  output: x\n  "
    "priority: INFO\n"
    "- rule: fourth\n  desc: d\n  condition: evt.type = lseek\n  output: x\n  priority: INFO\n"
    "- rule: fifth\n  desc: d\n  condition: ka.verb = get\n  output: x\n  priority: INFO\n  "
    "source: k8s_audit\n";

TEST(FalcoFile, FirstMatchOfTheFilesOrderAlerts) {
  const Loaded loaded = LoadPolicyText(kFalco, "/some/falco_rules.yaml");
  ASSERT_NE(loaded.set, nullptr) << loaded.diagnostics.front().Text();
  EXPECT_THAT(Matching(*loaded.set, Act::Open("/x")->event), ElementsAre("first"));
  const auto other = Act::Open("/x");
  other->process.name = "cow";
  EXPECT_THAT(Matching(*loaded.set, other->event), ElementsAre("second"));
  EXPECT_THAT(Matching(*loaded.set, Act::Open("/x", O_WRONLY)->event), IsEmpty());
  EXPECT_EQ(loaded.set->policies()[0].name, "falco_rules");
  EXPECT_EQ(loaded.set->Select({}).size(), 1U);
  // An undecided rule leaves open which is the first.
  const auto unsettled = Act::Open("/x");
  unsettled->binding.settled = false;
  EXPECT_THAT(Matching(*loaded.set, unsettled->event), IsEmpty());
}

TEST(FalcoFile, WhatNswardenHasNotIsWarnedOf) {
  std::vector<std::string> said;
  for (const Diagnostic& d : LoadPolicyText(kFalco, "f").diagnostics) said.push_back(d.Text());
  EXPECT_THAT(
      said, ElementsAre(
                HasSubstr("f:1:3: warning: required_engine_version"),
                HasSubstr("f:11:26: warning: the field user.homedir is not supported yet"),
                HasSubstr("f:18:18: warning: warn_evttypes"),
                HasSubstr("f:21:35: warning: the rule \"third\" is skipped: the field proc.vmsize"),
                HasSubstr("f:26:14: warning: the rule \"fourth\" can never match"),
                HasSubstr("f:34:11: warning: the rule is skipped")));
}

TEST(FalcoFile, AMisspeltFieldIsAnErrorUnlessToBeSkipped) {
  const std::string rule =
      "- rule: r\n  desc: d\n  condition: proc.nme = x\n  output: x\n  priority: INFO\n";
  EXPECT_THAT(Mistakes(rule),
              ElementsAre("3:14: there is no field proc.nme; did you mean proc.name?"));
  EXPECT_NE(LoadPolicyText(rule + "  skip-if-unknown-filter: true\n", "f").set, nullptr);
}

TEST(FalcoFile, SeveralShareTheirDefinitions) {
  const auto dir = std::filesystem::path(testing::TempDir()) / "falco";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "a.yaml")
      << "- {list: l, items: [dog]}\n- {macro: m, condition: proc.name in (l)}\n"
      << "- {rule: r, condition: m, output: x, priority: INFO}\n";
  std::ofstream(dir / "b.yaml")
      << "- {list: l, items: [cat]}\n- {rule: s, condition: m, output: x, priority: INFO}\n";
  std::ofstream(dir / "c.yaml") << "- {rule: s, condition: not m, output: x, priority: INFO}\n";
  std::ofstream(dir / "own.yaml") << "nswarden: 1\npolicy: own\nrules: [{rule: r, condition: "
                                     "fd.num = 3, output: x, priority: INFO}]\n";
  const Loaded loaded = LoadPolicies({dir}, {.check_owner = false});
  ASSERT_NE(loaded.set, nullptr) << loaded.diagnostics.front().Text();
  EXPECT_THAT(Matching(*loaded.set, Act::Open("/x")->event), ElementsAre("r", "r"));
  const auto cow = Act::Open("/x");
  cow->process.name = "cow";
  EXPECT_THAT(Matching(*loaded.set, cow->event), ElementsAre("s", "r"));
  std::filesystem::remove_all(dir);
}

TEST(FalcoFile, PoliciesKeepTheirDefinitionsToThemselves) {
  const auto dir = std::filesystem::path(testing::TempDir()) / "local";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "a.yaml")
      << "nswarden: 1\npolicy: a\nrules: [{macro: m, condition: fd.num = 3}]\n";
  std::ofstream(dir / "b.yaml")
      << "nswarden: 1\npolicy: b\nrules: [{rule: r, condition: m, output: x, priority: INFO}]\n"
         "deny: {exec: [/x]}\n";
  // Its rule is not "there twice": its name is the mistake.
  std::ofstream(dir / "c.yaml") << "nswarden: 1\npolicy: b\ndeny: {exec: [/x]}\n";
  const Loaded loaded = LoadPolicies({dir}, {.check_owner = false});
  EXPECT_EQ(loaded.set, nullptr);
  ASSERT_EQ(loaded.diagnostics.size(), 2U);
  EXPECT_THAT(loaded.diagnostics[0].Text(), HasSubstr("b.yaml:3:30: there is no macro m"));
  EXPECT_THAT(loaded.diagnostics[1].Text(),
              HasSubstr("c.yaml:2:9: there is another policy \"b\" in "));
  std::filesystem::remove_all(dir);
}

TEST(Rules, DisabledOnesAreCheckedAndNotMatched) {
  const auto set = Load(
      Policy("- {rule: r, condition: fd.num = 3, output: x, priority: NOTICE, enabled: false}\n"));
  EXPECT_THAT(Matching(*set, Act::Open("/x")->event), IsEmpty());
  EXPECT_EQ(set->wanted(), 0U);
  EXPECT_THAT(
      Mistakes(Policy(
          "- {rule: r, condition: fd.nm = 3, output: x, priority: NOTICE, enabled: false}\n")),
      ElementsAre(HasSubstr("there is no field fd.nm")));
}

TEST(Rules, EachMatchOfAPolicyAlertsHoweverMany) {
  std::string items;
  for (int i = 0; i < 40; i++)
    items += "- {rule: r" + std::to_string(i) +
             ", condition: fd.num = 3, output: x, priority: NOTICE}\n";
  const auto set = Load(Policy(items));
  const uint32_t first = 0;
  Matches matches;
  set->Match(Act::Open("/x")->event, {&first, 1}, matches);
  ASSERT_EQ(matches.rules.size(), 40U);
  EXPECT_EQ(matches.rules[39]->name, "r39");
}

TEST(Rules, IdsStayTheSame) {
  const auto id = [](const std::string& policy) {
    const auto set =
        Load("nswarden: 1\npolicy: " + policy +
             "\nrules: [{rule: r, condition: fd.num = 3, output: x, priority: INFO}]\n");
    const uint32_t first = 0;
    Matches matches;
    set->Match(Act::Open("/x")->event, {&first, 1}, matches);
    return matches.rules[0]->id;
  };
  EXPECT_EQ(id("p"), id("p"));
  EXPECT_NE(id("p"), id("q"));
  EXPECT_NE(id("p"), 0U);
}

TEST(Output, IsFilledIn) {
  const auto set = Load(Policy(
      "- {rule: r, condition: fd.num = 3, output: \"100%% %proc.name[%fd.name] "
      "%proc.aname[1].%proc.aname[9] %fd.sip %evt.is_open_read. %fd.name\", priority: INFO}\n"));
  const auto act = Act::Open("/x");
  const uint32_t first = 0;
  Matches matches;
  set->Match(act->event, {&first, 1}, matches);
  ASSERT_EQ(matches.rules.size(), 1U);
  const OutputTemplate& output = *matches.rules[0]->output;
  EXPECT_EQ(RenderOutput(output, act->event), "100% cat[/x] bash.<NA> <NA> true. /x");
  std::vector<std::string> names;
  for (const OutputField& field : OutputFieldRefs(output)) names.push_back(field.name);
  EXPECT_THAT(names, ElementsAre("proc.name", "fd.name", "proc.aname[1]", "proc.aname[9]", "fd.sip",
                                 "evt.is_open_read"));
  EXPECT_EQ(OutputFields(output).size(), 5U);
}

}  // namespace
}  // namespace nsw::rule::test
