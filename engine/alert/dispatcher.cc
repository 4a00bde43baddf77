// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/dispatcher.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace nsw::alert {
namespace {

using std::chrono::steady_clock;

// Together the 5 s of the destructor's promise.
constexpr std::chrono::milliseconds kDrain{4000};
constexpr std::chrono::milliseconds kGrace{1000};
constexpr std::chrono::minutes kTellEvery{1};  // of losses, in the log

Status WriteOrFail(Sink& sink, const Alert& alert) {
  try {
    return sink.Write(alert);
  } catch (const std::exception& error) {
    return Fail(sink.name() + ": " + error.what());
  }
}

}  // namespace

// A sink with its queue and thread. Shared by the dispatcher and the thread: one that hangs in a
// sink for ever is left behind with it.
struct Dispatcher::Lane {
  std::unique_ptr<Sink> sink;
  std::thread thread;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<const Alert>> queue;  // the first one is being written
  SinkStats stats;
  uint64_t told = 0;  // losses that the log knows
  steady_clock::time_point next_tell{};
  bool draining = false;   // nothing will be added
  bool abandoned = false;  // nor shall anything more be written
  bool ended = false;

  void Run();
  void Count(const Status& status);
  void TellLosses(std::unique_lock<std::mutex>& lock);
};

void Dispatcher::Lane::Run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return !queue.empty() || draining; });
    if (queue.empty() || abandoned) break;
    const std::shared_ptr<const Alert> alert = queue.front();
    lock.unlock();
    const Status status = WriteOrFail(*sink, *alert);
    lock.lock();
    queue.pop_front();
    Count(status);
    if (!draining && steady_clock::now() >= next_tell) TellLosses(lock);
  }
  ended = true;
  changed.notify_all();
}

void Dispatcher::Lane::Count(const Status& status) {
  if (status) {
    stats.written++;
    return;
  }
  stats.lost_failed++;
  stats.last_error = status.error().message;
}

// Without the lock, and never from Post: where the log blocks, no event waits for it.
void Dispatcher::Lane::TellLosses(std::unique_lock<std::mutex>& lock) {
  const uint64_t lost = stats.lost_failed + stats.lost_queue_full;
  const uint64_t fresh = lost - std::exchange(told, lost);
  if (fresh == 0) return;
  next_tell = steady_clock::now() + kTellEvery;
  std::string why = stats.last_error.empty() ? "the queue was full" : stats.last_error;
  if (!why.starts_with(stats.name)) why = stats.name + ": " + why;
  lock.unlock();
  spdlog::warn("{} alert{} not delivered; {}", fresh, fresh == 1 ? "" : "s", why);
  lock.lock();
}

Dispatcher::Dispatcher(size_t queue_limit) : queue_limit_(queue_limit) {}

void Dispatcher::Add(std::unique_ptr<Sink> sink) {
  auto lane = std::make_shared<Lane>();
  lane->stats.name = sink->name();
  lane->sink = std::move(sink);
  // Signals are for the threads that wait for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  lane->thread = std::thread([lane] { lane->Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  lanes_.push_back(std::move(lane));
}

void Dispatcher::Post(Alert alert) {
  const auto shared = std::make_shared<const Alert>(std::move(alert));
  for (const auto& lane : lanes_) {
    const std::lock_guard lock(lane->mutex);
    if (lane->queue.size() >= queue_limit_) {
      lane->stats.lost_queue_full++;
      continue;
    }
    lane->queue.push_back(shared);
    lane->changed.notify_all();
  }
}

std::vector<SinkStats> Dispatcher::Stats() const {
  std::vector<SinkStats> all;
  for (const auto& lane : lanes_) {
    const std::lock_guard lock(lane->mutex);
    all.push_back(lane->stats);
    all.back().queued = lane->queue.size();
  }
  return all;
}

Dispatcher::~Dispatcher() {
  const auto deadline = steady_clock::now() + kDrain;
  for (const auto& lane : lanes_) {
    const std::lock_guard lock(lane->mutex);
    lane->draining = true;
    lane->changed.notify_all();
    lane->sink->Stop();
  }
  for (const auto& lane : lanes_) {
    std::unique_lock lock(lane->mutex);
    const auto ended = [&] { return lane->ended; };
    if (!lane->changed.wait_until(lock, deadline, ended)) {
      lane->abandoned = true;
      lane->changed.wait_until(lock, deadline + kGrace, ended);
    }
    if (!lane->queue.empty()) {
      lane->stats.lost_failed += lane->queue.size();
      lane->stats.last_error = "stopped before all was sent";
    }
    lane->TellLosses(lock);
    const bool hangs = !lane->ended;
    lock.unlock();
    hangs ? lane->thread.detach() : lane->thread.join();
  }
}

}  // namespace nsw::alert
