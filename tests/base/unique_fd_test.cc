// SPDX-License-Identifier: Apache-2.0
#include "engine/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace nsw {
namespace {

int Open() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesAtItsEnd) {
  const int raw = Open();
  {
    const UniqueFd fd(raw);
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(UniqueFd, HasNothingAtFirst) {
  const UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, HandsOverOwnership) {
  const int raw = Open();
  UniqueFd from(raw);
  UniqueFd to(std::move(from));
  EXPECT_EQ(to.get(), raw);
  EXPECT_TRUE(IsOpen(raw));
  const int other = Open();
  to = UniqueFd(other);
  EXPECT_FALSE(IsOpen(raw)) << "what it had before is closed";
  EXPECT_TRUE(IsOpen(other));
}

TEST(UniqueFd, SurvivesAssignmentOfItself) {
  UniqueFd fd(Open());
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(fd.valid());
  EXPECT_TRUE(IsOpen(fd.get()));
}

}  // namespace
}  // namespace nsw
