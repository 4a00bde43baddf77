// SPDX-License-Identifier: Apache-2.0
// WorkQueue: how other threads get something done on the pipeline's thread. Post from any thread;
// Run on the pipeline's.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace nsw {

class WorkQueue {
 public:
  using Work = std::function<void()>;

  /// `wake` makes the pipeline's thread look; called after each Post.
  explicit WorkQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// False: the queue is closed, the work will not be done.
  bool Post(Work work) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      waiting_.push_back(std::move(work));
    }
    wake_();
    return true;
  }

  /// Posts and waits for the result; what the work throws is thrown here. Nothing: the queue was
  /// closed before the work was done.
  template <typename F>
  auto Ask(F work) -> std::optional<decltype(work())> {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto answer = task->get_future();
    Post([task = std::move(task)] { (*task)(); });
    try {
      return answer.get();
    } catch (const std::future_error&) {  // the task was dropped
      return std::nullopt;
    }
  }

  /// No more work from now on: what waits is dropped, who asked is told. Before the threads that
  /// ask are joined by the one that runs, or both would wait for ever.
  void Close() {
    std::vector<Work> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(waiting_);
  }

  void Run() {
    std::vector<Work> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(waiting_);
    }
    for (Work& one : work) std::exchange(one, nullptr)();
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Work> waiting_;
  bool closed_ = false;
};

}  // namespace nsw
