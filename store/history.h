// SPDX-License-Identifier: Apache-2.0
// History: the SQLite record of what containers did, of every alert and of every verdict.
//
// Writer: the pipeline's thread calls Record*; they fold and queue, never block, never fail: what finds no room is counted.
// A thread of its own writes in batches (WAL). Query: any process, while the daemon writes; opens read-only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/alert/alert.h"
#include "engine/base/result.h"
#include "engine/event/event.h"

namespace nsw::store {

struct WriterOptions {
  std::filesystem::path path;          ///< made with mode 0640 in a directory that exists or is made 0750
  uint64_t flush_interval_ms = 500;
  size_t queue_bytes = 16U << 20;
  uint64_t retention_ns = 7ULL * 24 * 3600 * 1'000'000'000;
  uint64_t max_bytes = 2ULL << 30;     ///< the oldest rows go first
};

struct WriterStats {
  uint64_t recorded = 0;      ///< calls of RecordEvent
  uint64_t stored = 0;        ///< sum of the counts of rows written
  uint64_t lost_queue = 0;    ///< events without room in the queue
  uint64_t lost_error = 0;    ///< events that SQLite refused (disk full, ...)
  uint64_t pending = 0;       ///< recorded, not yet written
  std::string last_error;
};

class Writer {
 public:
  /// Errors: not writable, not a database, made by a newer version. A damaged file is moved aside to FILE.corrupt-TIME and a
  /// new one is begun, with a warning.
  static Result<std::unique_ptr<Writer>> Open(WriterOptions options);
  virtual ~Writer() = default;  // writes what is pending
  virtual void RecordEvent(const event::Event& event, alert::Verdict verdict, uint32_t rule) = 0;
  virtual void RecordAlert(const alert::Alert& alert, const event::Event& event) = 0;
  /// A thing an operator or the engine did: "reload", "deny", "start": who (uid, pid) and what.
  virtual void RecordOperation(const std::string& what, const std::string& detail, uint32_t uid, uint32_t pid) = 0;
  /// Waits until all that was recorded before is on disk; for tests and shutdown.
  virtual void Flush() = 0;
  [[nodiscard]] virtual WriterStats Stats() const = 0;
};

/// Filters of `nswarden history`; empty ones do not filter. Texts with * or ? are globs, others exact.
struct Filter {
  std::optional<uint64_t> since_ns;  ///< CLOCK_REALTIME
  std::optional<uint64_t> until_ns;
  std::string container;  ///< name, id or id prefix
  std::string image;
  std::string event;      ///< event name or evt.type
  std::string process;    ///< name or executable path
  std::string path;
  std::string address;    ///< IP, CIDR or IP:PORT
  std::string rule;
  std::string verdict;    ///< denied, would_deny
  bool alerts_only = false;
  size_t limit = 1000;    ///< newest rows win; 0: all
};

struct Row {
  uint64_t first_ns = 0;  ///< CLOCK_REALTIME
  uint64_t last_ns = 0;
  uint64_t count = 0;     ///< folded repetitions
  std::string container_id, container_name, image;
  std::string event;      ///< "open"
  std::string type;       ///< evt.type "openat"
  uint32_t pid = 0, uid = 0;
  std::string process;    ///< executable path
  std::string cmdline;
  std::string parent;
  std::string object;     ///< path, address:port, child pid...
  int64_t result = 0;
  std::string detail;     ///< JSON of the event's arguments
  std::string verdict, rule, policy;
  std::string priority, output;  ///< of an alert
};

/// Rows oldest first. Errors: no such file (with a hint), not a history, made by a newer version.
Result<std::vector<Row>> Query(const std::filesystem::path& path, const Filter& filter);

}  // namespace nsw::store
