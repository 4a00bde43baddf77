// SPDX-License-Identifier: Apache-2.0
#include "store/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "store/schema.h"

namespace nsw::store {
namespace fs = std::filesystem;
namespace {

constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;

Status CheckAccess(const fs::path& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return Fail(path.string() + ": " +
                (S_ISDIR(facts.st_mode) ? "a directory" : "not a plain file") +
                "; name the history's file (--history FILE)");
  }
  if (access(path.c_str(), R_OK) == 0) return {};
  if (errno == EACCES) {
    return Fail(path.string() + ": no permission to read the history; run as root or as a member " +
                "of the group that owns the file");
  }
  if (errno == ENOENT) {
    return Fail(path.string() + ": no history there; is `nswarden run` writing it, or is another " +
                "file meant (--history FILE)?");
  }
  return FailErrno(path.string(), errno);
}

// The file and, next to it, a log with pages that are not in the file yet.
bool HasLog(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path.string() + "-wal", error);
  return !error && size > 0;
}

Result<Database> Open(const fs::path& path, std::string_view parameters, int& code) {
  auto database = Database::Open(FileUri(path, parameters), kFlags);
  if (!database) {
    code = SQLITE_CANTOPEN;
    return database;
  }
  sqlite3_busy_timeout(database->handle(), 2000);
  const auto read = database->Number("SELECT count(*) FROM sqlite_schema");  // the first real read
  code = read ? SQLITE_OK : database->error_code();
  if (!read) return tl::unexpected(read.error());
  return database;
}

tl::unexpected<Error> Explain(const fs::path& path, int code, const Error& error) {
  if (IsCorrupt(code)) {
    if (!WasHistory(path)) return NotAHistory(path);
    return Fail(path.string() + ": damaged (" + error.message +
                "); the daemon moves it aside at its next start");
  }
  if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_IOERR) {
    return Fail(path.string() + ": the writer's -wal and -shm files beside it cannot be used (" +
                error.message + "); run as root");
  }
  return Fail(path.string() + ": " + error.message);
}

// What is older is not changed by reading: it only looks like today's.
Status ShowAsToday(Database& database) {
  const auto version = database.Number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version >= 2) return {};
  return database.Exec(
      "CREATE TEMP VIEW operations AS SELECT *, 1 AS count, NULL AS verdict, NULL AS rule"
      " FROM main.operations");
}

using Value = sqlite3_value;

std::string_view TextOf(Value* value) {
  const void* data = sqlite3_value_blob(value);
  return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_value_bytes(value))};
}

template <auto Match>
void Call(sqlite3_context* context, int count, Value** values) {
  std::array<std::string_view, 3> texts;
  for (int i = 0; i < count; i++) texts[static_cast<size_t>(i)] = TextOf(values[i]);
  sqlite3_result_int(context, Match(texts) ? 1 : 0);
}

using Texts = std::array<std::string_view, 3>;

bool Glob(const Texts& t) { return GlobMatch(t[0], t[1]); }
bool Image(const Texts& t) { return ImageMatch(t[0], t[1]); }
bool Container(const Texts& t) { return ContainerMatch(t[0], t[1], t[2]); }
bool Process(const Texts& t) { return ProcessMatch(t[0], t[1], t[2]); }

void CallAddress(sqlite3_context* context, int, Value** values) {
  const auto* filter = static_cast<const AddressFilter*>(sqlite3_user_data(context));
  sqlite3_result_int(context, AddressMatch(*filter, TextOf(values[0])) ? 1 : 0);
}

}  // namespace

Result<Database> OpenForReading(const fs::path& path) {
  if (auto allowed = CheckAccess(path); !allowed) return tl::unexpected(allowed.error());
  int code = SQLITE_OK;
  auto database = Open(path, "mode=ro", code);
  // Without the right to make -shm, SQLite reads only what it is told will not change; and while
  // there is no log, nobody is writing.
  const bool unwritable = code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
  if (!database && unwritable && !HasLog(path)) {
    database = Open(path, "mode=ro&immutable=1", code);
  }
  if (!database) return Explain(path, code, database.error());
  if (auto known = CheckVersion(*database, path); !known) return tl::unexpected(known.error());
  if (auto shown = ShowAsToday(*database); !shown) return tl::unexpected(shown.error());
  return database;
}

Status AddFunctions(Database& database, const AddressFilter* address) {
  struct Function {
    const char* name;
    int arguments;
    void (*call)(sqlite3_context*, int, Value**);
  };
  static constexpr Function kFunctions[] = {
      {"nsw_glob", 2, &Call<&Glob>},           {"nsw_image", 2, &Call<&Image>},
      {"nsw_container", 3, &Call<&Container>}, {"nsw_process", 3, &Call<&Process>},
      {"nsw_address", 1, &CallAddress},
  };
  for (const Function& function : kFunctions) {
    const int code = sqlite3_create_function_v2(
        database.handle(), function.name, function.arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
        const_cast<AddressFilter*>(address), function.call, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return Fail(sqlite3_errmsg(database.handle()));
  }
  return {};
}

}  // namespace nsw::store
