// SPDX-License-Identifier: Apache-2.0
// Which links stay when engines follow one another. On an ordinary folder: what is pinned there are
// files to this.
#include "engine/kernel/pins.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace nsw::kernel {
namespace {

namespace fs = std::filesystem;

class PinsTest : public testing::Test {
 protected:
  PinsTest() {
    std::string name = (fs::temp_directory_path() / "nsw-pins-XXXXXX").string();
    root_ = mkdtemp(name.data());
    root_ /= "nswarden";
  }
  ~PinsTest() override { fs::remove_all(root_.parent_path()); }

  // An engine that comes up to where its links are pinned, and perhaps until it watches.
  Pins Life(uint32_t life, bool ready, const std::string& layout = "one") {
    Result<Pins> pins = Pins::Open(root_, layout);
    EXPECT_TRUE(pins) << pins.error().message;
    EXPECT_TRUE(pins->Begin(life));
    std::ofstream(root_ / layout / "links" / std::to_string(life) / "nsw_seed") << "a link";
    if (ready) {
      EXPECT_TRUE(pins->MarkReady());
    }
    return *pins;
  }
  [[nodiscard]] std::set<std::string> Lives(const std::string& layout = "one") const {
    std::set<std::string> lives;
    if (!fs::exists(root_ / layout / "links")) return lives;
    for (const auto& entry : fs::directory_iterator(root_ / layout / "links"))
      lives.insert(entry.path().filename());
    return lives;
  }

  fs::path root_;
};

TEST_F(PinsTest, TheFolderIsRootsAlone) {
  fs::create_directory(root_);
  chmod(root_.c_str(), 0755);
  ASSERT_TRUE(Pins::Open(root_, "one"));
  struct stat found {};
  ASSERT_EQ(stat(root_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0700U);
}

TEST_F(PinsTest, WhatIsTakenAwayIsMissed_A2) {
  Life(1, true);
  Pins second = Life(2, false);
  std::ofstream(root_ / "one" / "maps" / "homes") << "a map";
  ASSERT_TRUE(second.PinMap(-1, "homes")) << "an inherited one is there already";
  ASSERT_TRUE(second.MarkReady());
  EXPECT_TRUE(second.Missing().empty());
  fs::remove_all(root_);
  EXPECT_EQ(second.Missing(),
            (std::vector<fs::path>{root_ / "one" / "maps" / "homes", root_ / "one" / "ready-2"}));
  EXPECT_FALSE(second.Restore()) << "this is no BPF file system, and no map";
  EXPECT_TRUE(fs::exists(root_ / "one" / "links" / "2")) << "but the folders are there again";
}

TEST_F(PinsTest, MapsAreInheritedOnceAllAreThere) {
  Result<Pins> first = Pins::Open(root_, "one");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->inherits());
  std::ofstream(root_ / "one" / "maps" / "homes") << "of an engine that died before the others";
  Result<Pins> second = Pins::Open(root_, "one");
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->inherits());
  EXPECT_FALSE(fs::exists(root_ / "one" / "maps" / "homes"));
  ASSERT_TRUE(second->Begin(1));
  EXPECT_TRUE(Pins::Open(root_, "one")->inherits());
}

TEST_F(PinsTest, TheNextEngineTakesTheOlderOnesLinksAway) {
  Life(1, true);
  const Pins next = Life(2, true);
  EXPECT_EQ(Lives(), (std::set<std::string>{"1", "2"})) << "at no time neither";
  EXPECT_TRUE(next.has_older());
  next.DropOlder();
  EXPECT_EQ(Lives(), std::set<std::string>{"2"});
  EXPECT_FALSE(next.has_older());
}

TEST_F(PinsTest, OfEnginesThatDieAsTheyComeUpTheLastIsKept) {
  Life(1, true);
  for (uint32_t life = 2; life < 10; ++life) Life(life, false);
  EXPECT_EQ(Lives(), (std::set<std::string>{"1", "8", "9"}));
  Life(10, true);
  EXPECT_EQ(Lives(), (std::set<std::string>{"1", "9", "10"}));
}

TEST_F(PinsTest, OfEnginesThatNeverCameUpTheLastIsKept) {
  for (uint32_t life = 1; life < 5; ++life) Life(life, false);
  EXPECT_EQ(Lives(), (std::set<std::string>{"3", "4"}));
}

TEST_F(PinsTest, AnotherLayoutStaysUntilItIsTakenOver) {
  Life(7, true, "older");
  const Pins next = Life(1, true, "newer");
  EXPECT_FALSE(next.has_older());
  EXPECT_TRUE(next.has_foreign());
  EXPECT_EQ(Lives("older"), std::set<std::string>{"7"});
  next.DropOlder();
  EXPECT_FALSE(next.has_foreign());
  EXPECT_FALSE(fs::exists(root_ / "older"));
  EXPECT_EQ(Lives("newer"), std::set<std::string>{"1"});
}

TEST_F(PinsTest, AnEngineThatDoesNotComeUpLeavesTheOlderOnesInForce) {
  Life(1, true);
  Life(2, false).DropOwn();
  EXPECT_EQ(Lives(), std::set<std::string>{"1"});
  EXPECT_TRUE(Pins::Open(root_, "one")->inherits());
}

TEST_F(PinsTest, TheFirstEngineThatDoesNotComeUpLeavesNothing) {
  Life(1, false).DropOwn();
  EXPECT_FALSE(fs::exists(root_ / "one"));
}

TEST_F(PinsTest, EverythingIsRemoved) {
  Life(1, true, "older");
  Life(1, true, "newer");
  ASSERT_TRUE(Pins::RemoveAll(root_));
  EXPECT_FALSE(fs::exists(root_));
  EXPECT_TRUE(Pins::RemoveAll(root_)) << "there is nothing to remove";
}

}  // namespace
}  // namespace nsw::kernel
