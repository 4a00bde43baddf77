// SPDX-License-Identifier: Apache-2.0
// Whether what is attached no longer is noticed. What is behind a descriptor is made up.
#include "engine/kernel/link_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/unique_fd.h"

namespace nsw::kernel {
namespace {

TEST(LinkWatchTest, MissesWhatIsGoneOrAnotherThanItWas_A2) {
  std::map<int, uint64_t> there = {{3, 30}, {4, 40}, {5, 50}};
  LinkWatch watch([&](int fd) { return there[fd]; });
  EXPECT_EQ(watch.Gone({3, 4, 5}), 0U);
  there[3] = 0;   // detached, or closed
  there[4] = 41;  // closed, and used again
  EXPECT_EQ(watch.Gone({3, 4, 5}), 2U);
  EXPECT_EQ(watch.Gone({3, 4, 5}), 2U) << "and still";
}

TEST(LinkWatchTest, WhatTheEngineDetachesItselfIsNotMissed) {
  std::map<int, uint64_t> there = {{3, 30}, {4, 40}};
  LinkWatch watch([&](int fd) { return there[fd]; });
  EXPECT_EQ(watch.Gone({3, 4}), 0U);
  watch.Forget();
  there[4] = 44;
  EXPECT_EQ(watch.Gone({4}), 0U);
}

TEST(LinkWatchTest, WhatWasNeverAttachedIsMissed) {
  LinkWatch watch([](int) { return uint64_t{0}; });
  EXPECT_EQ(watch.Gone({3}), 1U);
}

TEST(LinkWatchTest, AnOrdinaryFileAndAClosedOneAreNoAttachments) {
  const UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(AttachmentOf(file.get()), 0U);
  EXPECT_EQ(AttachmentOf(-1), 0U);
}

}  // namespace
}  // namespace nsw::kernel
