// SPDX-License-Identifier: Apache-2.0
// What the tests of runtime sources share: a collector of what a source says, and waiting for it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/container/source.h"
#include "tests/support/slowness.h"

namespace nsw::container {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{20'000};

// Collects changes and plays the registry's part: what is there now.
class Collector {
 public:
  ChangeHandler handler() {
    return [this](Change change) { Take(std::move(change)); };
  }
  template <typename Condition>
  bool WaitFor(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return condition(*this); });
  }
  bool WaitForName(const std::string& id, const std::string& name) {
    return WaitFor(
        [&](const Collector& c) { return c.there.contains(id) && c.there.at(id).name == name; });
  }
  bool WaitForGone(const std::string& id) {
    return WaitFor(
        [&](const Collector& c) { return c.removed.contains(id) && !c.there.contains(id); });
  }
  bool WaitForSync() {
    return WaitFor([](const Collector& c) { return c.synced > 0; });
  }

  // Read inside WaitFor, or when nothing comes any more.
  std::map<std::string, Container> there;
  std::map<std::string, int> removed;
  int synced = 0;
  int nameless = 0;

 private:
  void Take(Change change) {
    const std::lock_guard lock(mutex_);
    switch (change.kind) {
      case Change::Kind::kUpsert:
        there[change.container.id] = change.container;
        break;
      case Change::Kind::kRemoved:
        there.erase(change.container.id);
        removed[change.container.id]++;
        break;
      case Change::Kind::kSynced:
        synced++;
        break;
      case Change::Kind::kNameless:
        nameless++;
        break;
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class SourceTest : public testing::Test {
 protected:
  static SourceOptions Quick(SourceOptions options) {
    options.timeout_ms = std::min(options.timeout_ms, 500L);
    options.retry_min_ms = 20;
    options.retry_max_ms = 100;
    return options;
  }
  bool WaitForState(const std::string& part) {
    const auto deadline = steady_clock::now() + kPatience;
    while (steady_clock::now() < deadline) {
      if (source_->state().find(part) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    ADD_FAILURE() << "it says: " << source_->state();
    return false;
  }
  void ExpectQuickEnd() {
    const auto begin = steady_clock::now();
    source_.reset();
    EXPECT_LT(steady_clock::now() - begin, milliseconds(1000) * test::kSlowness);
  }

  Collector collector_;
  std::unique_ptr<Source> source_;
};

}  // namespace nsw::container
