// SPDX-License-Identifier: Apache-2.0
#include "store/retention.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace nsw::store {
namespace {

// Among the `rows` oldest of a table (ids grow with time) the greatest id that is older than
// `before_ns`; 0 for none.
Result<int64_t> LastBefore(Database& database, const char* table, const char* time, int64_t rows,
                           int64_t before_ns) {
  const std::string sql = std::string("SELECT max(id) FROM (SELECT id, ") + time + " AS t FROM " +
                          table + " ORDER BY id LIMIT ?) WHERE t < ?";
  auto statement = database.Prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  const auto row = statement->Put(rows).Put(before_ns).Step();
  if (!row) return tl::unexpected(row.error());
  return statement->Int(0);
}

Result<int64_t> DeleteTo(Database& database, const char* table, int64_t id) {
  auto statement = database.Prepare(std::string("DELETE FROM ") + table + " WHERE id <= ?");
  if (!statement) return tl::unexpected(statement.error());
  if (auto done = statement->Put(id).Run(); !done) return tl::unexpected(done.error());
  return database.changes();
}

// Deletes up to `rows` rows of a table that are older than `before_ns`.
Result<int64_t> DeleteBefore(Database& database, const char* table, const char* time, int64_t rows,
                             int64_t before_ns, int64_t* deleted_to = nullptr) {
  const auto id = LastBefore(database, table, time, rows, before_ns);
  if (!id) return id;
  if (*id == 0) return 0;
  if (deleted_to != nullptr) *deleted_to = *id;
  return DeleteTo(database, table, *id);
}

// Containers and programs that only rows deleted by now could have named.
Status DeleteUnused(Database& database) {
  const auto first = database.Number(
      "SELECT max(first_id) FROM epochs"
      " WHERE first_event <= ifnull((SELECT min(id) FROM events), 9223372036854775807)"
      " AND first_alert <= ifnull((SELECT min(id) FROM alerts), 9223372036854775807)");
  if (!first) return tl::unexpected(first.error());
  if (*first <= 1) return {};
  for (const char* table : {"containers", "programs"}) {
    if (auto done = DeleteTo(database, table, *first - 1); !done) {
      return tl::unexpected(done.error());
    }
  }
  auto statement = database.Prepare("DELETE FROM epochs WHERE first_id < ?");
  if (!statement) return tl::unexpected(statement.error());
  return statement->Put(*first).Run();
}

struct Size {
  uint64_t used = 0;  ///< by rows
  uint64_t file = 0;  ///< as it is on the disk, or will be once the log is written back
};

Result<Size> SizeOf(Database& database) {
  uint64_t numbers[3];
  const char* const pragmas[] = {"PRAGMA page_size", "PRAGMA page_count", "PRAGMA freelist_count"};
  for (size_t i = 0; i < 3; i++) {
    const auto number = database.Number(pragmas[i]);
    if (!number) return tl::unexpected(number.error());
    numbers[i] = static_cast<uint64_t>(*number);
  }
  Size size{numbers[0] * (numbers[1] - numbers[2]), numbers[0] * numbers[1]};
  // A reader can have kept the log from being written back: the file is then longer than it says.
  const char* const path = sqlite3_db_filename(database.handle(), nullptr);
  std::error_code unknown;
  const uintmax_t length = std::filesystem::file_size(path == nullptr ? "" : path, unknown);
  if (!unknown) size.file = std::max<uint64_t>(size.file, length);
  return size;
}

// When space is what is short, alerts stay as long as the events around them, and go on their own
// account only when no events are left.
Result<int64_t> OldestEvent(Database& database, int64_t otherwise) {
  const auto first = database.Number("SELECT ifnull(min(id), 0) FROM events");
  if (!first || *first == 0) return first ? Result<int64_t>(otherwise) : first;
  return database.Number("SELECT first_ns FROM events WHERE id = " + std::to_string(*first));
}

// Only the start of an engine asks for them: what is so old one has seen, or its counter is gone.
Status DeleteTold(Database& database, int64_t before_ns) {
  auto statement = database.Prepare("DELETE FROM told WHERE time_ns < ?");
  if (!statement) return tl::unexpected(statement.error());
  return statement->Put(before_ns).Run();
}

Result<RetentionStep> Delete(Database& database, int64_t rows, int64_t before_ns, bool too_big) {
  constexpr int64_t kAll = INT64_MAX;
  RetentionStep step;
  if (auto done = DeleteTold(database, before_ns); !done) return tl::unexpected(done.error());
  const auto events = DeleteBefore(database, "events", "first_ns", rows, too_big ? kAll : before_ns,
                                   &step.deleted_to);
  if (!events) return tl::unexpected(events.error());
  if (too_big) {
    const auto oldest = OldestEvent(database, kAll);
    if (!oldest) return tl::unexpected(oldest.error());
    before_ns = *oldest;
  }
  step.more = *events >= rows;
  for (const char* table : {"alerts", "operations"}) {
    const auto deleted = DeleteBefore(database, table, "time_ns", rows, before_ns);
    if (!deleted) return tl::unexpected(deleted.error());
    step.more = step.more || *deleted >= rows;
  }
  if (auto done = DeleteUnused(database); !done) return tl::unexpected(done.error());
  return step;
}

}  // namespace

Result<RetentionStep> ApplyRetention(Database& database, const RetentionLimits& limits,
                                     uint64_t now_ns, int64_t rows) {
  const auto size = SizeOf(database);
  if (!size) return tl::unexpected(size.error());
  const uint64_t before = now_ns > limits.age_ns ? now_ns - limits.age_ns : 0;
  if (auto begun = database.Exec("BEGIN IMMEDIATE"); !begun) return tl::unexpected(begun.error());
  const auto step =
      Delete(database, rows, static_cast<int64_t>(before), size->used > limits.max_bytes);
  if (!step) {
    (void)database.Exec("ROLLBACK");
    return step;
  }
  if (auto done = database.Exec("COMMIT"); !done) return tl::unexpected(done.error());
  if (size->file > limits.max_bytes) {
    // The file itself shrinks only when its log is written back.
    const Status shrunk =
        database.Exec("PRAGMA incremental_vacuum(512); PRAGMA wal_checkpoint(PASSIVE)");
    if (!shrunk) return tl::unexpected(shrunk.error());
  }
  return step;
}

}  // namespace nsw::store
