// SPDX-License-Identifier: Apache-2.0
// Turns a Filter into one SELECT with bound parameters. Called by Query alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "store/history.h"
#include "store/sql.h"

namespace nsw::store {

/// Where a page ends: rows are in the order of these two.
struct Cursor {
  int64_t id = 0;
  int64_t source = 0;  ///< 0: events or alerts, 1: operations
};

struct Select {
  std::string sql;
  std::vector<std::variant<int64_t, std::string>> values;

  void Bind(Statement& statement) const;
};

/// Newest first, at most `limit` rows.
Select NewestRows(const Filter& filter, size_t limit);
/// Oldest first, those after `cursor`, at most `limit` rows.
Select NextRows(const Filter& filter, const Cursor& cursor, size_t limit);

/// The row that a statement made from a Select stands on.
Row ReadRow(const Statement& statement);
Cursor ReadCursor(const Statement& statement);

}  // namespace nsw::store
