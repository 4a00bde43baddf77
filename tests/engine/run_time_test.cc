// SPDX-License-Identifier: Apache-2.0
// What was done to containers at run time, where an engine follows whose maps know nothing of it.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/pipeline_fixture.h"

namespace nsw {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kInit = 100;

// One engine, on maps of its own.
struct Engine {
  Engine(const fs::path& path, const std::string& boot, test::FakeProcessReader& proc,
         test::FakeClock& clock, const std::vector<kernel::HomeState>& homes)
      : file(path, boot), pipeline(Parts(proc, clock, homes)) {
    EXPECT_TRUE(binder.Use(policies));
    pipeline.Tick();
  }
  PipelineParts Parts(test::FakeProcessReader& proc, test::FakeClock& clock,
                      const std::vector<kernel::HomeState>& homes) {
    kernel.homes = homes;
    PipelineParts parts{kernel, registry, binder,     dispatcher, nullptr,
                        clock,  "host",   kHostPidns, 1024,       proc};
    parts.run_time = &file;
    return parts;
  }
  container::Binding& See(uint64_t home, uint32_t pid = kInit) {
    pipeline.Handle(test::HomeRecord().Home(home, kForeignPidns).Pid(pid, kSecond).Build());
    return *registry.Find(home);
  }
  bool Quarantined(uint64_t home) { return (kernel.flags[home] & NSW_HOME_QUARANTINED) != 0; }

  RunTimeFile file;
  test::FakeKernel kernel;
  test::FakeProcessFacts facts;
  alert::Dispatcher dispatcher;
  container::Registry registry{facts};
  PolicyBinder binder{kernel, registry};
  std::shared_ptr<test::FakePolicySet> policies = std::make_shared<test::FakePolicySet>();
  Pipeline pipeline;
};

class RunTimeTest : public testing::Test {
 protected:
  RunTimeTest() { fs::create_directories(path_.parent_path()); }
  ~RunTimeTest() override { fs::remove_all(path_.parent_path()); }
  // `homes`: in the maps that it goes on with.
  std::unique_ptr<Engine> Start(const std::string& boot = "boot",
                                const std::vector<kernel::HomeState>& homes = {}) {
    return std::make_unique<Engine>(path_, boot, proc_, clock_, homes);
  }
  // An engine that is killed after this, and whose maps nobody will understand.
  void DoAll() {
    const auto engine = Start();
    container::Binding& binding = engine->See(kHome);
    EXPECT_TRUE(engine->pipeline.PutIntoQuarantine(binding));
    EXPECT_TRUE(engine->pipeline.Deny(binding, "read", "/srv/\xff/**", 0));
    EXPECT_TRUE(engine->pipeline.Deny(binding, "write", "**/key", clock_.boot_ns + 60 * kSecond));
  }

  fs::path path_ = testing::TempDir() + "nsw-run-time-" + std::to_string(getpid()) + "/file";
  test::FakeProcessReader proc_;
  test::FakeClock clock_;
};

TEST_F(RunTimeTest, IsInForceAgainUnderAnotherEnginesMaps) {
  DoAll();
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto next = Start();
  container::Binding& binding = next->See(kHome);
  EXPECT_TRUE(next->Quarantined(kHome));
  EXPECT_TRUE(next->pipeline.quarantined(kHome));
  std::map<std::string, test::FakeDenyMaps::Pushed> pushed;
  for (const auto& one : next->kernel.maps.pushed) pushed[one.entry.keys.at(0).path] = one;
  ASSERT_EQ(pushed.size(), 2U);
  const auto& below = pushed.at("/srv/\xff");
  EXPECT_EQ(below.home, kHome);
  EXPECT_EQ(below.expires_ns, 0U);
  EXPECT_EQ(below.entry.keys[0].kind, rule::DenyKind::kBelow);
  EXPECT_EQ(below.entry.classes, rule::ClassBit(rule::DenyClass::k_read));
  EXPECT_EQ(below.entry.mode, NSW_VERDICT_DENIED);
  const auto& name = pushed.at("key");
  EXPECT_EQ(name.expires_ns, clock_.boot_ns + 60 * kSecond);
  EXPECT_EQ(name.entry.keys[0].kind, rule::DenyKind::kName);
  EXPECT_EQ(name.entry.classes, rule::kWriteClasses);
  EXPECT_EQ(next->kernel.named.at(below.entry.rule).name, "run-time/read//srv/\xff/**");
  EXPECT_EQ(next->pipeline.Release(binding).value_or(9), 2U);
  EXPECT_FALSE(next->Quarantined(kHome));
  EXPECT_FALSE(fs::exists(path_)) << "nobody is to do it again";
}

TEST_F(RunTimeTest, AllKindsOfObjectsAreKept) {
  std::vector<rule::DenyKey> keys;
  {
    const auto engine = Start();
    container::Binding& binding = engine->See(kHome);
    EXPECT_TRUE(engine->pipeline.Deny(binding, "connect", "192.0.2.1", 0));
    EXPECT_TRUE(engine->pipeline.Deny(binding, "connect", "2001:db8::1", 0));
    EXPECT_TRUE(engine->pipeline.Deny(binding, "connect", "unix:@abstract", 0));
    for (const auto& one : engine->kernel.maps.pushed) keys.push_back(one.entry.keys.at(0));
  }
  const auto next = Start();
  next->See(kHome);
  ASSERT_EQ(next->kernel.maps.pushed.size(), 3U);
  for (const rule::DenyKey& key : keys) {
    const auto same = [&](const auto& one) { return one.entry.keys.at(0) == key; };
    EXPECT_EQ(std::ranges::count_if(next->kernel.maps.pushed, same), 1) << key.path;
  }
}

TEST_F(RunTimeTest, AnEntryThatIsNotKnownHereEndsAlone) {
  DoAll();
  std::ifstream file(path_, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t at = text.find("below");
  ASSERT_NE(at, std::string::npos);
  std::ofstream(path_, std::ios::binary) << text.replace(at, 5, "other");
  const auto next = Start();
  next->See(kHome);
  EXPECT_TRUE(next->Quarantined(kHome));
  ASSERT_EQ(next->kernel.maps.pushed.size(), 1U);
  EXPECT_EQ(next->kernel.maps.pushed[0].entry.keys.at(0).path, "key");
}

TEST_F(RunTimeTest, AndUnderThoseOfTheOneAfterThat) {
  DoAll();
  (void)Start();  // one that dies before it finds anything
  Start()->See(kHome);
  const auto third = Start();
  third->See(kHome);
  EXPECT_TRUE(third->Quarantined(kHome));
  EXPECT_EQ(third->kernel.maps.pushed.size(), 2U);
}

TEST_F(RunTimeTest, WhatTheMapsKnowIsWrittenOnce) {
  DoAll();
  const nsw_home in_quarantine{.flags = NSW_HOME_QUARANTINED, .tasks = 1};
  (void)Start("boot", {{kHome, in_quarantine}, {kHome + 1, in_quarantine}});
  const auto homes = RunTimeFile(path_, "boot").Load();
  ASSERT_TRUE(homes);
  ASSERT_EQ(homes->size(), 2U);
  EXPECT_EQ(homes->at(0).home, kHome);
  EXPECT_EQ(homes->at(0).entries.size(), 2U);
  EXPECT_EQ(homes->at(1).home, kHome + 1);
  EXPECT_TRUE(homes->at(1).quarantined);
}

TEST_F(RunTimeTest, WhoIsGoneIsForgotten) {
  DoAll();
  const auto next = Start();
  next->See(kHome + 1);
  EXPECT_FALSE(next->Quarantined(kHome + 1));
  EXPECT_TRUE(next->kernel.maps.pushed.empty());
  next->pipeline.Tick();
  EXPECT_TRUE(fs::exists(path_)) << "it may be found yet";
  clock_.boot_ns += 61 * kSecond;
  next->pipeline.Tick();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(RunTimeTest, AContainerIsWaitedForUntilItIsSaidToBeOne) {
  DoAll();
  const auto next = Start();
  next->pipeline.Handle(test::HomeRecord().Home(kHome, kHostPidns).Pid(kInit, kSecond).Build());
  EXPECT_FALSE(next->Quarantined(kHome));
  clock_.boot_ns += 61 * kSecond;
  next->pipeline.Tick();
  EXPECT_TRUE(fs::exists(path_));
  next->facts.mount_namespaces[kInit] = static_cast<uint32_t>(kHome);
  container::Change change;
  change.container = {.id = kId, .name = "web", .runtime = "docker", .init_pid = kInit};
  next->pipeline.Apply(change);
  EXPECT_TRUE(next->Quarantined(kHome));
}

TEST_F(RunTimeTest, WhatHasExpiredIsOver) {
  DoAll();
  clock_.boot_ns += 60 * kSecond;
  const auto next = Start();
  next->See(kHome);
  EXPECT_EQ(next->kernel.maps.pushed.size(), 1U);
}

TEST_F(RunTimeTest, SoIsAllOfIt) {
  DoAll();
  const auto next = Start("another boot");
  next->See(kHome);
  EXPECT_FALSE(next->Quarantined(kHome));
  EXPECT_TRUE(next->kernel.maps.pushed.empty());
}

TEST_F(RunTimeTest, ReleasingAllForgetsItUntilArmed) {
  const auto engine = Start();
  EXPECT_TRUE(engine->pipeline.PutIntoQuarantine(engine->See(kHome)));
  EXPECT_TRUE(fs::exists(path_));
  engine->kernel.how = kernel::Disarmed{NSW_DISARMED_BY_HAND, 0, 0, 0, ""};
  engine->pipeline.SaveRunTime();
  EXPECT_FALSE(fs::exists(path_));
  engine->kernel.how.reset();
  engine->pipeline.SaveRunTime();
  EXPECT_TRUE(fs::exists(path_)) << "the maps refuse it again";
}

TEST_F(RunTimeTest, WhatARuleHasRefusedIsWrittenWithinASecond) {
  rule::RuleInfo rule{.id = 7, .policy = "web", .name = "r", .mode = rule::Mode::kEnforce};
  rule.deny_for_ns = 600 * kSecond;
  {
    const auto engine = Start();
    engine->policies->others = {0};
    engine->policies->match = [&](const event::Event&, std::span<const uint32_t>) { return &rule; };
    engine->See(kHome);
    engine->pipeline.Handle(test::OpenRecord("/tmp/**").Home(kHome, kForeignPidns).Build());
    EXPECT_FALSE(fs::exists(path_)) << "they may come in floods";
    engine->pipeline.Tick();
  }
  const auto next = Start();
  next->See(kHome);
  ASSERT_EQ(next->kernel.maps.pushed.size(), 1U);
  EXPECT_EQ(next->kernel.maps.pushed[0].entry.keys[0].kind, rule::DenyKind::kPath);
  EXPECT_EQ(next->kernel.maps.pushed[0].entry.keys[0].path, "/tmp/**") << "a name, and no pattern";
}

TEST_F(RunTimeTest, AFileThatIsNotUnderstoodIsAnErrorAndLeft) {
  std::ofstream(path_) << "nonsense";
  EXPECT_FALSE(RunTimeFile(path_, "boot").Load());
  Start()->See(kHome);
  EXPECT_TRUE(fs::exists(path_));
}

}  // namespace
}  // namespace nsw
