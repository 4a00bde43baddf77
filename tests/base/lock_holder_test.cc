// SPDX-License-Identifier: Apache-2.0
#include "engine/base/lock_holder.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/unique_fd.h"

namespace nsw {
namespace {

TEST(LockHolder, IsWhoTookTheLock) {
  const UniqueFd file(memfd_create("lock", MFD_CLOEXEC));
  ASSERT_TRUE(file.valid());
  EXPECT_EQ(LockHolder(file.get()), 0);
  ASSERT_EQ(flock(file.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(LockHolder(file.get()), getpid());
}

}  // namespace
}  // namespace nsw
