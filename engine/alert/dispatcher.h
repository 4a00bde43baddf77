// SPDX-License-Identifier: Apache-2.0
// Dispatcher: takes alerts from the pipeline and gives them to the sinks on a thread of its own, so
// that a slow sink never holds up an event. Each sink has a bounded queue; what does not fit is
// counted, per sink, never silent: the log tells of the first loss, then at most once a minute, and
// at the end of all that was not told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/alert/alert.h"
#include "engine/base/result.h"

namespace nsw::alert {

/// Where alerts go. Write is called from the sink's own thread, one alert at a time, and may block
/// (with a bound).
class Sink {
 public:
  virtual ~Sink() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// An error is a loss of that alert: it is counted and the sink is asked again for the next one.
  [[nodiscard]] virtual Status Write(const Alert& alert) = 0;
  /// Told when draining at the end begins: give up waiting. From another thread than Write's.
  virtual void Stop() {}
};

enum class StdoutFormat { kText, kJson };
/// Text is in colour where `fd` is a terminal and NO_COLOR is not set. `fd` stays the caller's.
std::unique_ptr<Sink> MakeStdoutSink(StdoutFormat format, int fd = 1);

struct WebhookOptions {
  std::string url;        ///< http:// or https://
  int timeout_ms = 5000;  ///< of one attempt
  int attempts = 5;       ///< with doubling pauses from 200 ms
};
/// POSTs each alert as JSON; follows no redirect; reads at most 64 KiB of an answer. Tries again
/// after timeouts, failed connections, 429 and 5xx. Errors: a URL that is none; never quotes it.
Result<std::unique_ptr<Sink>> MakeWebhookSink(WebhookOptions options);

struct SinkStats {
  std::string name;
  uint64_t written = 0;
  uint64_t lost_queue_full = 0;
  uint64_t lost_failed = 0;
  uint64_t queued = 0;  ///< the one that is being written included
  std::string last_error;
};

class Dispatcher {
 public:
  explicit Dispatcher(size_t queue_limit = 4096);
  ~Dispatcher();                         // drains, at most 5 s, and stops
  void Add(std::unique_ptr<Sink> sink);  // before the first Post
  /// Never blocks.
  void Post(Alert alert);
  [[nodiscard]] std::vector<SinkStats> Stats() const;

 private:
  struct Lane;
  size_t queue_limit_;
  std::vector<std::shared_ptr<Lane>> lanes_;
};

}  // namespace nsw::alert
