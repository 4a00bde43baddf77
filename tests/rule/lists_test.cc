// SPDX-License-Identifier: Apache-2.0
// Deny and allow lists as a policy's author reads them: each sentence of policies/README.md on what
// they mean has a test here.
#include <gmock/gmock.h>

#include "tests/rule/lists.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// ---- who acts, and when ----

TEST(Lists, ByIsTheExecutableThatActs) {
  const auto set = Load(Policy("deny: {read: [{path: /s, by: [/bin/a, '/opt/**']}]}\n"));
  EXPECT_EQ(Says(*set, By(Act::Open("/s"), "/bin/a")), "p/read//s");
  EXPECT_EQ(Says(*set, By(Act::Open("/s"), "/opt/x/y")), "p/read//s");
  EXPECT_EQ(Says(*set, By(Act::Open("/s"), "/bin/b")), "");
}

TEST(Lists, AnExecIsByTheProgramThatWasThereBefore) {
  const auto set = Load(Policy("deny: {exec: [{path: /x, by: /bin/a}]}\n"));
  auto act = Act::Exec("/x");
  act->process.exepath = "/x";
  act->process.before = "/bin/a";
  EXPECT_EQ(Says(*set, act), "p/exec//x");
  act->process.before = "/bin/b";
  EXPECT_EQ(Says(*set, act), "");
}

TEST(Lists, AncestorIsOneAboveInTheContainer) {
  const auto set = Load(Policy("deny: {read: [{path: /s, ancestor: /bin/a}]}\n"));
  auto act = By(Act::Open("/s"), "/bin/a");
  act->header().home = 7;
  act->parent.home = 7;
  act->parent.exepath = "/bin/b";
  EXPECT_EQ(Says(*set, act), "") << "itself is none";
  act->parent.exepath = "/bin/a";
  EXPECT_EQ(Says(*set, act), "p/read//s");
  act->parent.home = 0;
  EXPECT_EQ(Says(*set, act), "") << "a process of the host has the host's paths";
}

TEST(Lists, WhenIsOneOfThreePhases) {
  const auto set =
      LoadAll({Policy("startup: {until: {exec: /sbin/nginx}}\n"
                      "deny:\n  read: [{path: /s, when: startup}, {path: /r, when: "
                      "running},\n         {path: /j, when: [joined, running]}]\n")});
  const auto says = [&](const char* path, bool joined, bool running) {
    auto act = Act::Open(path);
    if (joined) act->header().flags |= NSW_F_JOINED;
    act->binding.running = running ? 1 : 0;
    return !Says(*set, act).empty();
  };
  EXPECT_TRUE(says("/s", false, false));
  EXPECT_FALSE(says("/s", false, true));
  EXPECT_FALSE(says("/s", true, false)) << "who joins is in no phase";
  EXPECT_FALSE(says("/r", false, false));
  EXPECT_TRUE(says("/r", false, true));
  EXPECT_FALSE(says("/r", true, true));
  EXPECT_TRUE(says("/j", true, false));
  EXPECT_TRUE(says("/j", false, true));
  EXPECT_FALSE(says("/j", false, false));
}

TEST(Lists, WithoutStartupThereIsNoSuchPhase) {
  const auto set = LoadAll({Policy("deny: {read: [{path: /r, when: running}]}\n")});
  auto act = Act::Open("/r");
  act->binding.running = 0;
  EXPECT_EQ(Says(*set, act), "p/read//r");
}

TEST(Lists, StartupEndsWhenTheFirstProcessRunsTheProgram) {
  const auto set = LoadAll({Policy("deny: {read: [/x]}\n"),
                            "nswarden: 1\npolicy: q\nstartup: {until: {exec: [/sbin/nginx, "
                            "'/opt/**']}}\ndeny: {read: [/y]}\n"});
  const std::vector<uint32_t> all{0, 1};
  auto act = Act::Exec("/sbin/nginx");
  EXPECT_EQ(set->EndedStartups(act->event, all), 0U) << "not the first process";
  act->header().vpid = 1;
  EXPECT_EQ(set->EndedStartups(act->event, all), 2U);
  act->header().result = -1;
  EXPECT_EQ(set->EndedStartups(act->event, all), 0U) << "it failed";
  auto script = Act::Exec("/opt/start.sh", "/bin/sh");
  script->header().vpid = 1;
  EXPECT_EQ(set->EndedStartups(script->event, all), 2U) << "the script counts";
  EXPECT_EQ(set->EndedStartups("/sbin/nginx", all), 2U);
  EXPECT_EQ(set->EndedStartups("/bin/sh", all), 0U);
}

// ---- exceptions ----

TEST(Lists, KeysOfAnExceptionAndTogether) {
  const auto set =
      Load(Policy("deny: {write: [{path: '/etc/**', except: {path: /etc/x, by: /bin/a}}]}\n"));
  EXPECT_EQ(Says(*set, By(Act::Open("/etc/x", O_WRONLY), "/bin/a")), "");
  EXPECT_NE(Says(*set, By(Act::Open("/etc/x", O_WRONLY), "/bin/b")), "");
  EXPECT_NE(Says(*set, By(Act::Open("/etc/y", O_WRONLY), "/bin/a")), "");
}

TEST(Lists, AListOfExceptionsIsOr) {
  const auto set =
      Load(Policy("deny: {write: [{path: '/etc/**', except: [{path: [/etc/x, /etc/z/]}, {by: "
                  "/bin/a}]}]}\n"));
  EXPECT_EQ(Says(*set, By(Act::Open("/etc/x", O_WRONLY), "/bin/b")), "");
  EXPECT_EQ(Says(*set, By(Act::Open("/etc/z/1", O_WRONLY), "/bin/b")), "");
  EXPECT_EQ(Says(*set, By(Act::Open("/etc/y", O_WRONLY), "/bin/a")), "");
  EXPECT_NE(Says(*set, By(Act::Open("/etc/y", O_WRONLY), "/bin/b")), "");
}

TEST(Lists, AnExceptionIsOfItsOwnEntryOnly) {
  const auto set = Load(Policy("deny: {read: [{path: '/a/**', except: {path: /a/b}}, '**/b']}\n"));
  EXPECT_EQ(Says(*set, Act::Open("/a/b")), "p/read/**/b");
  EXPECT_EQ(Says(*set, Act::Open("/a/c")), "p/read//a/**");
}

TEST(Lists, AnExceptionOfAddresses) {
  const auto set =
      Load(Policy("deny: {connect: [{to: 10.0.0.0/8, except: {to: '10.1.2.3:443/tcp'}}]}\n"));
  EXPECT_EQ(Says(*set, Act::Connect("10.1.2.3", 443)), "");
  EXPECT_EQ(Says(*set, Act::Connect("10.1.2.3", 80)), "p/connect/10.0.0.0/8");
  EXPECT_EQ(Says(*set, Act::Connect("10.1.2.3", 443, IPPROTO_UDP)), "p/connect/10.0.0.0/8");
}

// ---- allow lists ----

TEST(Lists, WhatAnAllowListDoesNotNameIsRefused) {
  const auto set = Load(Policy("mode: enforce\nallow: {exec: ['/usr/**'], connect: []}\n"));
  EXPECT_EQ(Says(*set, Act::Exec("/usr/bin/a")), "");
  EXPECT_EQ(Says(*set, Act::Exec("/tmp/a")), "p/allow/exec");
  EXPECT_EQ(Says(*set, Act::Connect("1.2.3.4", 80)), "p/allow/connect") << "[] permits nothing";
  EXPECT_EQ(Says(*set, Act::Unix("/run/x")), "p/allow/connect");
  EXPECT_EQ(Says(*set, Act::Open("/tmp/a")), "") << "of reading it says nothing";
  const auto act = Act::Exec("/tmp/a");
  const uint32_t first = 0;
  const RuleInfo* rule = set->MatchDeny(act->event, {&first, 1});
  EXPECT_EQ(rule->mode, Mode::kEnforce);
  EXPECT_TRUE(rule->is_deny);
  EXPECT_EQ(rule->priority, Priority::kError);
  EXPECT_NE(rule->output, nullptr);
}

TEST(Lists, WhatIsDeniedIsDeniedEvenIfAllowed) {
  const auto set = Load(Policy("allow: {exec: ['/usr/**']}\ndeny: {exec: ['**/nc']}\n"));
  EXPECT_EQ(Says(*set, Act::Exec("/usr/bin/nc")), "p/exec/**/nc");
  EXPECT_EQ(Says(*set, Act::Exec("/usr/bin/a")), "");
  EXPECT_EQ(Says(*set, Act::Exec("/tmp/nc")), "p/exec/**/nc") << "a deny goes before an absence";
}

TEST(Lists, AllowEntriesHaveConditionsAndExceptions) {
  const auto set = LoadAll(
      {Policy("startup: {until: {exec: /n}}\nallow:\n  exec: [/n, {path: '/**', when: startup}]\n"
              "  read: [{path: '/**', except: {path: '/s/**'}}]\n")});
  const auto run = [&](bool running) {
    auto act = Act::Exec("/bin/sh");
    act->binding.running = running ? 1 : 0;
    return Says(*set, act);
  };
  EXPECT_EQ(run(false), "");
  EXPECT_EQ(run(true), "p/allow/exec");
  EXPECT_EQ(Says(*set, Act::Open("/a")), "");
  EXPECT_EQ(Says(*set, Act::Open("/s/a")), "p/allow/read");
}

TEST(Lists, EveryClassThatAnActAsksForMustBeAllowed) {
  const auto set = Load(Policy("allow: {write: [/w], read: [/r]}\n"));
  EXPECT_EQ(Says(*set, Act::Open("/w", O_WRONLY)), "");
  EXPECT_EQ(Says(*set, Act::Open("/w", O_RDWR)), "p/allow/read");
  EXPECT_EQ(Says(*set, Act::Open("/r", O_RDWR)), "p/allow/write");
}

TEST(Lists, ListsOfOnePolicyJoin) {
  const auto set = Load(Policy("allow: {write: ['/w/**'], create: ['/c/**']}\n"));
  const auto make = [&](const char* path) {
    return Says(*set, Act::File<nsw_event_mkdir>(NSW_EVENT_MKDIR, path));
  };
  EXPECT_EQ(make("/w/a"), "");
  EXPECT_EQ(make("/c/a"), "");
  EXPECT_EQ(make("/x/a"), "p/allow/write");
  EXPECT_EQ(Says(*set, Act::Open("/c/a", O_WRONLY)), "p/allow/write");
}

TEST(Lists, AllowListsOfSeveralPoliciesIntersect) {
  const auto set = LoadAll({"nswarden: 1\npolicy: a\nallow: {exec: [/x, /y]}\n",
                            "nswarden: 1\npolicy: b\nallow: {exec: [/y, /z]}\n"});
  EXPECT_EQ(Says(*set, Act::Exec("/y")), "");
  EXPECT_EQ(Says(*set, Act::Exec("/x")), "b/allow/exec");
  EXPECT_EQ(Says(*set, Act::Exec("/z")), "a/allow/exec");
}

// ---- several policies ----

TEST(Lists, AnEnforcingPolicySpeaksBeforeAnAuditingOne) {
  const auto set =
      LoadAll({"nswarden: 1\npolicy: a\ndeny: {exec: [/x]}\n",
               "nswarden: 1\npolicy: b\nmode: enforce\nallow: {exec: [/y]}\n",
               "nswarden: 1\npolicy: c\nmode: enforce\ndeny: {exec: [{path: /x, by: /k}]}\n"});
  EXPECT_EQ(Says(*set, By(Act::Exec("/x"), "/l")), "b/allow/exec")
      << "what is refused goes before what would be";
  EXPECT_EQ(Says(*set, By(Act::Exec("/x"), "/k")), "c/exec//x")
      << "of two that enforce a deny goes before an absence";
}

TEST(Lists, AnEntryThatKillsSpeaksFirst) {
  const auto set =
      Load(Policy("mode: enforce\ndeny: {exec: ['/t/**', {path: /t/x, action: kill}]}\n"));
  EXPECT_EQ(Says(*set, Act::Exec("/t/x")), "p/exec//t/x");
  EXPECT_EQ(Says(*set, Act::Exec("/t/y")), "p/exec//t/**");
  const std::vector<uint32_t> all{0};
  EXPECT_EQ(set->Plan(all).entries[0].action, DenyAction::kKill);
  const auto audit = Load(Policy("deny: {exec: ['/t/**', {path: /t/x, action: kill}]}\n"));
  EXPECT_EQ(Says(*audit, Act::Exec("/t/x")), "p/exec//t/**") << "in audit it is inert";
  EXPECT_EQ(audit->Plan(all).entries[1].action, DenyAction::kRefuse);
}

// ---- names ----

TEST(Lists, EntriesOfOneTextThatDifferAreTwoRules) {
  const auto set = Load(Policy("deny: {exec: [{path: /x, by: /a}, {path: /x, by: /b}]}\n"));
  EXPECT_EQ(Says(*set, By(Act::Exec("/x"), "/a")), "p/exec//x");
  EXPECT_EQ(Says(*set, By(Act::Exec("/x"), "/b")), "p/exec//x#2");
}

TEST(Lists, AListOfOneNeedsNoBrackets) {
  const auto set = Load(Policy("deny:\n  exec: /x\n  read: {path: /y, by: /a}\n"));
  EXPECT_EQ(Says(*set, Act::Exec("/x")), "p/exec//x");
  EXPECT_EQ(Says(*set, By(Act::Open("/y"), "/a")), "p/read//y");
}

TEST(Lists, ThePolicyTellsWhatItHas) {
  const auto set = Load(Policy("deny: {exec: [/x, /y]}\nallow: {read: [/a, /b, /c], write: []}\n"));
  const PolicyInfo& info = set->policies()[0];
  EXPECT_TRUE(info.has_deny);
  EXPECT_EQ(info.deny_entries, 2U);
  EXPECT_EQ(info.allow_lists, 2U);
  EXPECT_EQ(info.allow_entries, 3U);
  EXPECT_TRUE(Load(Policy("allow: {write: []}\n"))->policies()[0].has_deny);
}

// ---- the host ----

TEST(Lists, HostPoliciesHaveListsToo) {
  const auto set = Load(Policy("host: true\ndeny: {exec: [/x]}\n"));
  EXPECT_THAT(set->SelectHost(), ElementsAre(0));
  container::Container container;
  EXPECT_THAT(set->Select(container), IsEmpty()) << "a container is not the host";
  auto act = Act::Exec("/x");
  EXPECT_EQ(Says(*set, act->OnHost().event), "p/exec//x");
}

// ---- limits, told where the one too many stands ----

std::vector<std::string> MistakesOf(const std::string& text) { return Mistakes(Policy(text)); }

TEST(Lists, LimitsOfWhatTheKernelLooksFor) {
  std::string suffixes = "deny:\n  read:\n";
  for (int i = 1; i <= 9; i++) suffixes += "    - '**/*." + std::string(i, 'a') + "'\n";
  EXPECT_THAT(MistakesOf(suffixes),
              ElementsAre("13:7: suffixes of more than 8 different lengths; name files or "
                          "directories instead"));
  std::string holes = "deny:\n  read:\n";
  for (int i = 1; i <= 9; i++) {
    std::string path = "/*";
    for (int n = 0; n < i; n++) path += "/a";
    holes += "    - '" + path + "'\n";
  }
  EXPECT_THAT(MistakesOf(holes),
              ElementsAre("13:7: * components at more than 8 different places of paths; name "
                          "directories instead"));
  std::string groups = "deny:\n  read:\n";
  for (int i = 1; i <= 64; i++)
    groups += "    - {path: /a" + std::to_string(i) + ", by: /b" + std::to_string(i) + "}\n";
  EXPECT_THAT(MistakesOf(groups),
              ElementsAre(testing::StartsWith("68:24: more than 63 different lists of")));
}

TEST(Lists, OneListOfExecutablesIsOneGroup) {
  std::string text = "deny:\n  read:\n";
  for (int i = 1; i <= 100; i++)
    text += "    - {path: /a" + std::to_string(i) + ", by: [/b, /c], ancestor: /d}\n";
  const auto set = Load(Policy(text));
  EXPECT_EQ(set->Plan(std::vector<uint32_t>{0}).groups.size(), 2U);
}

// ---- the plan of several policies ----

TEST(Plan, SharesGroupsAndTellsPoliciesApart) {
  const auto set = LoadAll(
      {"nswarden: 1\npolicy: a\ndeny: {read: [{path: /x, by: /g}]}\n",
       "nswarden: 1\npolicy: none\n",
       "nswarden: 1\npolicy: b\nfallback: kill\nstartup: {until: {exec: /n}}\nallow: {read: "
       "[{path: /y, by: /h, except: {ancestor: /g}}]}\n"});
  const DenyPlan plan = set->Plan(std::vector<uint32_t>{0, 1, 2});
  ASSERT_EQ(plan.policies.size(), 2U) << "a policy without lists is none";
  EXPECT_FALSE(plan.policies[0].fallback_kill);
  EXPECT_TRUE(plan.policies[1].fallback_kill);
  EXPECT_EQ(plan.policies[1].until.at(0).path, "/n");
  ASSERT_EQ(plan.groups.size(), 2U);
  ASSERT_EQ(plan.entries.size(), 2U);
  EXPECT_EQ(plan.entries[0].condition.by, 1U);
  EXPECT_EQ(plan.entries[1].policy, 1U);
  EXPECT_TRUE(plan.entries[1].allow);
  EXPECT_EQ(plan.entries[1].condition.by, 2U);
  EXPECT_EQ(plan.entries[1].exceptions.at(0).condition.ancestor, 1U);
  ASSERT_EQ(plan.allow.size(), 1U);
  EXPECT_EQ(plan.allow[0].policy, 1U);
  EXPECT_EQ(set->FindRule(plan.allow[0].rule)->name, "b/allow/read");
}

}  // namespace
}  // namespace nsw::rule::test
