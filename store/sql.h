// SPDX-License-Identifier: Apache-2.0
// The little that the history needs of sqlite3: a database and a prepared statement that close
// themselves, values bound in order, errors as sentences. Used by store/ alone.
//
// A Database and its Statements belong to one thread at a time. No exceptions.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace nsw::store {

class Statement {
 public:
  /// Binds the next parameter. Texts are not copied: they must live until Run or Reset.
  Statement& Put(int64_t value);
  Statement& Put(std::string_view text);
  Statement& PutNull();
  Statement& PutTextOrNull(std::string_view text) { return text.empty() ? PutNull() : Put(text); }

  /// Runs a statement that gives no rows, and makes it ready for the next parameters.
  Status Run();
  /// The next row: true; the end: false.
  Result<bool> Step();
  void Reset();

  [[nodiscard]] int64_t Int(int column) const;
  /// Valid until the next Step or Reset. NULL is empty.
  [[nodiscard]] std::string_view Text(int column) const;
  [[nodiscard]] bool IsNull(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int next_ = 1;
};

class Database {
 public:
  /// `uri`: a path, or file:...?options. `flags`: SQLITE_OPEN_*.
  static Result<Database> Open(const std::string& uri, int flags);

  /// Errors are of the SQL, which is ours; so they are of the file or the disk.
  [[nodiscard]] Status Exec(const char* sql);
  [[nodiscard]] Result<Statement> Prepare(std::string_view sql);
  /// The one number that a statement gives.
  [[nodiscard]] Result<int64_t> Number(std::string_view sql);
  /// Rows that the last statement changed.
  [[nodiscard]] int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  /// The primary result code of the last call that failed: SQLITE_FULL, ...
  [[nodiscard]] int error_code() const { return sqlite3_errcode(handle_.get()) & 0xff; }

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Closer> handle_;
};

/// The file is damaged, or is no database.
[[nodiscard]] bool IsCorrupt(int code);

/// "file:/a%20b?PARAMETERS": a path as sqlite3 takes it in a URI.
std::string FileUri(const std::filesystem::path& path, std::string_view parameters);

}  // namespace nsw::store
