// SPDX-License-Identifier: Apache-2.0
// Mistakes in what acts: deny and allow lists, and rules with an action.
#include <gmock/gmock.h>

#include "engine/rule/deny_compiler.h"
#include "tests/rule/mistakes.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;

class MistakenList : public Mistaken {};

TEST_P(MistakenList, SaysWhereAndWhat) { Check(); }

// The entry begins at 4:10.
std::string Deny(const std::string& deny_class, const std::string& entry) {
  return Policy("deny:\n  " + deny_class + ": [" + entry + "]\n");
}

const std::string kForms =
    "write a path, dir/**, dir/, **/name, **/*.suffix or one * component, as /proc/*/environ";
const std::string kPaths = "a path is absolute, as the container sees it; begin it with /";

INSTANTIATE_TEST_SUITE_P(
    Actions, MistakenList,
    testing::ValuesIn(std::vector<Case>{
        Case{"action",
             Policy("rules: [{" + kGood + ", action: drop}]\n"),
             {"3:79: \"drop\" is not an action; known are deny, kill, quarantine"}},
        Case{"period",
             Policy("rules: [{" + kGood + ", deny_for: 0s}]\n"),
             {"3:81: deny_for is from 1ms to 3650d"}},
        Case{"no ground",
             Policy("rules: [{rule: r, condition: evt.type = open and fd.nameraw = /x, output: x, "
                    "priority: NOTICE, action: kill}]\n"),
             {"3:30: nothing that the condition asks is beyond the acting process's power to make "
              "up: that is no ground to act on; ask for fd.name, proc.exepath or another field "
              "that the kernel resolves"}},
        Case{"no ground but the container",
             Policy("rules: [{rule: r, condition: evt.type = open and container.name = x, output: "
                    "x, priority: NOTICE, deny_for: 1m}]\n"),
             {"3:30: nothing that the condition asks is beyond the acting process's power to make "
              "up: that is no ground to act on; ask for fd.name, proc.exepath or another field "
              "that the kernel resolves"}},
        Case{"Falco",
             "- {rule: r, condition: fd.num = 1, output: x, priority: NOTICE, action: kill}\n",
             {"1:73: action is for policies: a plain Falco file only alerts; write a policy of "
              "nswarden"}}}));

TEST(ListDiagnostics, ARuleWithGroundMayAct) {
  const auto set =
      LoadPolicyText(
          Policy(
              "mode: enforce\nrules:\n  - {rule: r, condition: evt.type = open and fd.name = /x, "
              "output: x, priority: NOTICE, action: quarantine, deny_for: 10m}\n"),
          "f")
          .set;
  ASSERT_NE(set, nullptr);
  const RuleInfo* rule = set->FindRule(RuleId("p", "r"));
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->action, Action::kQuarantine);
  EXPECT_EQ(rule->deny_for_ns, 600'000'000'000U);
}

INSTANTIATE_TEST_SUITE_P(
    DenyEntries, MistakenList,
    testing::ValuesIn(std::vector<Case>{
        Case{"relative",
             Deny("exec", "a"),
             {"4:10: exec: a path is absolute, as the container sees it; begin it with /, or write "
              "**/a"}},
        Case{"dots",
             Deny("read", "/a/../b"),
             {"4:13: read: a path with .. means one thing to the reader and another to the kernel; "
              "write the path itself"}},
        Case{"wildcard",
             Deny("write", "/a/b*"),
             {"4:15: write: a wildcard within a name cannot be held; " + kForms}},
        Case{"last wildcard",
             Deny("write", "/a/*"),
             {"4:14: write: * cannot be the last component; write /a/** for everything below"}},
        Case{"two wildcards",
             Deny("read", "/a/*/b/*/c"),
             {"4:17: read: a second * component; a path can have one; dir/** is everything below"}},
        Case{"stars in the middle",
             Deny("read", "/a/**/b"),
             {"4:13: read: ** can stand at the beginning or at the end alone; " + kForms}},
        Case{"suffix",
             Deny("read", "'**/*a.so'"),
             {"4:14: read: after **/ stands one plain name, or *.suffix; " + kForms}},
        Case{
            "origin",
            Deny("exec", "origin:memory"),
            {"4:17: exec: \"memory\" is not where a file can come from; known are memfd, unlinked, "
             "upper, tmpfs"}},
        Case{"abstract",
             Deny("connect", "'unix:@a*'"),
             {"4:21: connect: an abstract name is compared as a whole; write each name out"}},
        Case{"unix path", Deny("connect", "'unix:run/x'"), {"4:19: connect: " + kPaths}},
        Case{"family",
             Deny("socket", "pakcet"),
             {"4:12: socket: \"pakcet\" is not a family of sockets; did you mean packet?"}},
        Case{"socket type",
             Deny("socket", "inet/rwa"),
             {"4:17: socket: \"rwa\" is not a type of socket; did you mean raw?"}},
        Case{"capability",
             Deny("capabilities", "sys_modul"),
             {"4:18: capabilities: \"sys_modul\" is not a capability; did you mean sys_module?"}},
        Case{"operation",
             Deny("operations", "mounts"),
             {"4:16: operations: \"mounts\" is not an operation; did you mean mount?"}},
        Case{"by",
             Deny("exec", "{path: /a, by: b}"),
             {"4:25: by: a path is absolute, as the container sees it; begin it with /, or write "
              "**/b"}},
        Case{"empty by",
             Deny("exec", "{path: /a, by: []}"),
             {"4:25: by is empty; remove it to mean any"}},
        Case{"when",
             Deny("exec", "{path: /a, when: start}"),
             {"4:27: \"start\" is not a phase; known are startup, running, joined"}},
        Case{"empty except",
             Deny("exec", "{path: /a, except: {}}"),
             {"4:29: an exception is a map with one or more keys, not an empty one"}},
        Case{"no except",
             Deny("exec", "{path: /a, except: []}"),
             {"4:29: except needs a map or a list of maps; write except: {path: ..., by: ...}"}},
        Case{"object of except",
             Deny("connect", "{to: 10.0.0.0/8, except: {to: x}}"),
             {"4:43: except: \"x\" is a host name; write addresses: what a name means is decided "
              "by whoever answers for it, and anew each time"}},
        Case{"key of except",
             Deny("exec", "{path: /a, except: {by: /b, pathh: /c}}"),
             {"4:38: an exception of exec has no key \"pathh\"; did you mean path?"}},
        Case{"key of an entry",
             Deny("connect", "{path: /a}"),
             {"4:13: an entry of connect needs the key to",
              "4:14: an entry of connect has no key \"path\"; known are to, by, ancestor, when, "
              "except, action, priority, tags, output"}},
        Case{"key of an allow entry",
             Policy("allow:\n  exec: [{path: /a, priority: ERROR}]\n"),
             {"4:21: an entry of exec has no key \"priority\"; known are path, by, ancestor, when, "
              "except"}},
        Case{"action of an entry",
             Deny("exec", "{path: /a, action: kil}"),
             {"4:29: \"kil\" is not an action; did you mean kill?"}},
        Case{"null list",
             Policy("allow:\n  exec:\n"),
             {"4:3: exec needs a list, and has nothing; write [] to permit nothing"}},
        Case{"null deny list",
             Policy("deny:\n  exec:\n"),
             {"4:3: exec needs a list, and has nothing"}},
        Case{"allow",
             Policy("allow: [exec]\n"),
             {"3:8: allow needs a map, and has a list; write allow: {exec: [...], write: [...]}"}},
        Case{"startup",
             Policy("startup: {until: /a}\n"),
             {"3:18: until needs a map; write startup: {until: {exec: /path/of/the/program}}"}},
        Case{"startup without until",
             Policy("startup: {}\n"),
             {"3:10: until needs a map; write startup: {until: {exec: /path/of/the/program}}"}},
        Case{"startup's program",
             Policy("startup: {until: {exec: nginx}}\ndeny: {exec: [/a]}\n"),
             {"3:25: until: a path is absolute, as the container sees it; begin it with /, or "
              "write **/nginx"}},
        Case{"fallback",
             Policy("fallback: refuse\n"),
             {"3:11: \"refuse\" is not a fallback; write fallback: kill, or leave it out to be "
              "told only"}},
        Case{"twice in allow",
             Policy("allow: {exec: [/a, /a]}\n"),
             {"3:20: \"/a\" is there twice; keep one of them"}},
        Case{"name",
             Deny("write", "'**/a/b'"),
             {"4:16: write: after **/ stands one plain name, or *.suffix; " + kForms}},
        Case{"twice", Deny("exec", "/a, /a"), {"4:14: \"/a\" is there twice; keep one of them"}},
        Case{"unknown class",
             Policy("deny:\n  exce: [/a]\n"),
             {"4:3: deny has no key \"exce\"; did you mean exec?"}},
        Case{"host name",
             Deny("connect", "example.com"),
             {"4:13: connect: \"example.com\" is a host name; write addresses: what a name means "
              "is decided by whoever "
              "answers for it, and anew each time"}},
        Case{
            "protocol",
            Deny("connect", "10.0.0.0/8/sctp"),
            {"4:24: connect: \"sctp\" is not a protocol that is told apart; write /tcp or /udp, or "
             "neither: any protocol"}},
        Case{"zone",
             Deny("connect", "'fe80::1%eth0'"),
             {"4:21: connect: an address has no interface here; leave out what begins with %"}},
        Case{"url",
             Deny("connect", "'http://x'"),
             {"4:14: connect: \"http://x\" is a URL; write 10.0.0.1, 10.0.0.0/8, :443, "
              "10.0.0.0/8:443, 10.0.0.0/8:1-1023/tcp or [2001:db8::/32]:443; unix:/path or "
              "unix:@name"}},
        Case{"path for an address",
             Deny("connect", "/run/x.sock"),
             {"4:13: connect: \"/run/x.sock\" is a path; write unix:/run/x.sock"}},
        Case{"host bits",
             Deny("connect", "10.0.0.1/8"),
             {"4:13: connect: \"10.0.0.1/8\" has bits beyond its prefix; did you mean 10.0.0.0/8, "
              "or the address alone?"}},
        Case{"port",
             Deny("connect", "'10.0.0.1:70000'"),
             {"4:23: connect: \"70000\" is not a port or a range of ports; write 10.0.0.1, "
              "10.0.0.0/8, :443, "
              "10.0.0.0/8:443, 10.0.0.0/8:1-1023/tcp or [2001:db8::/32]:443; unix:/path or "
              "unix:@name"}}}));

TEST(ListDiagnostics, AStartupThatThePolicyHasNotIsAMistake) {
  const std::string mistake =
      "the policy has no startup: this would never hold; write startup: {until: {exec: "
      "/path/of/the/program}}";
  EXPECT_THAT(Mistakes(Deny("exec", "{path: /a, when: startup}")), ElementsAre("4:27: " + mistake));
  EXPECT_THAT(Mistakes(Deny("exec", "{path: /a, when: [joined, startup]}")),
              ElementsAre("4:36: " + mistake));
  EXPECT_THAT(Mistakes(Deny("exec", "{path: /a, except: {when: startup}}")),
              ElementsAre("4:36: " + mistake));
  EXPECT_THAT(Mistakes(Policy("allow: {exec: [{path: /a, when: startup}]}\n")),
              ElementsAre("3:33: " + mistake));
}

}  // namespace
}  // namespace nsw::rule::test
