// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace nsw::kernel {
namespace {

using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class ResolveTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "resolve.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    at_ = name;
    for (const auto* sub : {"a/in", "b"}) std::filesystem::create_directories(at_ / sub);
    for (const char c : at_.string()) hole_ += c == '/' ? 1 : 0;
  }
  void TearDown() override { std::filesystem::remove_all(at_); }

  std::filesystem::path at_;
  uint32_t hole_ = 0;  // components of it
};

TEST_F(ResolveTest, AnOpenComponentIsWhatIsThere) {
  EXPECT_THAT(Resolver::Expand(getpid(), at_ / "*", hole_),
              UnorderedElementsAre(at_ / "a", at_ / "b"));
  EXPECT_THAT(Resolver::Expand(getpid(), at_ / "*/in/f", hole_),
              UnorderedElementsAre(at_ / "a/in/f", at_ / "b/in/f"));
}

TEST_F(ResolveTest, OfManyNotAll) {
  for (size_t i = 0; i <= Resolver::kExpanded; ++i)
    std::filesystem::create_directory(at_ / std::to_string(i));
  EXPECT_EQ(Resolver::Expand(getpid(), at_ / "*", hole_).size(), Resolver::kExpanded);
}

TEST_F(ResolveTest, NoDirectoryNoProcesses) {
  EXPECT_THAT(Resolver::Expand(getpid(), at_ / "none/*", hole_ + 1), IsEmpty());
  EXPECT_THAT(Resolver::Expand(getpid(), "/proc/*/environ", 1), IsEmpty());
  EXPECT_THAT(Resolver::Expand(getpid(), "/sys/*", 1), Not(IsEmpty()));
  EXPECT_THAT(Resolver::Expand(Inside(getpid(), true), "/sys/*", 1), IsEmpty()) << "mounted there";
}

}  // namespace
}  // namespace nsw::kernel
