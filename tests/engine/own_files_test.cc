// SPDX-License-Identifier: Apache-2.0
#include "engine/own_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace nsw {
namespace {

namespace fs = std::filesystem;
using kernel::Kept;
using kernel::OwnFile;

class OwnFilesTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(dir_ / "policies"); }
  void TearDown() override { fs::remove_all(dir_); }
  void Make(const std::string& name) const { std::ofstream(dir_ / name) << "x"; }

  fs::path dir_ = testing::TempDir() + "nsw-own-" + std::to_string(getpid());
  fs::path history_ = dir_ / "history.db";
};

TEST(CgroupFolders, AreThoseOfTheProcessAndAbove) {
  EXPECT_EQ(CgroupFolders("0::/system.slice/nswarden.service\n"),
            (std::vector<fs::path>{"/sys/fs/cgroup/system.slice/nswarden.service",
                                   "/sys/fs/cgroup/unified/system.slice/nswarden.service",
                                   "/sys/fs/cgroup/system.slice",
                                   "/sys/fs/cgroup/unified/system.slice"}));
  EXPECT_EQ(CgroupFolders("4:freezer:/a\n0::/\n"),
            (std::vector<fs::path>{"/sys/fs/cgroup/freezer/a"}));
}

TEST(CgroupFolders, LeaveTheRootAndWhatIsNoLineAlone) {
  EXPECT_TRUE(CgroupFolders("0::/\n").empty()) << "it is everybody's";
  EXPECT_TRUE(CgroupFolders("").empty());
  EXPECT_TRUE(CgroupFolders("nonsense\n:\n").empty());
}

TEST_F(OwnFilesTest, AFolderIsTheHistorysWhereNothingElseIs) {
  fs::remove(dir_ / "policies");
  Make("history.db");
  Make("history.db-wal");
  EXPECT_TRUE(IsHistorysAlone(history_));
  Make("other");
  EXPECT_FALSE(IsHistorysAlone(history_)) << "/tmp, for one";
  EXPECT_FALSE(IsHistorysAlone(dir_ / "nowhere" / "history.db"));
}

TEST_F(OwnFilesTest, HoldsWhatTheConfigurationNames) {
  Make("one.yaml");
  Config config;
  config.file = dir_ / "nswarden.yaml";
  config.policies = {dir_ / "policies", dir_ / "one.yaml"};
  config.history = history_;
  config.run_directory = dir_ / "run";
  const std::vector<OwnFile> files = OwnFiles(config);
  const auto has = [&](const fs::path& path, Kept kept) {
    return std::ranges::find(files, OwnFile{path, kept}) != files.end();
  };
  EXPECT_TRUE(has(config.file, Kept::kFile));
  EXPECT_TRUE(has(dir_ / "policies", Kept::kFolder));
  EXPECT_TRUE(has(dir_ / "one.yaml", Kept::kFile));
  EXPECT_TRUE(has(dir_ / "run", Kept::kFolder));
  EXPECT_TRUE(has(history_, Kept::kFile));
  EXPECT_TRUE(has(history_.string() + "-wal", Kept::kFile));
  EXPECT_FALSE(has(dir_, Kept::kFolder)) << "others have files there";
  config.history.clear();
  for (const OwnFile& file : OwnFiles(config)) EXPECT_NE(file.path, "");
}

}  // namespace
}  // namespace nsw
