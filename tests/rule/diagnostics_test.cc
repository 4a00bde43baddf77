// SPDX-License-Identifier: Apache-2.0
// Each mistake, with the line and column of the very token, and with its hint.
#include <gmock/gmock.h>

#include "tests/rule/mistakes.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_P(Mistaken, SaysWhereAndWhat) { Check(); }

// The condition begins at 5:16.
std::string Rule(const std::string& condition) {
  return Policy("rules:\n  - rule: r\n    condition: " + condition +
                "\n    output: x\n    priority: NOTICE\n");
}
const std::string kQuote = "a value that holds blanks, = , ( ) or quotes must be quoted";

INSTANTIATE_TEST_SUITE_P(
    Syntax, Mistaken,
    testing::ValuesIn(std::vector<Case>{
        Case{"empty", Rule("'  '"), {"5:17: the condition is empty"}},
        Case{"trailing",
             Rule("fd.num = 1 fd.num = 2"),
             {"5:27: expected and, or, or the end, and found \"fd.num\"; " + kQuote}},
        Case{"capitals",
             Rule("fd.num = 1 AND fd.num = 2"),
             {"5:27: expected and, or, or the end, and found \"AND\"; write and, or and not in "
              "small letters"}},
        Case{"open parenthesis",
             Rule("(fd.num = 1 or (fd.num = 2)"),
             {"5:43: expected ), and found \"the end\"; the ( at line 5, column 16 is never "
              "closed"}},
        Case{"close parenthesis",
             Rule("fd.num = 1)"),
             {"5:26: expected and, or, or the end, and found \")\"; there is one ) too many"}},
        Case{"dangling and",
             Rule("fd.num = 1 and"),
             {"5:30: expected a field, a macro or (, and found \"the end\"; something must follow "
              "and, or, not"}},
        Case{"operator",
             Rule("fd.name contain /etc"),
             {"5:24: expected an operator after fd.name, and found \"contain\"; did you mean "
              "contains?"}},
        Case{"part of no name",
             Rule("evt.arg.flags contains CLONE_NEWUSR or evt.arg.flags startswith O_FOO"),
             {"5:39: evt.arg.flags never has \"CLONE_NEWUSR\"; its names are those of the system "
              "call's manual page; a number is taken, too",
              "5:80: evt.arg.flags never has \"O_FOO\"; its names are those of the system call's "
              "manual page; a number is taken, too"}},
        Case{"no value",
             Rule("fd.name = "),
             {"5:25: expected a value after =, and found \"the end\""}},
        Case{"list after =",
             Rule("fd.name = (a, b)"),
             {"5:26: expected a value after =, and found \"(\"; a list goes with in, intersects or "
              "pmatch"}},
        Case{"bare word with =",
             Rule("proc.cmdline contains a=b"),
             {"5:39: expected and, or, or the end, and found \"=\"; " + kQuote}},
        Case{"quote", Rule("fd.name = \"a"), {"5:26: the quote \" is never closed"}},
        Case{"escape", Rule("fd.name = \"a\\q\""), {"5:26: unknown escape \\q"}},
        Case{"list comma",
             Rule("fd.name in (a b)"),
             {"5:30: expected , or ) in the list, and found \"b\"; " + kQuote}},
        Case{"bare list",
             Rule("proc.name in shells"),
             {"5:29: there is no list \"shells\"; write in (shells)"}},
        Case{"index", Rule("proc.aname[2 = x"), {"5:27: the [ after proc.aname is never closed"}},
        Case{"transformer",
             Rule("toupper(proc.name) = X"),
             {"5:16: toupper() is not supported yet; compare the field itself; icontains takes no "
              "heed of case"}},
        Case{"modifier",
             Rule("proc.name startswith anyof (a, b)"),
             {"5:37: anyof is not supported yet; join the comparisons by or, or by and"}},
        Case{"two fields",
             Rule("proc.name = val(proc.pname)"),
             {"5:28: comparing two fields is not supported yet"}}}));

INSTANTIATE_TEST_SUITE_P(
    Meaning, Mistaken,
    testing::ValuesIn(std::vector<Case>{
        Case{"field",
             Rule("proc.nme = x"),
             {"5:16: there is no field proc.nme; did you mean proc.name?"}},
        Case{"two fields",
             Rule("proc.nme = x or (not fd.nam = y)"),
             {"5:16: there is no field proc.nme; did you mean proc.name?",
              "5:37: there is no field fd.nam; did you mean fd.name?"}},
        Case{"Falco's field",
             Rule("proc.vmsize = 1"),
             {"5:16: the field proc.vmsize is not supported yet; nswarden fields lists those that "
              "are"}},
        Case{"macro",
             Rule("fd.num = 1 and spawned"),
             {"5:31: there is no macro spawned; a field has a dot in its name"}},
        Case{"text operator",
             Rule("fd.num contains 3"),
             {"5:23: fd.num is a number, which contains does not compare; a number is compared by "
              "= != < <= > >= in"}},
        Case{"number operator",
             Rule("fd.name < 3"),
             {"5:24: fd.name is text, which < does not compare; text is compared by = != in "
              "contains startswith "
              "endswith glob pmatch regex"}},
        Case{
            "number",
            Rule("fd.num in (1, two)"),
            {"5:30: fd.num: \"two\" is not a number; the field is a number: write 42, -1 or 0x2a"}},
        Case{"boolean",
             Rule("evt.is_open_read = yes"),
             {"5:35: evt.is_open_read: \"yes\" is not true or false; write true or false"}},
        Case{"address",
             Rule("fd.sip = example.com"),
             {"5:25: fd.sip: \"example.com\" is not an address; write an address, 10.0.0.1 or "
              "2001:db8::1, or a block, "
              "10.0.0.0/8: names change what they mean"}},
        Case{"index",
             Rule("proc.aname[x] = y"),
             {"5:16: proc.aname takes a number in [ ], not \"x\"; 0 is the process, 1 its parent"}},
        Case{"no index", Rule("proc.name[1] = y"), {"5:16: proc.name takes no [1]"}}}));

TEST(Diagnostics, RegexAndEventTypes) {
  EXPECT_THAT(Mistakes(Rule("fd.name regex '('")),
              ElementsAre(StartsWith("5:30: fd.name: \"(\" is not a pattern: ")));
  EXPECT_THAT(
      Mistakes(Rule("evt.type in (open, lseek)")),
      ElementsAre(StartsWith("5:35: events of type \"lseek\" are not supported yet; known are ")));
  EXPECT_THAT(
      Mistakes(Rule("evt.type = opnat")),
      ElementsAre("5:27: events of type \"opnat\" are not supported yet; did you mean openat?"));
}

// The place of a token inside a block, a folded block, quotes, escapes.
TEST(Diagnostics, FindsTheTokenInEveryKindOfScalar) {
  const std::string what = "there is no macro odd; a field has a dot in its name";
  EXPECT_THAT(Mistakes(Rule(">\n      fd.num = 1\n      and odd")), ElementsAre("7:11: " + what));
  EXPECT_THAT(Mistakes(Rule(">-  # why\n      fd.num = 1\n\n      and\n        odd")),
              ElementsAre("9:9: " + what));
  EXPECT_THAT(Mistakes(Rule("|\n      fd.num = 1\n        and   odd")),
              ElementsAre("7:15: " + what));
  EXPECT_THAT(Mistakes(Rule("fd.num = 1\n      and odd")), ElementsAre("6:11: " + what));
  EXPECT_THAT(Mistakes(Rule("'fd.name = ''a''\n      and odd'")), ElementsAre("6:11: " + what));
  EXPECT_THAT(Mistakes(Rule("\"fd.name = \\\"a\\\" and odd\"")), ElementsAre("5:37: " + what));
  EXPECT_THAT(Mistakes(Rule("\"fd.name = \\x61\\u0062 and odd\"")), ElementsAre("5:42: " + what));
  EXPECT_THAT(Mistakes(Rule("\"fd.num = 1 \\\n      and odd\"")), ElementsAre("6:11: " + what));
  EXPECT_THAT(Mistakes(Rule("fd.name = \xc3\xa9\xc3\xa9 and odd")), ElementsAre("5:33: " + what));
}

TEST(Diagnostics, WindowsLineEndsDoNotShiftPlaces) {
  std::string text = Rule("|\n      fd.num = 1\n      and odd");
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  EXPECT_THAT(Mistakes(text), ElementsAre(StartsWith("7:11: there is no macro odd")));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, Mistaken,
    testing::ValuesIn(std::vector<Case>{
        Case{"unknown",
             Policy("imagse: [a]\n"),
             {"3:1: a policy has no key \"imagse\"; did you mean images?"}},
        Case{"twice",
             Policy("policy: q\n"),
             {"3:1: the key \"policy\" is there twice; keep one of them"}},
        Case{"no version", "policy: p\n", {"1:1: a policy needs the key nswarden"}},
        Case{"version",
             "nswarden: 2\npolicy: p\n",
             {"1:11: this version of nswarden does not know format \"2\"; write nswarden: 1"}},
        Case{"name",
             "nswarden: 1\npolicy: a/b\n",
             {"2:9: \"a/b\" cannot be a policy's name; use letters, digits, . _ and -, 128 at "
              "most"}},
        Case{"mode",
             Policy("mode: enforced\n"),
             {"3:7: \"enforced\" is not a mode; did you mean enforce?"}},
        Case{"kind",
             Policy("images: {a: b}\n"),
             {"3:9: images needs a list, and has a map; write images: [a, b]"}},
        Case{"empty selector",
             Policy("images: []\n"),
             {"3:9: images is empty; remove it to mean every container"}},
        Case{"host",
             Policy("host: true\nimages: [a]\n"),
             {"4:9: images selects containers, and host: true the host's own processes; write two "
              "policies"}},
        Case{"host startup",
             Policy("host: true\nstartup: {until: {exec: /a}}\n"),
             {"4:10: startup is a container's, and host: true means the host's own processes; "
              "remove it"}},
        Case{"boolean",
             Policy("privileged: maybe\n"),
             {"3:13: privileged is true or false, not \"maybe\""}},
        Case{"scalar policy",
             "hello\n",
             {"1:1: a policy is a map, or a list of Falco rules, not a single value; begin with "
              "nswarden: 1"}},
        Case{"rule key",
             Policy("rules:\n  - {rule: r, condition: fd.num = 1, output: x, priority: NOTICE, "
                    "sevrity: x}\n"),
             {"4:67: a rule has no key \"sevrity\"; known are rule, action, deny_for, desc, "
              "condition, output, "
              "priority, tags, enabled, "
              "source, exceptions, warn_evttypes, skip-if-unknown-filter, capture, "
              "capture_duration"}},
        Case{"exceptions of one name",
             Policy("rules:\n- {" + kGood +
                    ", exceptions: [{name: a, fields: fd.num, values: [1]}, "
                    "{name: a, fields: fd.num, values: [2]}]}\n"),
             {"4:125: there is another exception \"a\"; give it another name"}},
        Case{"rule parts",
             Policy("rules:\n  - rule: r\n"),
             {"4:5: a rule needs the key condition", "4:5: a rule needs the key output",
              "4:5: a rule needs the key priority"}},
        Case{"priority",
             Policy("rules:\n  - {rule: r, condition: fd.num = 1, output: x, priority: WARN}\n"),
             {"4:59: \"WARN\" is not a priority; known are Emergency, Alert, Critical, Error, "
              "Warning, Notice, "
              "Informational, Debug"}},
        Case{"output",
             Policy("rules:\n  - {rule: r, condition: fd.num = 1, output: 'a %fd.nam b', priority: "
                    "NOTICE}\n"),
             {"4:49: there is no field fd.nam; did you mean fd.name?"}},
        Case{"percent",
             Policy("rules:\n  - {rule: r, condition: fd.num = 1, output: 'a 5% b', priority: "
                    "NOTICE}\n"),
             {"4:50: expected a field after %, and found \" \"; write %% for a percent sign"}},
        Case{"same rule",
             Policy("rules:\n  - {rule: r, condition: fd.num = 1, output: x, priority: NOTICE}\n"
                    "  - {rule: r, condition: fd.num = 1, output: x, priority: NOTICE}\n"),
             {"5:12: there is another rule \"r\" at line 4; give it another name"}}}));

// What the language will have and this version has not: refused, with its place.
class NotYet : public testing::TestWithParam<Case> {};
TEST_P(NotYet, IsRefused) {
  EXPECT_EQ(LoadPolicyText(GetParam().text, "f").set, nullptr);
  EXPECT_THAT(Mistakes(GetParam().text), ElementsAre(StartsWith(GetParam().mistakes[0])));
}
INSTANTIATE_TEST_SUITE_P(
    Later, NotYet,
    testing::ValuesIn(std::vector<Case>{
        Case{"tests", Policy("tests: []\n"), {"3:1: tests is not supported yet"}},
        Case{"override", Policy("override: append\n"), {"3:1: override is not supported yet"}},
        Case{"action",
             Policy("rules: [{" + kGood + ", action: deny}]\n"),
             {"3:79: action: deny of a rule is not supported yet"}},
        Case{"throttle",
             Policy("rules: [{" + kGood + ", throttle: 5m}]\n"),
             {"3:71: throttle is not supported yet"}},
        Case{"rule that amends",
             Policy("rules: [{rule: r, append: true}]\n"),
             {"3:19: append is not supported yet"}},
        Case{"macro that amends",
             Policy("rules: [{macro: m, override: {condition: append}}]\n"),
             {"3:20: override is not supported yet"}},
        Case{"list that amends",
             Policy("rules: [{list: l, append: true}]\n"),
             {"3:19: append is not supported yet"}},
        Case{"append",
             Policy("rules: [{" + kGood + ", append: true}]\n"),
             {"3:71: append is not supported yet"}}}));

TEST(Diagnostics, AllOfThemComeAtOnceInOrder) {
  const std::string text = Policy(
      "mode: x\nbogus: 1\ndeny: {exec: [a, b]}\nrules:\n  - {rule: r, condition: a.b = 1, output: "
      "'%c.d', priority: E}\n");
  const auto mistakes = Mistakes(text);
  ASSERT_EQ(mistakes.size(), 7U);
  EXPECT_THAT(mistakes[0], StartsWith("3:7: "));
  EXPECT_THAT(mistakes[1], StartsWith("4:1: "));
  EXPECT_THAT(mistakes[2], StartsWith("5:15: "));
  EXPECT_THAT(mistakes[3], StartsWith("5:18: "));
  EXPECT_THAT(mistakes[4], StartsWith("7:26: "));
  EXPECT_THAT(mistakes[5], StartsWith("7:44: "));
  EXPECT_THAT(mistakes[6], StartsWith("7:61: "));
}

TEST(Diagnostics, AMacrosMistakeIsToldOnceAtTheMacro) {
  const std::string text = Policy(
      "rules:\n  - {macro: m, condition: fd.nam = x}\n"
      "  - {rule: a, condition: m, output: x, priority: NOTICE}\n"
      "  - {rule: b, condition: m or m, output: x, priority: NOTICE}\n");
  EXPECT_THAT(Mistakes(text), ElementsAre(StartsWith("4:27: there is no field fd.nam")));
}

TEST(Diagnostics, AreBounded) {
  std::string text = Policy("deny:\n  exec:\n");
  for (int i = 0; i < 5000; i++) text += "    - bad\n";
  EXPECT_EQ(Mistakes(text).size(), 200U);
}

TEST(Diagnostics, ARuleThatCanNeverMatchIsWarnedOf) {
  EXPECT_THAT(Mistakes(Rule("evt.type = connect and fd.directory = /etc")),
              ElementsAre(HasSubstr("warning: the rule \"r\" can never match")));
}

}  // namespace
}  // namespace nsw::rule::test
