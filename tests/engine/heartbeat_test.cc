// SPDX-License-Identifier: Apache-2.0
// When it is said that something the engine relies on fails, or works again: the rules alone, and
// by way of the pipeline, which makes alerts of it.
#include "engine/heartbeat.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/pipeline_fixture.h"

namespace nsw {
namespace {

kernel::Sign Kprobe(bool works) {
  return {.what = "kprobe", .works = works, .trouble = "not called any more"};
}
kernel::Sign Pins(bool works) {
  return {.what = "pins", .works = works, .certain = true, .trouble = "gone"};
}

class HeartbeatTest : public testing::Test {
 protected:
  // One look, a second after the last. "+kprobe" if it was found to work, "-kprobe" if to fail.
  std::string Beat(const std::vector<kernel::Sign>& signs) {
    now_ns_ += kSecond;
    std::string said;
    for (const Heartbeat::Change& change : heartbeat_.Beat(signs, now_ns_)) {
      said += (change.works ? "+" : "-") + change.what;
      last_ = change.state;
    }
    return said;
  }
  // A look for each letter, '1': it works. What was said, after the letter of the look.
  std::string Course(const std::string& looks) {
    std::string all;
    for (const char look : looks) all += look + Beat({Kprobe(look == '1')});
    return all;
  }

  Heartbeat heartbeat_;
  Heartbeat::State last_;
  uint64_t now_ns_ = 100 * kSecond;
};

TEST_F(HeartbeatTest, WhatWorksIsNotSpokenOf) {
  EXPECT_FALSE(heartbeat_.well()) << "nobody has looked yet";
  EXPECT_EQ(Course("11111"), "11111");
  EXPECT_TRUE(heartbeat_.well());
  EXPECT_EQ(heartbeat_.Failing(), "");
}

TEST_F(HeartbeatTest, SilenceIsToldOnceWithinFiveSeconds_A3) {
  EXPECT_EQ(Course("11000000"), "1100-kprobe0000");
  EXPECT_EQ(heartbeat_.Failing(), "kprobe");
  EXPECT_FALSE(heartbeat_.well());
  EXPECT_EQ(last_.failing_ns, 102 * kSecond) << "since it last worked";
  EXPECT_EQ(last_.trouble, "not called any more");
}

TEST_F(HeartbeatTest, WhatNeverWorkedIsToldToo) {
  EXPECT_EQ(Course("000"), "00-kprobe0");
  EXPECT_EQ(last_.failing_ns, 101 * kSecond);
}

TEST_F(HeartbeatTest, AProgramThatWasPassedOverIsNoAlarm) {
  EXPECT_EQ(Course("10101110"), "10101110");
  EXPECT_FALSE(heartbeat_.well()) << "but no good sign for a watchdog either";
}

TEST_F(HeartbeatTest, WhatIsCertainIsToldAtOnce_A2) {
  EXPECT_EQ(Beat({Pins(true)}), "");
  EXPECT_EQ(Beat({Pins(false)}), "-pins");
  EXPECT_EQ(Beat({Pins(false)}), "");
}

TEST_F(HeartbeatTest, WorkingAgainIsToldOnceWhenItIsSteady_A3) {
  EXPECT_EQ(Course("1001111111"), "100-kprobe111111+kprobe1");
  EXPECT_TRUE(heartbeat_.well());
  EXPECT_EQ(last_.failing_ns, 101 * kSecond);
  EXPECT_EQ(last_.failures, 1U);
  EXPECT_EQ(Course("00"), "00-kprobe") << "the next failure is a new one";
}

TEST_F(HeartbeatTest, FlappingIsOneFailure) {
  EXPECT_EQ(Course("100110011110001"), "100-kprobe110011110001");
  EXPECT_EQ(Course("11111"), "11111+kprobe");
  EXPECT_EQ(last_.failures, 3U) << "how often is told in the end";
}

TEST_F(HeartbeatTest, EachIsToldByItself) {
  EXPECT_EQ(Beat({Kprobe(true), Pins(true)}), "");
  EXPECT_EQ(Beat({Kprobe(false), Pins(false)}), "-pins");
  EXPECT_EQ(Beat({Kprobe(false), Pins(true)}), "-kprobe");
  EXPECT_EQ(heartbeat_.Failing(), "kprobe, pins");
}

class PipelineHeartbeatTest : public PipelineTest {
 protected:
  void Tick(bool works) {
    kernel_.signs = {Kprobe(works)};
    clock_.boot_ns += kSecond;
    pipeline_.Tick();
  }
};

TEST_F(PipelineHeartbeatTest, FailingAndWorkingAgainAreAlertsAndOperations_A3) {
  Tick(true);
  for (int i = 0; i < 6; i++) Tick(false);
  EXPECT_EQ(pipeline_.heartbeat().Failing(), "kprobe");
  for (int i = 0; i < 8; i++) Tick(true);
  EXPECT_EQ(pipeline_.ledger().alerts, 2U);
  EXPECT_EQ(history_.operations,
            (std::vector<std::string>{"impaired kprobe: not called any more",
                                      "restored kprobe: works again, after 12s"}));
  const auto& alerts = Alerts();
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].rule, "engine impaired");
  EXPECT_EQ(alerts[0].policy, "nswarden");
  EXPECT_EQ(alerts[0].priority, rule::Priority::kCritical);
  EXPECT_EQ(alerts[0].output, "kprobe: not called any more");
  EXPECT_EQ(alerts[1].rule, "engine restored");
  EXPECT_EQ(alerts[1].priority, rule::Priority::kNotice);
}

TEST_F(PipelineHeartbeatTest, FlappingSaysHowOften) {
  Tick(true);
  for (int i = 0; i < 3; i++) Tick(false);
  Tick(true);
  Tick(false);
  for (int i = 0; i < 6; i++) Tick(true);
  EXPECT_EQ(history_.operations.back(),
            "restored kprobe: works again, after 11s in which it failed 2 times");
}

}  // namespace
}  // namespace nsw
