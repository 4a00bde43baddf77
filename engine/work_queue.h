// SPDX-License-Identifier: Apache-2.0
// WorkQueue: how other threads get something done on the pipeline's thread. Post from any thread;
// Run on the pipeline's.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace nsw {

class WorkQueue {
 public:
  using Work = std::function<void()>;

  /// `wake` makes the pipeline's thread look; called after each Post.
  explicit WorkQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  void Post(Work work) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(work));
    }
    wake_();
  }

  /// Posts and waits for the result.
  template <typename F>
  auto Ask(F work) -> decltype(work()) {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto answer = task->get_future();
    Post([task] { (*task)(); });
    return answer.get();
  }

  void Run() {
    std::vector<Work> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(waiting_);
    }
    for (const Work& one : work) one();
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Work> waiting_;
};

}  // namespace nsw
