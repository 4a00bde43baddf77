// SPDX-License-Identifier: Apache-2.0
// What the compiler tells the kernel to send: no event that some rule could match may be missing.
#include <set>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

std::string Policy(const std::string& items) { return "nswarden: 1\npolicy: p\nrules:\n" + items; }
std::string RuleOf(const std::string& condition) {
  return "- {rule: r, condition: \"" + condition + "\", output: x, priority: NOTICE}\n";
}

TEST(Wanted, EventsThatARuleCanMatchOn) {
  EXPECT_EQ(
      Load(Policy(RuleOf("evt.type = connect or evt.type in (open, openat)")))->wanted(),
      1ULL << NSW_EVENT_CONNECT | NSW_WANT_ANY_PORT | 1ULL << NSW_EVENT_OPEN | NSW_WANT_READS);
  EXPECT_EQ(Load(Policy(RuleOf("evt.type = connect and fd.sip = 1.2.3.4")))->wanted(),
            1ULL << NSW_EVENT_CONNECT | NSW_WANT_ANY_PORT);
  EXPECT_EQ(Load(Policy(RuleOf("evt.type = connect and fd.sport = 25")))->wanted(),
            1ULL << NSW_EVENT_CONNECT);
  EXPECT_EQ(Load(Policy(RuleOf("evt.type = execve and not proc.name = x")))->wanted(),
            1ULL << NSW_EVENT_EXEC);
  EXPECT_EQ(
      Load(Policy(RuleOf("not evt.type in (open, openat, openat2, open_by_handle_at, creat)")))
              ->wanted() &
          1ULL << NSW_EVENT_OPEN,
      0U);
  EXPECT_EQ(Load(Policy("- {list: l, items: []}\n"))->wanted(), 0U);
}

// Opens that do not ask to write are left out in the kernel where no rule can match on them.
TEST(Wanted, ReadsWhereARuleCanMatchThem) {
  const auto reads = [](const std::string& condition) {
    const uint64_t wanted = Load(Policy(RuleOf(condition)))->wanted();
    EXPECT_NE(wanted & 1ULL << NSW_EVENT_OPEN, 0U) << condition;
    return (wanted & NSW_WANT_READS) != 0;
  };
  EXPECT_TRUE(reads("evt.type = openat"));
  EXPECT_TRUE(reads("fd.name startswith /e"));
  EXPECT_TRUE(reads("evt.is_open_read = true"));
  EXPECT_TRUE(reads("evt.is_open_write = false"));
  EXPECT_TRUE(reads("not evt.is_open_write = true"));
  EXPECT_FALSE(reads("evt.is_open_write = true"));
  EXPECT_FALSE(reads("evt.is_open_write != false and fd.name startswith /etc"));
  EXPECT_FALSE(reads("evt.type in (open, openat) and evt.is_open_write = true"));
  EXPECT_FALSE(reads("evt.type = connect or evt.is_open_write = true"));
}

// ... and where one can match on them by certain names alone, those without such a name.
TEST(Wanted, ReadsByNameWhereThatIsEnough) {
  using Names = std::set<std::string>;
  const auto names = [](const std::string& condition) {
    const auto set = Load(Policy(RuleOf(condition)));
    EXPECT_EQ(set->wanted() & NSW_WANT_READS, 0U) << condition;
    EXPECT_EQ((set->wanted() & NSW_WANT_NAMED_READS) != 0, !set->read_names().empty()) << condition;
    return set->read_names();
  };
  EXPECT_EQ(names("fd.name = /etc/shadow"), Names{"shadow"});
  EXPECT_EQ(names("evt.is_open_write = true or fd.name = /etc/shadow"), Names{"shadow"});
  EXPECT_EQ(names("evt.is_open_write = true"), Names{});
  EXPECT_EQ(names("fd.name in (/etc/shadow, /etc/gshadow)"), (Names{"gshadow", "shadow"}));
  EXPECT_EQ(names("fd.name startswith /etc/ssh"), Names{"etc"});
  EXPECT_EQ(names("fd.name startswith /etc/sudoers.d/"), Names{"sudoers.d"});
  EXPECT_EQ(names("fd.name endswith /.aws/credentials"), Names{"credentials"});
  EXPECT_EQ(names("fd.name contains /.ssh/id_"), Names{".ssh"});
  EXPECT_EQ(names("fd.name pmatch (/etc, /root)"), (Names{"etc", "root"}));
  EXPECT_EQ(names("fd.name pmatch (/etc/pam.d/*, /a?b/c[d]/e/*.f)"), (Names{"e", "pam.d"}));
  EXPECT_EQ(names("fd.directory = /var/run"), Names{"run"});
  EXPECT_EQ(names("fd.filename = shadow"), Names{"shadow"});
  // Of what must hold together the one that says most; of what may hold each.
  EXPECT_EQ(names("fd.name in (/a/b, /a/c) and fd.name startswith /a/"), Names{"a"});
  EXPECT_EQ(names("evt.type = open and (fd.name = /x or fd.name endswith /y or fd.num = 3 and "
                  "fd.filename = z)"),
            (Names{"x", "y", "z"}));
  EXPECT_EQ(names("(fd.name = /x or fd.name = /y or proc.name = a and fd.name = /w) and not "
                  "fd.name = /z"),
            (Names{"w", "x", "y"}));
}

TEST(Wanted, AllReadsWhereNoNameIsCertain) {
  for (const std::string condition :
       {"fd.name endswith .pem", "fd.name contains shadow", "fd.name = /etc/shadow or fd.num = 3",
        "not fd.name = /etc/shadow", "fd.name != /etc/shadow", "fd.nameraw = /etc/shadow",
        "fd.name glob /etc/*", "fd.name pmatch (/etc/shadow, /e?c/s*)",
        "fd.name in (/etc/shadow, /)", "proc.name = cat"}) {
    EXPECT_NE(
        Load(Policy(RuleOf("evt.type = open and (" + condition + ")")))->wanted() & NSW_WANT_READS,
        0U)
        << condition;
  }
}

// The same of connects, by the port.
TEST(Wanted, ConnectsByPortWhereThatIsEnough) {
  const auto ports = [](const std::string& condition, const std::string& before = {}) {
    const auto set = Load(Policy(before + RuleOf(condition)));
    EXPECT_EQ(set->wanted() & NSW_WANT_ANY_PORT, 0U) << condition;
    std::string text;
    for (const Ports::Range& range : set->ports().ranges())
      text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
    return text;
  };
  EXPECT_EQ(ports("fd.sport = 25"), "25-25 ");
  EXPECT_EQ(ports("evt.type = connect and fd.rport in (25, 0x1d1, 26)"), "25-26 465-465 ");
  EXPECT_EQ(ports("evt.type = connect and fd.port > 1024 and fd.port <= 2000"), "1025-2000 ");
  EXPECT_EQ(ports("evt.type = connect and fd.sport != 443"), "0-442 444-65535 ");
  EXPECT_EQ(ports("evt.type = connect and not fd.sport in (443, 80)"), "0-79 81-442 444-65535 ");
  EXPECT_EQ(
      ports("evt.type = connect and not (fd.sport = 443 or fd.sip = 1.2.3.4 and fd.sport < 10)"),
      "0-442 444-65535 ");
  EXPECT_EQ(ports("evt.type = connect and not (proc.name = a or not fd.sport = 9)"), "9-9 ");
  EXPECT_EQ(ports("evt.type = connect and (fd.sport = 1 or proc.name = a and fd.rport = 3)"),
            "1-1 3-3 ");
  EXPECT_EQ(ports("evt.type = connect and fd.sport in (1, 2) and fd.sport in (2, 3)"), "2-2 ");
  EXPECT_EQ(
      ports("evt.type = connect and fd.sport in (mail)", "- {list: mail, items: [25, 465]}\n"),
      "25-25 465-465 ");
  EXPECT_EQ(ports("smtp and evt.type = connect", "- {macro: smtp, condition: fd.sport = 25}\n"),
            "25-25 ");
  EXPECT_EQ(ports("evt.type = connect and fd.sport = 70000"), "");
  // What speaks of no connects needs none.
  EXPECT_EQ(ports("evt.type = open"), "");
  EXPECT_EQ(ports("evt.type = bind or fd.sport = 25 and evt.type in (connect, sendto)"), "25-25 ");
}

TEST(Wanted, AllConnectsWhereNoPortIsCertain) {
  for (const std::string condition :
       {"fd.sip = 1.2.3.4", "fd.lport = 25", "fd.cport = 25", "fd.sport = 25 or proc.name = a",
        "not (fd.sport = 25 and proc.name = a)", "fd.sport exists", "fd.sport >= 0",
        "container.image.repository = x", "not container.image.repository = x"}) {
    EXPECT_NE(Load(Policy(RuleOf("evt.type = connect and (" + condition + ")")))->wanted() &
                  NSW_WANT_ANY_PORT,
              0U)
        << condition;
  }
  // One such rule is enough.
  const auto both =
      Load(Policy("- {rule: any, condition: fd.sip = 1.2.3.4, output: x, priority: INFO}\n" +
                  RuleOf("evt.type = connect and fd.sport = 25")));
  EXPECT_NE(both->wanted() & NSW_WANT_ANY_PORT, 0U);
  EXPECT_EQ(both->ports(), Ports(25, 25));
}

// What stands in the record is what a rule asks for.
TEST(Wanted, ThePortsAskedForAreTheRemoteOnesOfAConnect) {
  const auto act = Act::Connect("10.0.0.1", 25);
  for (const char* field : {"fd.port", "fd.rport", "fd.sport"})
    EXPECT_EQ(Ask(std::string(field) + " = 25", act->event), "true") << field;
}

TEST(Wanted, TheEnvironmentIsAskedForWhereARuleSpeaksOfIt) {
  EXPECT_EQ(Load(Policy(RuleOf("evt.type = execve")))->wanted() & NSW_WANT_ENVIRONMENT, 0U);
  EXPECT_NE(Load(Policy(RuleOf("proc.env[LD_PRELOAD] exists")))->wanted() & NSW_WANT_ENVIRONMENT,
            0U);
  EXPECT_NE(Load(Policy("- {rule: r, condition: evt.type = execve, output: \"%proc.env[HOME]\", "
                        "priority: INFO}\n"))
                    ->wanted() &
                NSW_WANT_ENVIRONMENT,
            0U);
}

}  // namespace
}  // namespace nsw::rule::test
