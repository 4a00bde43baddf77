// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>

#include "tests/support/slowness.h"

namespace nsw::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Alert Numbered(uint64_t n) {
  Alert alert;
  alert.event_id = n;
  return alert;
}

// What the test sees of a sink, which may outlive it.
struct Seen {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<uint64_t> written;
  bool held = false;  // Write waits
  bool stopped = false;

  void Release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
};

class FakeSink final : public Sink {
 public:
  FakeSink(std::shared_ptr<Seen> seen, std::function<Status(uint64_t)> answer)
      : seen_(std::move(seen)), answer_(std::move(answer)) {}
  std::string name() const override { return "fake"; }
  Status Write(const Alert& alert) override {
    std::unique_lock lock(seen_->mutex);
    seen_->changed.wait(lock, [this] { return !seen_->held; });
    seen_->written.push_back(alert.event_id);
    seen_->changed.notify_all();
    return answer_(alert.event_id);
  }
  void Stop() override {
    const std::lock_guard lock(seen_->mutex);
    seen_->stopped = true;
  }

 private:
  std::shared_ptr<Seen> seen_;
  std::function<Status(uint64_t)> answer_;
};

std::unique_ptr<Sink> Fake(
    std::shared_ptr<Seen> seen,
    std::function<Status(uint64_t)> answer = [](uint64_t) { return Status{}; }) {
  return std::make_unique<FakeSink>(std::move(seen), std::move(answer));
}

TEST(DispatcherTest, DeliversEverythingInOrderToEverySink) {
  const auto one = std::make_shared<Seen>();
  const auto two = std::make_shared<Seen>();
  {
    Dispatcher dispatcher;
    dispatcher.Add(Fake(one));
    dispatcher.Add(Fake(two));
    for (uint64_t n = 0; n < 1000; n++) dispatcher.Post(Numbered(n));
  }
  ASSERT_EQ(one->written.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(one->written));
  EXPECT_EQ(two->written, one->written);
  EXPECT_TRUE(one->stopped);
}

TEST(DispatcherTest, ASlowSinkHoldsUpNeitherThePosterNorTheOthers) {
  const auto slow = std::make_shared<Seen>();
  const auto quick = std::make_shared<Seen>();
  slow->held = true;
  Dispatcher dispatcher(8);
  dispatcher.Add(Fake(slow));
  dispatcher.Add(Fake(quick));
  const auto begin = steady_clock::now();
  for (uint64_t n = 0; n < 100; n++) {
    dispatcher.Post(Numbered(n));
    std::unique_lock lock(quick->mutex);
    quick->changed.wait(lock, [&] { return quick->written.size() == n + 1; });
  }
  EXPECT_LT(steady_clock::now() - begin, milliseconds(3000) * test::kSlowness);
  const std::vector<SinkStats> stats = dispatcher.Stats();
  EXPECT_EQ(stats[0].queued, 8U);
  EXPECT_EQ(stats[0].lost_queue_full, 92U);
  EXPECT_EQ(stats[0].written, 0U);
  EXPECT_EQ(stats[1].lost_queue_full, 0U);
  slow->Release();
}

TEST(DispatcherTest, CountsFailuresAndGoesOn) {
  const auto seen = std::make_shared<Seen>();
  Dispatcher dispatcher;
  dispatcher.Add(Fake(seen, [](uint64_t n) -> Status {
    if (n == 1) return Fail("no");
    if (n == 2) throw std::runtime_error("oh");
    return {};
  }));
  for (uint64_t n = 0; n < 4; n++) dispatcher.Post(Numbered(n));
  SinkStats stats;
  do {
    stats = dispatcher.Stats()[0];
  } while (stats.queued != 0);
  EXPECT_EQ(stats.name, "fake");
  EXPECT_EQ(stats.written, 2U);
  EXPECT_EQ(stats.lost_failed, 2U);
  EXPECT_EQ(stats.last_error, "fake: oh");
}

// What is logged while it lives.
class Log {
 public:
  Log() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
    spdlog::set_pattern("%v");
  }
  ~Log() { spdlog::set_default_logger(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
};

TEST(DispatcherTest, TheLogTellsOfLossesButNotOfEach) {
  const Log log;
  const auto seen = std::make_shared<Seen>();
  {
    Dispatcher dispatcher;
    dispatcher.Add(Fake(seen, [](uint64_t) -> Status { return Fail("nobody there"); }));
    for (uint64_t n = 0; n < 40; n++) {
      dispatcher.Post(Numbered(n));
      std::unique_lock lock(seen->mutex);
      seen->changed.wait(lock, [&] { return seen->written.size() == n + 1; });
    }
  }
  EXPECT_EQ(log.text(),
            "1 alert not delivered; fake: nobody there\n"
            "39 alerts not delivered; fake: nobody there\n");
}

TEST(DispatcherTest, WhatFailsWhileItEndsIsTold) {
  const Log log;
  const auto seen = std::make_shared<Seen>();
  seen->held = true;  // until it is told to stop
  std::thread releaser([&] {
    std::unique_lock lock(seen->mutex);
    while (!seen->stopped) seen->changed.wait_for(lock, milliseconds(1));
    seen->held = false;
    seen->changed.notify_all();
  });
  {
    Dispatcher dispatcher;
    dispatcher.Add(Fake(seen, [](uint64_t n) -> Status {
      if (n == 0) return {};
      return Fail("nobody there");
    }));
    for (uint64_t n = 0; n < 42; n++) dispatcher.Post(Numbered(n));
  }
  releaser.join();
  EXPECT_EQ(log.text(), "41 alerts not delivered; fake: nobody there\n");
}

TEST(DispatcherTest, TheCountsAddUpUnderLoadFromManyThreads) {
  const auto seen = std::make_shared<Seen>();
  Dispatcher dispatcher(16);
  dispatcher.Add(Fake(seen));
  std::atomic<bool> done{false};
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; t++) {
    posters.emplace_back([&] {
      for (uint64_t n = 0; n < 2000; n++) dispatcher.Post(Numbered(n));
    });
  }
  std::thread reader([&] {
    while (!done) EXPECT_EQ(dispatcher.Stats().size(), 1U);
  });
  for (std::thread& poster : posters) poster.join();
  done = true;
  reader.join();
  const SinkStats stats = dispatcher.Stats()[0];
  EXPECT_EQ(stats.written + stats.lost_queue_full + stats.lost_failed + stats.queued, 8000U);
}

TEST(DispatcherTest, ASinkThatHangsForEverIsLeftBehind_A5) {
  const auto seen = std::make_shared<Seen>();
  seen->held = true;
  const auto begin = steady_clock::now();
  {
    Dispatcher dispatcher;
    dispatcher.Add(Fake(seen));
    for (uint64_t n = 0; n < 3; n++) dispatcher.Post(Numbered(n));
  }
  EXPECT_LT(steady_clock::now() - begin, milliseconds(5900) * test::kSlowness);
  seen->Release();
  std::unique_lock lock(seen->mutex);
  seen->changed.wait(lock, [&] { return !seen->written.empty(); });
  EXPECT_EQ(seen->written.size(), 1U) << "the rest was given up";
}

TEST(DispatcherTest, WithoutSinksNothingHappens) {
  Dispatcher dispatcher;
  dispatcher.Post(Numbered(1));
  EXPECT_TRUE(dispatcher.Stats().empty());
}

}  // namespace
}  // namespace nsw::alert
