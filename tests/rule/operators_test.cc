// SPDX-License-Identifier: Apache-2.0
// What each operator says, in a table of conditions and acts.
#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

struct Case {
  const char* condition;
  const char* answer;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.condition; }

class OfOpen : public testing::TestWithParam<Case> {};
class OfConnect : public testing::TestWithParam<Case> {};
class OfExit : public testing::TestWithParam<Case> {};

// An open of /etc/ssl/Key.pem by cat, run by bash, in the container web.
TEST_P(OfOpen, Answers) {
  const auto act = Act::Open("/etc/ssl/Key.pem");
  EXPECT_EQ(Ask(GetParam().condition, act->event), GetParam().answer);
}

TEST_P(OfConnect, Answers) {
  const auto act = Act::Connect("10.1.2.3", 443);
  EXPECT_EQ(Ask(GetParam().condition, act->event), GetParam().answer);
}

TEST_P(OfExit, Answers) {
  const auto act = Act::Exit();
  EXPECT_EQ(Ask(GetParam().condition, act->event), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(Text, OfOpen,
                         testing::ValuesIn(std::vector<Case>{
                             Case{"fd.name = /etc/ssl/Key.pem", "true"},
                             Case{"fd.name == /etc/ssl/Key.pem", "true"},
                             Case{"fd.name = /etc/ssl/key.pem", "false"},
                             Case{"fd.name != /etc/ssl/Key.pem", "false"},
                             Case{"fd.name != /etc", "true"},
                             Case{"fd.name=/etc/ssl/Key.pem", "true"},
                             Case{"fd.name contains ssl/", "true"},
                             Case{"fd.name contains SSL", "false"},
                             Case{"fd.name contains ''", "true"},
                             Case{"fd.name icontains kEY.PEm", "true"},
                             Case{"fd.name icontains nothing", "false"},
                             Case{"fd.name startswith /etc/", "true"},
                             Case{"fd.name startswith etc", "false"},
                             Case{"fd.name endswith .pem", "true"},
                             Case{"fd.name endswith .pe", "false"},
                             Case{"fd.name in (/etc, /etc/ssl/Key.pem)", "true"},
                             Case{"fd.name in (/etc, /etc/ssl)", "false"},
                             Case{"fd.name in ()", "false"},
                             Case{"fd.name intersects (/etc/ssl/Key.pem)", "true"},
                             Case{"fd.name exists", "true"},
                             Case{"not fd.name exists", "false"}}));

// An open with O_RDONLY|O_CLOEXEC.
TEST(OfNames, AreComparedAsTextAndAsNumber) {
  const auto act = Act::Open("/a", O_CLOEXEC);
  for (const Case& c : std::vector<Case>{
           {"evt.arg.flags contains O_CLOEXEC", "true"},
           {"evt.arg.flags contains O_CREAT", "false"},
           {"evt.arg.flags = 'O_RDONLY|O_CLOEXEC'", "true"},
           {"evt.arg.flags = O_CLOEXEC", "false"},
           {"evt.arg.flags = 0x80000", "true"},
           {"evt.arg.flags != 0x80000", "false"},
           {"evt.arg.flags in (O_CREAT, 524288)", "true"},
           {"evt.arg.flags in (O_CREAT, 1)", "false"},
           {"evt.arg.flags > 0", "true"},
           {"evt.arg.flags startswith O_RDONLY", "true"},
           {"evt.arg.request = PTRACE_ATTACH", "false"},
       }) {
    EXPECT_EQ(Ask(c.condition, act->event), c.answer) << c.condition;
  }
}

INSTANTIATE_TEST_SUITE_P(Glob, OfOpen,
                         testing::ValuesIn(std::vector<Case>{
                             Case{"fd.name glob /etc/*.pem", "true"},  // * crosses /
                             Case{"fd.name glob '/etc/ssl/???.pem'", "true"},
                             Case{"fd.name glob '/etc/ssl/??.pem'", "false"},
                             Case{"fd.name glob '/etc/ssl/[J-L]ey.pem'", "true"},
                             Case{"fd.name glob '/etc/ssl/[!K]ey.pem'", "false"},
                             Case{"fd.name glob '/etc/ssl/[[:upper:]]ey.*'", "true"},
                             Case{"fd.name glob '/ETC/*'", "false"},
                             Case{"fd.name iglob '/ETC/*key.PEM'", "true"},
                             Case{"fd.name glob *", "true"}, Case{"fd.name glob ''", "false"},
                             Case{"fd.name glob /etc", "false"}}));

INSTANTIATE_TEST_SUITE_P(
    Pmatch, OfOpen,
    testing::ValuesIn(std::vector<Case>{
        Case{"fd.name pmatch (/etc)", "true"}, Case{"fd.name pmatch (/usr, /etc/ssl)", "true"},
        Case{"fd.name pmatch (/etc/ssl/Key.pem)", "true"},
        Case{"fd.name pmatch (/etc/ssl/Key.pem/x)", "false"},
        Case{"fd.name pmatch (/etc/ss)", "false"}, Case{"fd.name pmatch (/etc/)", "true"},
        Case{"fd.name pmatch (/)", "true"}, Case{"fd.name pmatch (/*/ssl)", "true"},
        Case{"fd.name pmatch (/e?c/s*)", "true"}, Case{"fd.name pmatch (/*/*/*/*)", "false"}}));

INSTANTIATE_TEST_SUITE_P(Regex, OfOpen,
                         testing::ValuesIn(std::vector<Case>{
                             Case{"fd.name regex '/etc/.*'", "true"},
                             Case{"fd.name regex 'etc'", "false"},  // the whole value
                             Case{"fd.name regex '.*etc.*'", "true"},
                             Case{"fd.name regex '(?i)/ETC/SSL/[a-z]+\\\\.pem'", "true"},
                             Case{"fd.name regex \"/etc/(ssl|tls)/\\\\w+[.]pem\"", "true"}}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, OfOpen,
    testing::ValuesIn(std::vector<Case>{
        Case{"fd.num = 3", "true"}, Case{"fd.num != 3", "false"}, Case{"fd.num = 0x3", "true"},
        Case{"fd.num >= 3", "true"}, Case{"fd.num > 3", "false"}, Case{"fd.num<4", "true"},
        Case{"fd.num <= -1", "false"}, Case{"fd.num in (1, 2, 3)", "true"},
        Case{"fd.num in (1, 2)", "false"}, Case{"fd.num exists", "true"},
        Case{"user.uid = 1000", "true"}, Case{"evt.is_open_read = true", "true"},
        Case{"evt.is_open_read=false", "false"}, Case{"evt.is_open_write != true", "true"},
        Case{"evt.is_open_write in (true, false)", "true"}}));

INSTANTIATE_TEST_SUITE_P(
    Logic, OfOpen,
    testing::ValuesIn(std::vector<Case>{
        Case{"fd.num = 3 or fd.num = 4 and fd.num = 5", "true"},  // and binds more
        Case{"(fd.num = 3 or fd.num = 4) and fd.num = 5", "false"},
        Case{"not fd.num = 4 and fd.num = 3", "true"},
        Case{"not (fd.num = 3 and fd.num = 4)", "true"}, Case{"not(fd.num = 3)", "false"},
        Case{"not not fd.num = 3", "true"}, Case{"not not not fd.num = 3", "false"},
        Case{"fd.num=3 and(fd.num=3)or(fd.num=4)", "true"}, Case{"  fd.num\n=\n3\t", "true"}}));

INSTANTIATE_TEST_SUITE_P(
    Types, OfOpen,
    testing::ValuesIn(std::vector<Case>{
        Case{"evt.type = openat", "true"}, Case{"evt.type = open", "false"},
        Case{"evt.type != open", "true"}, Case{"evt.type in (open, openat, openat2)", "true"},
        Case{"not evt.type in (open, openat)", "false"}, Case{"evt.type startswith open", "true"},
        Case{"evt.type exists", "true"}, Case{"syscall.type = openat", "true"},
        Case{"evt.type = connect", "false"}, Case{"evt.dir = <", "true"}, Case{"evt.dir=<", "true"},
        Case{"evt.dir=>", "false"}, Case{"evt.dir = > or evt.dir = <", "true"}}));

INSTANTIATE_TEST_SUITE_P(
    Processes, OfOpen,
    testing::ValuesIn(std::vector<Case>{
        Case{"proc.name = cat", "true"}, Case{"proc.pname = bash", "true"},
        Case{"proc.aname[0] = cat", "true"}, Case{"proc.aname[1] = bash", "true"},
        Case{"proc.aname = bash", "true"},  // some ancestor
        Case{"proc.aname = cat", "false"},  // not the process itself
        Case{"proc.aname in (zsh, bash)", "true"}, Case{"proc.aname[2] = bash", "false"}}));

// Absent: no event but a connection has an address. Every comparison is false, != too; not turns
// that round.
INSTANTIATE_TEST_SUITE_P(Absent, OfOpen,
                         testing::ValuesIn(std::vector<Case>{
                             Case{"fd.sip = 10.0.0.1", "false"},
                             Case{"fd.sip != 10.0.0.1", "false"},
                             Case{"not fd.sip = 10.0.0.1", "true"}, Case{"fd.sip exists", "false"},
                             Case{"not fd.sip exists", "true"}, Case{"fd.rport < 1024", "false"},
                             Case{"fd.rport >= 0", "false"}, Case{"fd.l4proto != tcp", "false"}}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, OfConnect,
    testing::ValuesIn(std::vector<Case>{
        Case{"fd.sip = 10.1.2.3", "true"}, Case{"fd.sip = ::ffff:10.1.2.3", "true"},
        Case{"fd.sip != 10.1.2.3", "false"}, Case{"fd.sip = 10.1.2.4", "false"},
        Case{"fd.sip in (\"10.0.0.0/8\")", "true"},
        Case{"fd.sip in (10.0.0.0/16, 192.168.0.0/16)", "false"},
        Case{"fd.sip = 10.1.2.0/30", "true"}, Case{"fd.sip = 2001:db8::/32", "false"},
        Case{"fd.snet = 10.0.0.0/8", "true"}, Case{"fd.sport = 443", "true"},
        Case{"fd.sport in (80, 443)", "true"}, Case{"fd.l4proto = tcp", "true"},
        Case{"fd.name = 10.9.9.9:40000->10.1.2.3:443", "true"},
        Case{"evt.type=connect and fd.typechar=4", "true"}}));

INSTANTIATE_TEST_SUITE_P(Others, OfExit,
                         testing::ValuesIn(std::vector<Case>{
                             Case{"evt.type = procexit", "true"}, Case{"fd.name exists", "false"},
                             Case{"evt.is_open_create = true", "false"},
                             Case{"not evt.is_open_create = true", "true"},
                             Case{"not evt.type in (open, openat)", "true"}}));

TEST(Operators, BytesThatAreNotUtf8CannotHide) {
  const auto act = Act::Open("/etc/\xff\xfe\nx");
  EXPECT_EQ(Ask("fd.name regex '/etc/.*'", act->event), "true");
  EXPECT_EQ(Ask("fd.name regex '(/etc/.*|/\xc3\xa9)'", act->event), "true");
  EXPECT_EQ(Ask("fd.name glob '/etc/???x'", act->event), "true");
}

TEST(Operators, Utf8PatternsCountCharacters) {
  const auto act = Act::Open("/\xc3\xa9t\xc3\xa9");
  EXPECT_EQ(Ask("fd.name regex '/\xc3\xa9t.'", act->event), "true");
}

TEST(Operators, AnOpenThroughNoSystemCallHasTheEventsType) {
  const auto act = Act::Open("/x");
  act->header().syscall = NSW_SYSCALL_NONE;
  EXPECT_EQ(Ask("evt.type = openat", act->event), "true");
  EXPECT_EQ(Ask("evt.type = open", act->event), "false");
  EXPECT_EQ(Ask("syscall.type = openat", act->event), "false");
}

}  // namespace
}  // namespace nsw::rule::test
