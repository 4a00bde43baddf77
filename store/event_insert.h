// SPDX-License-Identifier: Apache-2.0
// EventInsert: new rows of table `events`, several with one statement, since SQLite's work for a
// statement is a fifth of that for a row. Writer's thread alone, inside its transaction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/sql.h"

namespace nsw::store {

/// A row, in the table's order. The views outlive the insert.
struct EventRow {
  int64_t id = 0, first_ns = 0, last_ns = 0, count = 0;
  int64_t container = 0;  ///< 0: none
  int64_t program = 0;
  std::string_view event, type;
  int64_t pid = 0, ppid = 0;
  std::string object;
  int64_t result = 0, flags = 0;
  std::string_view verdict;  ///< empty: none
  int64_t rule = -1;         ///< -1: none
  std::string detail;
};

class EventInsert {
 public:
  static Result<EventInsert> Open(Database& database);

  /// The next row to fill in, as an earlier one left it; it is in with Commit().
  [[nodiscard]] EventRow& next() { return rows_[used_]; }
  /// Takes in the row that next() gave. It is surely written after Flush().
  Status Commit();
  Status Flush();
  /// Forgets what was not written: the transaction was rolled back.
  void Clear() { used_ = 0; }

 private:
  static constexpr size_t kRows = 16;
  static void Put(Statement& statement, const EventRow& row);

  std::array<EventRow, kRows> rows_;
  size_t used_ = 0;
  Statement one_, all_;
};

}  // namespace nsw::store
