// SPDX-License-Identifier: Apache-2.0
// What policies would have refused of the acts that a history holds.
#include "store/against.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <cerrno>

#include "store/replay.h"
#include "store/sql.h"
#include "tests/store/acts.h"

namespace nsw::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AgainstTest : public HistoryTest {
 protected:
  AgainstTest() { Open(); }

  /// Each refusal as "CONTAINER LIST OBJECT COUNT RULE".
  std::vector<std::string> Refused(const std::string& policy) {
    writer_->Flush();
    const rule::Loaded loaded = rule::LoadPolicyText("nswarden: 1\npolicy: p\n" + policy, "p.yaml");
    EXPECT_NE(loaded.set, nullptr)
        << (loaded.diagnostics.empty() ? "" : loaded.diagnostics[0].Text());
    if (loaded.set == nullptr) return {};
    auto against = HoldAgainst(options_.path, *loaded.set, since_);
    EXPECT_TRUE(against) << against.error().message;
    if (!against) return {};
    against_ = std::move(*against);
    std::vector<std::string> texts;
    for (const WouldRefuse& one : against_.refusals) {
      texts.push_back(one.container + " " + one.list + " " + one.object + " " +
                      std::to_string(one.count) + " " + one.rule->name);
    }
    return texts;
  }
  static Act Exec(std::string_view path, uint64_t at) {
    Act act(event::Type::k_exec);
    act.Text("exe", path).Text("file", path).At(at);
    act.process().exepath = path;
    return act;
  }
  static Act Inet(std::string_view address, uint16_t port) {
    Act act = Act::Connect(address, port);
    act.as<nsw_event_connect>().family = AF_INET;
    act.as<nsw_event_connect>().protocol = IPPROTO_TCP;
    return act;
  }

  std::optional<uint64_t> since_;
  Against against_;
};

TEST_F(AgainstTest, ListsEachDistinctActWithItsRule) {
  for (int i = 0; i < 3; i++) Record(Act::Open("/etc/shadow"));
  Record(Act::Open("/etc/passwd"));
  Record(Inet("10.1.2.3", 443));
  Act renamed(event::Type::k_rename);
  Record(renamed.Text("path", "/data/a").Text("to", "/etc/b"));
  EXPECT_THAT(Refused("deny:\n  read: [/etc/shadow]\n  connect: ['10.0.0.0/8:443/tcp']\n"
                      "  rename: [/etc/**]\n"),
              ElementsAre("web read /etc/shadow 3 p/read//etc/shadow",
                          "web connect 10.1.2.3:443 1 p/connect/10.0.0.0/8:443/tcp",
                          "web rename /data/a /etc/b 1 p/rename//etc/**"));
  EXPECT_EQ(against_.acts, 6U);
  EXPECT_EQ(against_.unreadable, 0U);
}

TEST_F(AgainstTest, AnOpenIsWhatItsFlagsSay) {
  Act write = Act::Open("/data/a");
  write.as<nsw_event_open>().flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  Record(write);
  EXPECT_THAT(Refused("deny: {read: [/data/**]}\n"), IsEmpty());
  EXPECT_THAT(Refused("deny: {write: [/data/**]}\n"),
              ElementsAre("web write /data/a 1 p/write//data/**"));
  EXPECT_THAT(Refused("deny: {create: [/data/**]}\n"), IsEmpty()) << "it was there";
}

TEST_F(AgainstTest, WhatAnAllowListLeavesOut) {
  Record(Exec("/usr/sbin/nginx", kNoon));
  Record(Exec("/bin/sh", kNoon + kSecond));
  EXPECT_THAT(Refused("allow: {exec: [/usr/sbin/nginx]}\n"),
              ElementsAre("web allow/exec /bin/sh 1 p/allow/exec"));
}

TEST_F(AgainstTest, OfTheContainersThatThePolicyIsFor) {
  Record(Act::Open("/etc/shadow"));
  EXPECT_EQ(Refused("images: [nginx]\ndeny: {read: [/etc/shadow]}\n").size(), 1U);
  EXPECT_EQ(Refused("images: ['nginx:1.26']\ndeny: {read: [/etc/shadow]}\n").size(), 0U);
  EXPECT_EQ(Refused("containers: [web]\ndeny: {read: [/etc/shadow]}\n").size(), 1U);
  EXPECT_EQ(Refused("mode: off\ndeny: {read: [/etc/shadow]}\n").size(), 0U);
  EXPECT_THAT(against_.left_out, IsEmpty());
  EXPECT_EQ(Refused("privileged: false\ndeny: {read: [/etc/shadow]}\n").size(), 0U);
  EXPECT_THAT(against_.left_out, ElementsAre("p"));
  EXPECT_EQ(Refused("host: true\ndeny: {read: [/etc/shadow]}\n").size(), 0U);
  EXPECT_THAT(against_.left_out, ElementsAre("p"));
}

TEST_F(AgainstTest, WhatFailedOrWasLongAgoIsLeft) {
  Act failed = Act::Open("/etc/shadow");
  failed.header().result = -ENOENT;
  Record(failed);
  const std::string policy = "deny: {read: [/etc/shadow], connect: [10.0.0.0/8]}\n";
  EXPECT_THAT(Refused(policy), IsEmpty());
  Act on_its_way = Inet("10.0.0.1", 80);
  on_its_way.header().result = -EINPROGRESS;
  Record(on_its_way);
  EXPECT_EQ(Refused(policy).size(), 1U);
  since_ = kNoon + 3600 * kSecond;
  EXPECT_THAT(Refused(policy), IsEmpty());
}

TEST_F(AgainstTest, AStartupLastsUntilItsProgramRan) {
  Record(Exec("/entrypoint", kNoon));
  Record(Act::Open("/etc/a").At(kNoon + kSecond));
  Record(Exec("/usr/sbin/nginx", kNoon + 2 * kSecond));
  Record(Act::Open("/etc/b").At(kNoon + 3 * kSecond));
  const std::string lists =
      "deny: {read: [{path: /etc/**, except: {when: startup}}], exec: [{path: /**, except: {when: "
      "startup}}]}\n";
  EXPECT_THAT(Refused("startup: {until: {exec: /usr/sbin/nginx}}\n" + lists),
              ElementsAre("web read /etc/b 1 p/read//etc/**"));
  EXPECT_EQ(Refused("startup: {until: {exec: /not/there}}\n" + lists).size(), 4U)
      << "its end is not in the history: all counts as running";
}

TEST_F(AgainstTest, ByWhomItWasDone) {
  Record(Act::Open("/etc/shadow"));
  EXPECT_EQ(Refused("deny: {read: [{path: /etc/shadow, by: /usr/sbin/nginx}]}\n").size(), 1U);
  EXPECT_EQ(Refused("deny: {read: [{path: /etc/shadow, by: /bin/cat}]}\n").size(), 0U);
  EXPECT_EQ(Refused("deny: {read: [{path: /etc/shadow, ancestor: /bin/sh}]}\n").size(), 1U);
  EXPECT_EQ(Refused("deny: {read: [{path: /etc/shadow, when: joined}]}\n").size(), 0U);
}

TEST_F(AgainstTest, SaysWhichEventsTheHistoryHasNoneOf) {
  (void)Refused("deny: {socket: [packet], read: [/a]}\n");
  EXPECT_THAT(against_.unrecorded, ElementsAre("socket"));
}

TEST_F(AgainstTest, WhatIsNotUtf8IsJudged) {
  Record(Act::Open("/etc/a\xff\xfe.\xc3\xbc"));
  EXPECT_EQ(Refused("deny: {read: ['**/*.\xc3\xbc']}\n").size(), 1U);
  EXPECT_EQ(against_.unreadable, 0U);
}

TEST_F(AgainstTest, WhatCannotBeReadIsCounted) {
  Record(Act::Open("/etc/a"));
  writer_->Flush();
  auto database = Database::Open(options_.path, SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(database->Exec("UPDATE events SET detail = '{'"));
  EXPECT_THAT(Refused("deny: {read: [/etc/**]}\n"), IsEmpty());
  EXPECT_EQ(against_.unreadable, 1U);
}

TEST_F(AgainstTest, NoHistoryIsAnError) {
  const rule::Loaded loaded = rule::LoadPolicyText("nswarden: 1\npolicy: p\n", "p.yaml");
  EXPECT_FALSE(HoldAgainst(folder_ / "none.db", *loaded.set, {}));
}

}  // namespace
}  // namespace nsw::store
