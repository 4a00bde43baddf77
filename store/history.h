// SPDX-License-Identifier: Apache-2.0
// History: the SQLite record of what containers did, of every alert and of every verdict.
//
// Writer: the pipeline's thread calls Record*; they fold and queue, never block, never fail: what
// finds no room is counted. A thread of its own writes in batches (WAL). Query: any process, while
// the daemon writes; opens read-only.
//
// Folding: acts of one container, program, user and parent on one object with the same outcome are
// one row with a count. All texts of the row are true of each of them; pid, command line, inode,
// local port and a positive result are the first one's. A row takes what falls within 60 s of its
// first act, so that --since and --until stay exact to a minute. An exec is always a row of its
// own: its arguments are what people search for, and the line of ancestors rests on it. Forks and
// exits fold, or a fork storm would push everything else out. store/README.md has the schema.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/alert/alert.h"
#include "engine/base/result.h"
#include "engine/container/registry.h"
#include "engine/event/event.h"

namespace nsw::store {

struct WriterOptions {
  std::filesystem::path path;  ///< made with mode 0640 in a directory that exists or is made 0750
  uint64_t flush_interval_ms = 500;
  size_t queue_bytes = 16U << 20;
  uint64_t retention_ns = 7ULL * 24 * 3600 * 1'000'000'000;
  uint64_t max_bytes = 2ULL << 30;                  ///< the oldest rows go first
  uint64_t fold_window_ns = 60ULL * 1'000'000'000;  ///< a row is closed after it; at most 10 min
  size_t fold_rows = 32768;                         ///< rows open at a time, about 300 bytes each
  uint64_t retry_ms = 10'000;  ///< how long a batch that SQLite refuses is tried again
};

/// What RecordOperation is told of, and the event that these rows have.
inline constexpr std::string_view kOperations[] = {
    "start",    "stop",   "reload", "deny",    "quarantine", "kill",    "refused",
    "takeover", "disarm", "arm",    "release", "impaired",   "restored"};
inline constexpr std::string_view kOperationEvent = "operation";

/// Acts that were refused or killed, of which only the rule and their number are known.
struct Refusals {
  alert::Verdict verdict = alert::Verdict::kNone;
  uint64_t acts = 0;
  std::string detail;
  std::string counter;   ///< of the kernel, unique among all boots; "": none counted them
  uint64_t counted = 0;  ///< how far it had counted with the last of them; 0: it did not
};

/// recorded = stored + pending + lost_queue + lost_error at every time; so for the alerts.
struct EventCounts {
  uint64_t recorded = 0;    ///< calls of RecordEvent
  uint64_t stored = 0;      ///< sum of the counts of rows written
  uint64_t lost_queue = 0;  ///< events without room in the queue
  uint64_t lost_error = 0;  ///< events that SQLite refused (disk full, ...)
  uint64_t pending = 0;     ///< recorded, not yet written
};
using CountsByType = std::array<EventCounts, static_cast<size_t>(event::Type::kCount)>;

struct WriterStats : EventCounts {
  CountsByType by_type;           ///< the same of each event type: what the ledger shows
  uint64_t pending_since_ns = 0;  ///< when the oldest of those pending was; 0: there is none
  uint64_t alerts_recorded = 0;
  uint64_t alerts_stored = 0;
  uint64_t alerts_lost_queue = 0;
  uint64_t alerts_lost_error = 0;
  uint64_t alerts_pending = 0;
  uint64_t rows = 0;  ///< rows written: stored / rows is what folding saves
  std::string last_error;
  uint64_t last_error_ns = 0;  ///< CLOCK_REALTIME
};

using Told = std::map<uint32_t, uint64_t>;

class Writer {
 public:
  /// Errors: not writable, not a database, made by a newer version, in use by another writer. A
  /// damaged file is moved aside to FILE.corrupt-TIME and a new one is begun, with a warning.
  static Result<std::unique_ptr<Writer>> Open(WriterOptions options);
  virtual ~Writer() = default;  // writes what is pending
  /// `rule`: the deny rule that spoke, null for none; its id, policy and name are stored.
  virtual void RecordEvent(const event::Event& event, alert::Verdict verdict,
                           const rule::RuleInfo* rule) = 0;
  /// After the RecordEvent of that event, if there was one: then the two are linked.
  virtual void RecordAlert(const alert::Alert& alert, const event::Event& event) = 0;
  /// A thing an operator or the engine did: one of kOperations; who (uid, pid) and what.
  /// Any thread.
  virtual void RecordOperation(const std::string& what, const std::string& detail, uint32_t uid,
                               uint32_t pid) = 0;
  /// Acts by that rule: an operation `refused`, found by rule and verdict as events are. Any
  /// thread.
  virtual void RecordRefusals(const rule::RuleInfo& rule, const Refusals& refusals) = 0;
  /// By rule: how far that counter had counted with the last that the file told of when this writer
  /// opened it.
  [[nodiscard]] virtual Told ToldOf(const std::string& counter) const = 0;
  /// What became known of a container after its first events: these rows are named, too.
  virtual void NameContainer(const container::Binding&) {}
  /// Waits until all that was recorded before is on disk or lost; for tests and shutdown.
  virtual void Flush() = 0;
  /// Stands for all that was recorded up to now.
  [[nodiscard]] virtual uint64_t Mark() const = 0;
  /// Whether all of that is in the file by now, or lost.
  [[nodiscard]] virtual bool Written(uint64_t mark) const = 0;
  [[nodiscard]] virtual WriterStats Stats() const = 0;
};

/// Filters of `nswarden history`; empty ones do not filter. Texts with * or ? are globs, others
/// exact; here * matches / as well.
struct Filter {
  std::optional<uint64_t> since_ns;  ///< CLOCK_REALTIME
  std::optional<uint64_t> until_ns;
  std::string container;  ///< name, id or id prefix
  std::string image;      ///< "nginx" is docker.io/library/nginx with any tag
  std::string event;      ///< event name or evt.type
  std::string process;    ///< name or executable path
  std::string path;
  std::string address;  ///< IP, CIDR, IP:PORT or :PORT
  std::string rule;
  std::string verdict;  ///< denied, killed, would_deny
  bool alerts_only = false;
  size_t limit = 1000;  ///< newest rows win; 0: all
};

struct Row {
  uint64_t first_ns = 0;  ///< CLOCK_REALTIME
  uint64_t last_ns = 0;
  uint64_t count = 0;  ///< folded repetitions
  std::string container_id, container_name, image;
  std::string k8s_namespace, k8s_pod;
  std::string event;  ///< "open"; "operation" for what RecordOperation took
  std::string type;   ///< evt.type "openat"
  uint32_t pid = 0, ppid = 0, uid = 0, gid = 0;
  uint32_t flags = 0;        ///< enum nsw_flag
  std::string process;       ///< executable path
  std::string process_name;  ///< "nginx"
  std::string cmdline;
  std::string parent;
  std::string object;  ///< path, address:port, child pid...
  int64_t result = 0;
  std::string
      detail;  ///< JSON of the event's arguments; bytes that are not UTF-8 stand as they are
  std::string verdict, rule, policy;
  std::string priority, output;  ///< of an alert; of an event: of the first alert made of it
  uint64_t alerts = 0;           ///< of an event: alerts made of it
};

/// Rows oldest first. Errors: no such file (with a hint), not a history, made by a newer version,
/// no permission, a filter that is not understood.
Result<std::vector<Row>> Query(const std::filesystem::path& path, const Filter& filter);

/// The same, row by row, oldest first; `visit` returns false to stop. With limit 0 the rows are
/// read in pages, and between these nothing is held open: a reader may take its time.
Status Visit(const std::filesystem::path& path, const Filter& filter,
             const std::function<bool(const Row&)>& visit);

}  // namespace nsw::store
