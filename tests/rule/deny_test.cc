// SPDX-License-Identifier: Apache-2.0
// Deny entries: what they are lowered to, and of which acts they speak.
#include <gmock/gmock.h>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;

std::vector<DenyEntry> Parse(std::string_view deny_class, std::string_view entry) {
  auto parsed = ParseDenyEntry(deny_class, entry);
  EXPECT_TRUE(parsed.has_value()) << entry << ": " << parsed.error().message;
  return parsed ? parsed->second : std::vector<DenyEntry>{};
}

std::string Show(const DenyEntry& e) {
  static constexpr const char* kKinds[] = {"path ", "below ", "name ", "net "};
  if (e.kind != DenyKind::kNet) return kKinds[static_cast<int>(e.kind)] + e.path;
  nsw_addr address;
  std::copy(e.net.address.begin(), e.net.address.end(), address.b);
  return event::AddressText(address) + "/" + std::to_string(e.net.prefix) + " " +
         std::to_string(e.net.port_low) + "-" + std::to_string(e.net.port_high) + " " +
         std::to_string(e.net.protocol);
}

std::vector<std::string> ShowAll(std::string_view deny_class, std::string_view entry) {
  std::vector<std::string> all;
  for (const DenyEntry& e : Parse(deny_class, entry)) all.push_back(Show(e));
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
  for (const auto& [deny_class, entry] :
       std::vector<std::pair<const char*, std::string>>{{"exec", ""},
                                                        {"exec", "sh"},
                                                        {"exec", "./sh"},
                                                        {"exec", "/a/../b"},
                                                        {"exec", "/.."},
                                                        {"exec", "/*/x"},
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
                                                        {"bind", ":80"}}) {
    EXPECT_FALSE(ParseDenyEntry(deny_class, entry).has_value()) << deny_class << " " << entry;
  }
  std::string deep;
  for (int i = 0; i < 300; i++) deep += "/a";
  EXPECT_FALSE(ParseDenyEntry("exec", deep).has_value());
}

TEST(DenyEntry, RunTimeEntriesAreNamed) {
  const auto parsed = ParseDenyEntry("exec", "/bin/sh");
  EXPECT_EQ(parsed->first.name, "run-time/exec//bin/sh");
  EXPECT_TRUE(parsed->first.is_deny);
  EXPECT_EQ(parsed->second[0].rule, parsed->first.id);
  EXPECT_EQ(parsed->second[0].mode, NSW_VERDICT_DENIED);
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
  EXPECT_EQ(plan.classes(), 1U << NSW_CLASS_EXEC);
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
  EXPECT_EQ(set->wanted(), 1ULL << NSW_EVENT_EXEC | 1ULL << NSW_EVENT_OPEN);
}

}  // namespace
}  // namespace nsw::rule::test
