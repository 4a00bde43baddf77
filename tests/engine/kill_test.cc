// SPDX-License-Identifier: Apache-2.0
#include "engine/kill.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace nsw {
namespace {

class KillTest : public testing::Test {
 protected:
  KillTest() : child_(fork()) {
    if (child_ == 0) {
      pause();
      _exit(0);
    }
    event::Process process;
    EXPECT_TRUE(event::ProcReader().Read(static_cast<uint32_t>(child_), process));
    start_ns_ = process.start_ns;
  }
  ~KillTest() override {
    if (child_ > 0) kill(child_, SIGKILL);
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }
  pid_t child_;
  uint64_t start_ns_ = 0;
};

TEST_F(KillTest, KillsTheProcessThatWasMeant) {
  ASSERT_TRUE(KillProcess(static_cast<uint32_t>(child_), start_ns_));
  int status = 0;
  ASSERT_EQ(waitpid(child_, &status, 0), child_);
  child_ = 0;
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(KillTest, LeavesAnotherOfThatNumber) {
  EXPECT_FALSE(KillProcess(static_cast<uint32_t>(child_), start_ns_ + 1'000'000'000));
  EXPECT_FALSE(KillProcess(static_cast<uint32_t>(child_), start_ns_ - 1'000'000'000));
  EXPECT_EQ(waitpid(child_, nullptr, WNOHANG), 0) << "it lives";
}

TEST_F(KillTest, LeavesTheMachinesFirstProcessAndItself) {
  EXPECT_FALSE(KillProcess(0, 0));
  EXPECT_FALSE(KillProcess(1, 0));
  event::Process self;
  ASSERT_TRUE(event::ProcReader().Read(static_cast<uint32_t>(getpid()), self));
  EXPECT_FALSE(KillProcess(static_cast<uint32_t>(getpid()), self.start_ns));
}

}  // namespace
}  // namespace nsw
