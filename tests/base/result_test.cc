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

TEST(ReadHostNamespaces, AreThoseOfProcessOne) {
  struct stat mount {};
  if (stat("/proc/1/ns/mnt", &mount) != 0) GTEST_SKIP() << "needs root";
  const auto host = ReadHostNamespaces();
  ASSERT_TRUE(host);
  EXPECT_EQ(host->mount, static_cast<uint32_t>(mount.st_ino));
  EXPECT_NE(host->pid, 0U);
  EXPECT_NE(host->pid, host->mount);
}

TEST(HostName, IsNeverEmpty) { EXPECT_FALSE(HostName().empty()); }

}  // namespace
}  // namespace nsw
