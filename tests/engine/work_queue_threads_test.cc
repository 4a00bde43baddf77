// SPDX-License-Identifier: Apache-2.0
#include "engine/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace nsw {
namespace {

// The pipeline's thread, in small.
class Runner {
 public:
  explicit Runner(WorkQueue& queue)
      : thread_([this, &queue] {
          while (!stop_) {
            queue.Run();
            std::this_thread::yield();
          }
        }) {}
  ~Runner() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(WorkQueue, EachPostIsDoneOnceAndInOrder) {
  std::atomic<int> wakes = 0;
  WorkQueue queue([&] { wakes++; });
  std::vector<std::vector<int>> done(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < done.size(); t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; i++) queue.Post([&done, t, i] { done[t].push_back(i); });
    });
  }
  {
    const Runner runner(queue);
    for (std::thread& thread : threads) thread.join();
  }
  queue.Run();
  EXPECT_EQ(wakes, 4000);
  for (const auto& one : done) {
    ASSERT_EQ(one.size(), 1000U);
    EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  }
}

TEST(WorkQueue, AskGivesTheAnswerOfTheOtherThread) {
  WorkQueue queue([] {});
  const Runner runner(queue);
  EXPECT_EQ(queue.Ask([] { return std::this_thread::get_id(); }), runner.id());
}

TEST(WorkQueue, WhatTheWorkThrowsReachesWhoAsked) {
  WorkQueue queue([] {});
  const Runner runner(queue);
  EXPECT_THROW(queue.Ask([]() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(queue.Ask([] { return 1; }), 1) << "the runner goes on";
}

TEST(WorkQueue, WorkMayPostWork) {
  WorkQueue queue([] {});
  int done = 0;
  queue.Post([&] { queue.Post([&] { done++; }); });
  queue.Run();
  EXPECT_EQ(done, 0) << "in the next round, or a flood of work would starve the events";
  queue.Run();
  EXPECT_EQ(done, 1);
}

TEST(WorkQueue, WhoAsksAClosedQueueIsTold) {
  WorkQueue queue([] {});
  queue.Close();
  EXPECT_EQ(queue.Ask([] { return 1; }), std::nullopt);
  EXPECT_FALSE(queue.Post([] { FAIL() << "done all the same"; }));
  queue.Run();
}

TEST(WorkQueue, ClosingEndsTheWaitOfThoseWhoAsked) {
  std::atomic<int> posted = 0;
  WorkQueue queue([&] { posted++; });
  std::atomic<int> told = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; i++) {
    askers.emplace_back([&] { told += !queue.Ask([] { return 1; }).has_value(); });
  }
  while (posted < 4) std::this_thread::yield();
  queue.Close();  // and nobody ever runs it
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(told, 4);
}

TEST(WorkQueue, ClosingWhileOthersAskLosesNobody) {
  for (int round = 0; round < 200; round++) {
    WorkQueue queue([] {});
    std::thread asker([&] {
      while (queue.Ask([] { return 1; }).has_value()) {
      }
    });
    for (int i = 0; i < 10; i++) queue.Run();
    queue.Close();
    asker.join();
  }
  SUCCEED() << "a lost one would have hung";
}

}  // namespace
}  // namespace nsw
