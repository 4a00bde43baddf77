// SPDX-License-Identifier: Apache-2.0
// Recording, reading the ledger and querying at once.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/store/acts.h"

namespace nsw::store {
namespace {

TEST_F(HistoryTest, TheLedgerBalancesWhileAllIsBusy) {
  options_.flush_interval_ms = 1;
  options_.queue_bytes = 256 << 10;  // small, so that some find no room
  Open();
  std::atomic<bool> done{false};
  std::thread watcher([&] {
    while (!done) {
      ExpectBalance();
      (void)Query(options_.path, {.limit = 10});
    }
  });
  std::thread operators([&] {
    for (int i = 0; i < 100; i++) {
      writer_->RecordOperation("deny", "something", 0, 1);
      if (i % 10 == 0) writer_->Flush();
    }
  });
  constexpr uint64_t kEvents = 20000;
  alert::Alert alert{.time_ns = kNoon, .rule = "r", .output = "o"};
  for (uint64_t i = 0; i < kEvents; i++) {
    Act act = Act::Open("/file" + std::to_string(i % 3000)).At(kNoon + i);
    const event::Event& event = act.event();
    writer_->RecordEvent(event, alert::Verdict::kNone, nullptr);
    if (i % 100 == 0) writer_->RecordAlert(alert, event);
  }
  operators.join();
  writer_->Flush();
  done = true;
  watcher.join();
  const WriterStats stats = writer_->Stats();
  EXPECT_EQ(stats.recorded, kEvents);
  EXPECT_EQ(stats.pending, 0U);
  uint64_t sum = 0;
  for (const Row& row : Rows({.event = "open", .limit = 0})) sum += row.count;
  EXPECT_EQ(sum, stats.stored);
  EXPECT_EQ(Rows({.event = "operation"}).size(), 100U);
  ExpectBalance();
}

}  // namespace
}  // namespace nsw::store
