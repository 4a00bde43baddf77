// SPDX-License-Identifier: Apache-2.0
#include "engine/base/result.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "engine/base/host.h"

namespace nsw {
namespace {

TEST(FailErrno, SaysWhatTheErrorMeans) {
  const Status status = FailErrno("/run/x", ENOENT);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "/run/x: No such file or directory");
}

TEST(Fail, TakesAnySentence) {
  const Result<int> result = Fail("it is broken");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "it is broken");
}

TEST(HostName, IsNeverEmpty) { EXPECT_FALSE(HostName().empty()); }

}  // namespace
}  // namespace nsw
