// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <endian.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstring>
#include <fstream>
#include <string>

#include "store/file.h"

namespace nsw::store {
namespace {

// Containers and programs are kept once for many rows; what differs from row to row stands in it,
// so that one row is one insert. `epochs` says from which id on the containers and programs of
// later rows begin: older ones go with the rows.
//
// Ids of events, alerts and operations are given by the writer: the time in ns, or one more than
// the last id where that is greater. So rows lie in the order of their time, and no index on it is
// needed, which would cost a third of the speed of writing. `clock` says how far an id was ever
// ahead of its row's time: much only where somebody set the clock back.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE containers(
  id INTEGER PRIMARY KEY, home INTEGER NOT NULL, container_id TEXT, name TEXT, image TEXT,
  k8s_namespace TEXT, k8s_pod TEXT);
CREATE TABLE programs(
  id INTEGER PRIMARY KEY, exe TEXT, name TEXT, cmdline TEXT, parent TEXT, uid INTEGER NOT NULL,
  gid INTEGER NOT NULL);
CREATE TABLE rules(id INTEGER PRIMARY KEY, name TEXT NOT NULL, policy TEXT NOT NULL);
CREATE TABLE events(
  id INTEGER PRIMARY KEY, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
  count INTEGER NOT NULL, container INTEGER, program INTEGER NOT NULL, event TEXT NOT NULL,
  type TEXT NOT NULL, pid INTEGER NOT NULL, ppid INTEGER NOT NULL, object TEXT NOT NULL,
  result INTEGER NOT NULL, flags INTEGER NOT NULL, verdict TEXT, rule INTEGER,
  detail TEXT NOT NULL);
CREATE INDEX events_verdict ON events(verdict) WHERE verdict IS NOT NULL;
CREATE TABLE alerts(
  id INTEGER PRIMARY KEY, event_row INTEGER, time_ns INTEGER NOT NULL, rule TEXT NOT NULL,
  policy TEXT, priority TEXT NOT NULL, verdict TEXT, action TEXT, output TEXT NOT NULL, tags TEXT,
  fields TEXT, container INTEGER, program INTEGER NOT NULL, event TEXT NOT NULL,
  type TEXT NOT NULL, pid INTEGER NOT NULL, ppid INTEGER NOT NULL, object TEXT NOT NULL,
  result INTEGER NOT NULL, flags INTEGER NOT NULL, detail TEXT NOT NULL);
CREATE INDEX alerts_event ON alerts(event_row) WHERE event_row IS NOT NULL;
CREATE TABLE operations(
  id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,
  uid INTEGER NOT NULL, pid INTEGER NOT NULL);
CREATE TABLE epochs(
  first_event INTEGER NOT NULL, first_alert INTEGER NOT NULL, first_id INTEGER NOT NULL);
CREATE TABLE clock(drift_ns INTEGER NOT NULL);
INSERT INTO clock VALUES(1000000000);

CREATE VIEW history AS
SELECT e.id, datetime(e.first_ns / 1000000000, 'unixepoch', 'localtime') AS first,
  datetime(e.last_ns / 1000000000, 'unixepoch', 'localtime') AS last, e.count,
  c.name AS container, c.image, e.type, p.exe AS process, p.cmdline, p.parent, p.uid, e.pid,
  e.object, e.result, e.verdict, r.name AS rule, e.detail
FROM events e LEFT JOIN containers c ON c.id = e.container
  LEFT JOIN programs p ON p.id = e.program LEFT JOIN rules r ON r.id = e.rule;
CREATE VIEW alert_history AS
SELECT a.id, datetime(a.time_ns / 1000000000, 'unixepoch', 'localtime') AS time, a.priority,
  a.rule, a.output, a.verdict, c.name AS container, c.image, a.type, p.exe AS process, p.cmdline,
  p.parent, p.uid, a.pid, a.object, a.result, a.policy, a.tags, a.fields, a.event_row
FROM alerts a LEFT JOIN containers c ON c.id = a.container
  LEFT JOIN programs p ON p.id = a.program;
)sql";

// Refusals of which only the rule and their number are known are operations.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE operations ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE operations ADD COLUMN verdict TEXT;
ALTER TABLE operations ADD COLUMN rule INTEGER;
)sql";

// How far the kernel had counted refusals of a rule with the last that an operation `refused` tells
// of. `counter`: which of the kernel's counters; each is there in one boot alone.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE told(
  counter TEXT NOT NULL, rule INTEGER NOT NULL, counted INTEGER NOT NULL, time_ns INTEGER NOT NULL,
  PRIMARY KEY(counter, rule)) WITHOUT ROWID;
)sql";

// Step i takes a file from version i to i + 1. Append; never change one that was released.
constexpr std::array kSteps{kVersion1, kVersion2, kVersion3};

// page_size and auto_vacuum must be there before the first table. Large pages: a tenth more rows a
// second than with SQLite's own 4 KiB. Without auto_vacuum a file never shrinks. A commit need not
// reach the disk at once (NORMAL): after a power cut the last seconds may be missing, the file
// is whole.
constexpr const char* kSettings = R"sql(
PRAGMA page_size = 16384;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA busy_timeout = 1000;
PRAGMA cache_size = -16384;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
PRAGMA temp_store = MEMORY;
)sql";

// Checking every page takes seconds per gigabyte; a large file shows its damage when it is met.
constexpr int64_t kCheckedPages = 2048;

Status Migrate(Database& database) {
  const auto version = database.Number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version == SchemaVersion()) return {};
  for (auto step = static_cast<size_t>(*version); step < kSteps.size(); step++) {
    std::string script = "BEGIN IMMEDIATE;";
    script += kSteps[step];
    script += "PRAGMA application_id = " + std::to_string(kApplicationId) + ";";
    script += "PRAGMA user_version = " + std::to_string(step + 1) + ";COMMIT;";
    if (auto done = database.Exec(script.c_str()); !done) return done;
  }
  return database.Exec("PRAGMA wal_checkpoint(TRUNCATE)");  // our mark is in the file: WasHistory
}

Status CheckPages(Database& database) {
  const auto pages = database.Number("PRAGMA page_count");
  if (!pages) return tl::unexpected(pages.error());
  if (*pages > kCheckedPages) return {};
  auto check = database.Prepare("PRAGMA quick_check(1)");
  if (!check) return tl::unexpected(check.error());
  const auto row = check->Step();
  if (!row) return tl::unexpected(row.error());
  if (*row && check->Text(0) != "ok") return Fail(std::string(check->Text(0)));
  return {};
}

struct Attempt {
  Status status;
  bool damaged = false;
};

// Everything that reads the file for the first time, and so meets its damage.
Attempt SetUp(Database& database, const std::filesystem::path& path) {
  const auto fail = [&](const Status& status) {
    return Attempt{status, IsCorrupt(database.error_code())};
  };
  if (auto set = database.Exec(kSettings); !set) return fail(set);
  const auto tables = database.Number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tl::unexpected(tables.error()));
  if (*tables > 0) {
    if (auto known = CheckVersion(database, path); !known) return fail(known);
  }
  if (auto sound = CheckPages(database); !sound) return {sound, true};
  if (auto migrated = Migrate(database); !migrated) return fail(migrated);
  return {};
}

}  // namespace

bool WasHistory(const std::filesystem::path& path) {
  static constexpr char kMagic[] = "SQLite format 3";
  std::array<char, 72> header{};
  std::ifstream(path, std::ios::binary).read(header.data(), header.size());
  uint32_t application = 0;
  std::memcpy(&application, header.data() + 68, sizeof application);
  const bool ours = std::memcmp(header.data(), kMagic, sizeof kMagic) == 0 &&
                    be32toh(application) == kApplicationId;
  return ours || path.extension() == ".db";
}

tl::unexpected<Error> NotAHistory(const std::filesystem::path& path) {
  return Fail(path.string() + ": not a history of nswarden; name another file");
}

int64_t SchemaVersion() { return static_cast<int64_t>(kSteps.size()); }

Status CheckVersion(Database& database, const std::filesystem::path& path) {
  const auto application = database.Number("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  if (*application != kApplicationId) return NotAHistory(path);
  const auto version = database.Number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version <= SchemaVersion()) return {};
  return Fail(path.string() + ": made by a newer nswarden (schema " + std::to_string(*version) +
              ", this one knows " + std::to_string(SchemaVersion()) +
              "); upgrade, or move the file away");
}

Result<OpenFile> OpenForWriting(const std::filesystem::path& path) {
  for (bool again = false;; again = true) {
    auto claim = ClaimFile(path);
    if (!claim) return tl::unexpected(claim.error());
    auto database = Database::Open(
        path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW);
    if (!database) return Fail(path.string() + ": " + database.error().message);
    const Attempt attempt = SetUp(*database, path);
    if (attempt.status) return OpenFile{std::move(*claim), std::move(*database)};
    if (!attempt.damaged || again) {
      const std::string& message = attempt.status.error().message;
      return Fail(message.starts_with(path.string()) ? message : path.string() + ": " + message);
    }
    *database = Database();
    if (!WasHistory(path)) return NotAHistory(path);
    const auto aside = MoveAside(path);
    if (!aside) return tl::unexpected(aside.error());
    spdlog::warn("history {}: damaged ({}); moved to {}, a new one is begun", path.string(),
                 attempt.status.error().message, aside->string());
  }
}

}  // namespace nsw::store
