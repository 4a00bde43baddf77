// SPDX-License-Identifier: Apache-2.0
// Deny entries: what they are lowered to, and of which acts they speak.
#include <gmock/gmock.h>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;

std::string Show(const DenyKey& k) {
  static constexpr const char* kKinds[] = {"path ",      "below ",      "name ",      "suffix ",
                                           "hole-path ", "hole-below ", "net ",       "abstract ",
                                           "socket ",    "capability ", "operation ", "origin "};
  const std::string kind = kKinds[static_cast<int>(k.kind)];
  if (k.kind == DenyKind::kHolePath || k.kind == DenyKind::kHoleBelow)
    return kind + k.path + " " + std::to_string(k.hole);
  if (k.kind < DenyKind::kNet || k.kind == DenyKind::kAbstract) return kind + k.path;
  if (k.kind != DenyKind::kNet) return kind + std::to_string(k.number);
  nsw_addr address;
  std::copy(k.net.address.begin(), k.net.address.end(), address.b);
  return event::AddressText(address) + "/" + std::to_string(k.net.prefix) + " " +
         std::to_string(k.net.port_low) + "-" + std::to_string(k.net.port_high) + " " +
         std::to_string(k.net.protocol);
}

std::vector<std::string> ShowAll(std::string_view deny_class, std::string_view entry) {
  const auto parsed = ParseDenyEntry(deny_class, entry);
  EXPECT_TRUE(parsed.has_value()) << entry << ": " << parsed.error().message;
  std::vector<std::string> all;
  if (!parsed) return all;
  for (const DenyKey& key : parsed->second.keys) all.push_back(Show(key));
  return all;
}

TEST(DenyEntry, Paths) {
  EXPECT_THAT(ShowAll("exec", "/bin/sh"), ElementsAre("path /bin/sh"));
  EXPECT_THAT(ShowAll("exec", "/bin//./sh"), ElementsAre("path /bin/sh"));
  EXPECT_THAT(ShowAll("write", "/etc/**"), ElementsAre("below /etc"));
  EXPECT_THAT(ShowAll("write", "/etc/"), ElementsAre("path /etc", "below /etc"));
  EXPECT_THAT(ShowAll("write", "/**"), ElementsAre("below /"));
  EXPECT_THAT(ShowAll("read", "/"), ElementsAre("path /", "below /"));
  EXPECT_THAT(ShowAll("exec", "**/nc"), ElementsAre("name nc"));
  EXPECT_THAT(ShowAll("exec", "/a b\n[x]"), ElementsAre("path /a b\n[x]"));
  EXPECT_THAT(ShowAll("read", "**/*.so"), ElementsAre("suffix .so"));
  EXPECT_THAT(ShowAll("read", "**/*.tar.gz"), ElementsAre("suffix .tar.gz"));
}

TEST(DenyEntry, OneComponentCanBeAny) {
  EXPECT_THAT(ShowAll("read", "/proc/*/environ"), ElementsAre("hole-path /proc/*/environ 1"));
  EXPECT_THAT(ShowAll("read", "/*/x"), ElementsAre("hole-path /*/x 0"));
  EXPECT_THAT(ShowAll("read", "/home/*/.ssh/**"), ElementsAre("hole-below /home/*/.ssh 1"));
  EXPECT_THAT(ShowAll("read", "/home/*/**"), ElementsAre("hole-below /home/* 1"));
  EXPECT_THAT(ShowAll("read", "/home/*/.ssh/"),
              ElementsAre("hole-path /home/*/.ssh 1", "hole-below /home/*/.ssh 1"));
  EXPECT_THAT(ShowAll("read", "/./home//*/x"), ElementsAre("hole-path /home/*/x 1"));
}

TEST(DenyEntry, WhatHasNoPath) {
  EXPECT_THAT(ShowAll("connect", "unix:/run/docker.sock"), ElementsAre("path /run/docker.sock"));
  EXPECT_THAT(ShowAll("connect", "unix:/run/**"), ElementsAre("below /run"));
  EXPECT_THAT(ShowAll("bind", "unix:@name"), ElementsAre("abstract name"));
  EXPECT_THAT(ShowAll("bind", ":80"), ElementsAre("::/0 80-80 0"));
  EXPECT_THAT(ShowAll("listen", "127.0.0.1:1-1023/tcp"), ElementsAre("127.0.0.1/128 1-1023 6"));
  EXPECT_THAT(ShowAll("socket", "packet"), ElementsAre("socket 1179647"));    // 17, any
  EXPECT_THAT(ShowAll("socket", "inet/raw"), ElementsAre("socket 131075"));   // 2, 3
  EXPECT_THAT(ShowAll("socket", "*/raw"), ElementsAre("socket 4294901763"));  // any, 3
  EXPECT_THAT(ShowAll("socket", "AF_INET/SOCK_RAW"), ElementsAre("socket 131075"));
  EXPECT_THAT(ShowAll("capabilities", "sys_module"), ElementsAre("capability 16"));
  EXPECT_THAT(ShowAll("capabilities", "CAP_SYS_ADMIN"), ElementsAre("capability 21"));
  EXPECT_THAT(ShowAll("operations", "bpf"), ElementsAre("operation 3"));
  EXPECT_THAT(ShowAll("operations", "mount"), ElementsAre("operation 0", "operation 1"));
  EXPECT_THAT(ShowAll("exec", "origin:memfd"), ElementsAre("origin 0"));
  EXPECT_THAT(ShowAll("exec", "origin:upper"), ElementsAre("origin 2"));
}

TEST(DenyEntry, OriginsAreTheKernelsFlags) {
  EXPECT_EQ(1 << static_cast<int>(DenyOrigin::k_memfd), NSW_EXE_MEMFD);
  EXPECT_EQ(1 << static_cast<int>(DenyOrigin::k_unlinked), NSW_EXE_UNLINKED);
  EXPECT_EQ(1 << static_cast<int>(DenyOrigin::k_upper), NSW_EXE_UPPER);
}

TEST(DenyEntry, Addresses) {
  EXPECT_THAT(ShowAll("connect", "10.1.2.3"), ElementsAre("10.1.2.3/128 0-65535 0"));
  EXPECT_THAT(ShowAll("connect", "10.0.0.0/8"), ElementsAre("10.0.0.0/104 0-65535 0"));
  EXPECT_THAT(ShowAll("connect", "0.0.0.0/0"), ElementsAre("0.0.0.0/96 0-65535 0"));
  EXPECT_THAT(ShowAll("connect", ":443"), ElementsAre("::/0 443-443 0"));
  EXPECT_THAT(ShowAll("connect", ":53/udp"), ElementsAre("::/0 53-53 17"));
  EXPECT_THAT(ShowAll("connect", "10.0.0.0/8:1-1023/tcp"), ElementsAre("10.0.0.0/104 1-1023 6"));
  EXPECT_THAT(ShowAll("connect", "10.0.0.0/8/tcp"), ElementsAre("10.0.0.0/104 0-65535 6"));
  EXPECT_THAT(ShowAll("connect", "2001:db8::/32"), ElementsAre("2001:db8::/32 0-65535 0"));
  EXPECT_THAT(ShowAll("connect", "[2001:db8::1]:443"), ElementsAre("2001:db8::1/128 443-443 0"));
  EXPECT_THAT(ShowAll("connect", "[2001:db8::/32]:80-90/tcp"),
              ElementsAre("2001:db8::/32 80-90 6"));
  EXPECT_THAT(ShowAll("connect", "::ffff:1.2.3.4"), ElementsAre("1.2.3.4/128 0-65535 0"));
}

TEST(DenyEntry, Refused) {
  for (const auto& [deny_class, entry] : std::vector<std::pair<const char*, std::string>>{
           {"exec", ""},
           {"exec", "sh"},
           {"exec", "./sh"},
           {"exec", "/a/../b"},
           {"exec", "/.."},
           {"exec", "/a/**/b"},
           {"exec", "**"},
           {"exec", "**/"},
           {"exec", "**/.."},
           {"exec", "/a*"},
           {"exec", "/a/?"},
           {"exec", std::string("/a\0b", 4)},
           {"exec", "/" + std::string(256, 'a')},
           {"exec", "~/x"},
           {"connect", ""},
           {"connect", "x"},
           {"connect", ":"},
           {"connect", ":0"},
           {"connect", "1.2.3"},
           {"connect", "10.0.0.0/33"},
           {"connect", "10.0.0.1/8"},
           {"connect", "1.2.3.4:"},
           {"connect", "1.2.3.4:9-8"},
           {"connect", "[::1"},
           {"connect", "[::1]x"},
           {"connect", "/tcp"},
           {"connect", "1.2.3.4:80/icmp"},
           {"connect", "localhost"},
           {"connect", "fade"},
           {"exec", "/a/*"},
           {"exec", "/*"},
           {"exec", "/a/*/*/b"},
           {"exec", "/a/b*/c"},
           {"exec", "/a/?/c"},
           {"exec", "**/*"},
           {"exec", "**/*x"},
           {"exec", "**/*.s*"},
           {"exec", "**/a/b"},
           {"exec", "/**/x"},
           {"exec", "origin:moon"},
           {"exec", "unix:/x"},
           {"read", "origin:memfd"},
           {"connect", "unix:"},
           {"connect", "unix:relative"},
           {"connect", "unix:@"},
           {"connect", "unix:@a*"},
           {"connect", "unix:@" + std::string(108, 'a')},
           {"connect", "unix:/a/*"},
           {"socket", "*"},
           {"socket", "*/*"},
           {"socket", "inet/"},
           {"socket", "moon/raw"},
           {"socket", "inet/moon"},
           {"capabilities", "cap_moon"},
           {"operations", "moon"},
           {"modify", "/x"},
           {"", "/x"}}) {
    EXPECT_FALSE(ParseDenyEntry(deny_class, entry).has_value()) << deny_class << " " << entry;
  }
  std::string deep;
  for (int i = 0; i < 300; i++) deep += "/a";
  EXPECT_FALSE(ParseDenyEntry("exec", deep).has_value());
  const std::string some = deep.substr(0, 2 * kDenyHoleDepthMax - 2);
  EXPECT_TRUE(ParseDenyEntry("exec", some + "/*/").has_value());
  EXPECT_FALSE(ParseDenyEntry("exec", some + "/a/*/").has_value());
}

TEST(DenyEntry, RunTimeEntriesAreNamed) {
  const auto parsed = ParseDenyEntry("exec", "/bin/sh");
  EXPECT_EQ(parsed->first.name, "run-time/exec//bin/sh");
  EXPECT_TRUE(parsed->first.is_deny);
  EXPECT_EQ(parsed->second.rule, parsed->first.id);
  EXPECT_EQ(parsed->second.mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(parsed->second.classes, ClassBit(DenyClass::k_exec));
  EXPECT_EQ(ParseDenyEntry("write", "/x")->second.classes, kWriteClasses);
}

/// Name of the entry that speaks of the act, "" if none.
std::string Deny(const PolicySet& set, const event::Event& event) {
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < set.policies().size(); i++) all.push_back(i);
  const RuleInfo* rule = set.MatchDeny(event, all);
  return rule == nullptr ? "" : rule->name;
}

TEST(DenyMatcher, Exec) {
  const auto set = Load("nswarden: 1\npolicy: p\ndeny: {exec: ['/tmp/**', /bin/sh, '**/nc']}\n");
  EXPECT_EQ(Deny(*set, Act::Exec("/tmp/x")->event), "p/exec//tmp/**");
  EXPECT_EQ(Deny(*set, Act::Exec("/tmp/a/b/c")->event), "p/exec//tmp/**");
  EXPECT_EQ(Deny(*set, Act::Exec("/tmp")->event), "");
  EXPECT_EQ(Deny(*set, Act::Exec("/tmpx")->event), "");
  EXPECT_EQ(Deny(*set, Act::Exec("/bin/sh")->event), "p/exec//bin/sh");
  EXPECT_EQ(Deny(*set, Act::Exec("/srv/run.sh", "/bin/sh")->event),
            "p/exec//bin/sh");  // its interpreter
  EXPECT_EQ(Deny(*set, Act::Exec("/tmp/run.sh", "/bin/bash")->event), "p/exec//tmp/**");
  EXPECT_EQ(Deny(*set, Act::Exec("/opt/bin/nc")->event), "p/exec/**/nc");
  EXPECT_EQ(Deny(*set, Act::Exec("/opt/bin/ncx")->event), "");
  EXPECT_EQ(Deny(*set, Act::Open("/tmp/x")->event), "");
}

TEST(DenyMatcher, ReadAndWrite) {
  const auto set = Load("nswarden: 1\npolicy: p\ndeny: {read: [/s], write: [/s, /e/]}\n");
  EXPECT_EQ(Deny(*set, Act::Open("/s", O_RDONLY)->event), "p/read//s");
  EXPECT_EQ(Deny(*set, Act::Open("/s", O_WRONLY)->event), "p/write//s");
  EXPECT_EQ(Deny(*set, Act::Open("/s", O_RDWR)->event), "p/read//s");  // the earlier
  EXPECT_EQ(Deny(*set, Act::Open("/s", O_RDONLY | O_PATH)->event), "");
  EXPECT_EQ(Deny(*set, Act::Open("/e", O_RDONLY)->event), "");
  EXPECT_EQ(Deny(*set, Act::Open("/e", O_WRONLY)->event), "p/write//e/");
  EXPECT_EQ(Deny(*set, Act::Open("/e/f", O_RDONLY | O_TRUNC)->event), "p/write//e/");
  EXPECT_EQ(Deny(*set, Act::Open("/e/f", O_RDONLY | O_CREAT)->event), "");  // was there
  EXPECT_EQ(Deny(*set, Act::Open("/e/f", O_RDONLY | O_CREAT, true)->event), "p/write//e/");
}

TEST(DenyMatcher, Everything) {
  const auto set = Load("nswarden: 1\npolicy: p\ndeny: {write: ['/**']}\n");
  EXPECT_EQ(Deny(*set, Act::Open("/x", O_WRONLY)->event), "p/write//**");
  EXPECT_EQ(Deny(*set, Act::Open("/", O_WRONLY)->event), "");
}

TEST(DenyMatcher, Connect) {
  const auto set = Load(
      "nswarden: 1\npolicy: p\ndeny: {connect: ['10.0.0.0/8:1-1023/tcp', '::/0', 1.2.3.4, "
      "':53/udp']}\n");
  EXPECT_EQ(Deny(*set, Act::Connect("10.1.2.3", 443)->event), "p/connect/10.0.0.0/8:1-1023/tcp");
  EXPECT_EQ(Deny(*set, Act::Connect("10.1.2.3", 1024)->event), "");
  EXPECT_EQ(Deny(*set, Act::Connect("10.1.2.3", 443, IPPROTO_UDP)->event), "");
  EXPECT_EQ(Deny(*set, Act::Connect("2001:db8::1", 1)->event), "p/connect/::/0");
  EXPECT_EQ(Deny(*set, Act::Connect("8000::1", 1)->event), "p/connect/::/0");
  EXPECT_EQ(Deny(*set, Act::Connect("::1", 1)->event), "p/connect/::/0");
  EXPECT_EQ(Deny(*set, Act::Connect("9.9.9.9", 1)->event), "");  // ::/0 is IPv6 alone
  EXPECT_EQ(Deny(*set, Act::Connect("::ffff:1.2.3.4", 1)->event), "p/connect/1.2.3.4");
  EXPECT_EQ(Deny(*set, Act::Connect("9.9.9.9", 53, IPPROTO_UDP)->event), "p/connect/:53/udp");
  EXPECT_EQ(Deny(*set, Act::Unix("/run/x")->event), "");
}

TEST(DenyMatcher, NoAddressAsADestinationIsThisHost) {
  const auto set =
      Load("nswarden: 1\npolicy: p\ndeny: {connect: ['127.0.0.0/8:80', '[::1]:81']}\n");
  EXPECT_EQ(Deny(*set, Act::Connect("0.0.0.0", 80)->event), "p/connect/127.0.0.0/8:80");
  EXPECT_EQ(Deny(*set, Act::Connect("::", 81)->event), "p/connect/[::1]:81");
  EXPECT_EQ(Deny(*set, Act::Connect("0.0.0.0", 81)->event), "");
}

TEST(DenyMatcher, ANameWithoutObjectIsNothing) {
  const auto set = Load("nswarden: 1\npolicy: p\ndeny: {read: ['/**', '**/x']}\n");
  const auto act = Act::Open("/x");
  EXPECT_NE(Deny(*set, act->event), "");
}

TEST(Plan, EnforcingGoesFirst) {
  const std::filesystem::path dir = std::filesystem::path(testing::TempDir()) / "plan";
  std::filesystem::create_directories(dir);
  const auto write = [&](const char* name, const std::string& text) {
    FILE* f = fopen((dir / name).c_str(), "w");
    fwrite(text.data(), 1, text.size(), f);
    fclose(f);
  };
  write("a.yaml", "nswarden: 1\npolicy: a\nmode: audit\ndeny: {exec: [/x, /y]}\n");
  write("b.yaml", "nswarden: 1\npolicy: b\nmode: enforce\ndeny: {exec: [/x]}\n");
  write("c.yaml", "nswarden: 1\npolicy: c\nmode: off\ndeny: {exec: [/z]}\n");
  const Loaded loaded = LoadPolicies({dir}, {.check_owner = false});
  ASSERT_NE(loaded.set, nullptr);
  const std::vector<uint32_t> all{0, 1, 2};
  const DenyPlan plan = loaded.set->Plan(all);
  ASSERT_EQ(plan.entries.size(), 3U);
  EXPECT_EQ(plan.entries[0].mode, NSW_VERDICT_DENIED);
  EXPECT_EQ(loaded.set->FindRule(plan.entries[0].rule)->name, "b/exec//x");
  EXPECT_EQ(plan.entries[1].mode, NSW_VERDICT_AUDIT);
  EXPECT_EQ(loaded.set->FindRule(plan.entries[1].rule)->name, "a/exec//x");
  EXPECT_EQ(plan.classes(), ClassBit(DenyClass::k_exec));
  EXPECT_EQ(loaded.set->MatchDeny(Act::Exec("/x")->event, all)->name, "b/exec//x");
  EXPECT_EQ(loaded.set->MatchDeny(Act::Exec("/y")->event, all)->mode, Mode::kAudit);
  EXPECT_EQ(loaded.set->MatchDeny(Act::Exec("/z")->event, all), nullptr);
  EXPECT_EQ(loaded.set->FindRule(12345), nullptr);
  EXPECT_EQ(loaded.set->Plan(std::vector<uint32_t>{0}).entries.size(), 2U);
  std::filesystem::remove_all(dir);
}

TEST(Deny, AnEntryIsARule) {
  const auto set = Load(
      "nswarden: 1\npolicy: p\nmode: enforce\ndeny:\n"
      "  exec: [{path: /a, priority: CRITICAL, tags: [x, y], output: 'no %evt.arg.file'}]\n  read: "
      "[/b]\n");
  const auto act = Act::Exec("/a");
  const uint32_t first = 0;
  const RuleInfo* rule = set->MatchDeny(act->event, {&first, 1});
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->priority, Priority::kCritical);
  EXPECT_THAT(rule->tags, ElementsAre("x", "y"));
  EXPECT_EQ(rule->mode, Mode::kEnforce);
  EXPECT_EQ(RenderOutput(*rule->output, act->event), "no /a");
  const auto open = Act::Open("/b");
  const RuleInfo* read = set->MatchDeny(open->event, {&first, 1});
  EXPECT_EQ(read->priority, Priority::kError);
  EXPECT_EQ(RenderOutput(*read->output, open->event), "cat (cat /etc/shadow) reads /b in web");
  EXPECT_TRUE(set->policies()[0].has_deny);
  EXPECT_EQ(set->policies()[0].deny_entries, 2U);
  EXPECT_EQ(set->wanted(), 1ULL << NSW_EVENT_EXEC | 1ULL << NSW_EVENT_OPEN |
                               1ULL << NSW_EVENT_RECEIVE | NSW_WANT_READS);
  EXPECT_EQ(set->WantedBy({&first, 1}), set->wanted());
  EXPECT_EQ(set->WantedBy({}), 0U);
}

}  // namespace
}  // namespace nsw::rule::test
