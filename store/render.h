// SPDX-License-Identifier: Apache-2.0
// Rows of the history as lines for people and programs. Names are what an attacker chose: whatever
// could end a line, steer a terminal or break the format is escaped. Called by `nswarden history`.
#pragma once

#include <string>
#include <string_view>

#include "store/history.h"

namespace nsw::store {

enum class Format { kTable, kJson, kCsv };

/// What comes before the rows; "" for JSON lines.
std::string RenderHeader(Format format, bool alerts);

/// One row, with its line end. Table: local time, control characters and bytes that are not UTF-8
/// as \n or \xNN, a backslash as two. JSON: one object; bytes that are not UTF-8 become U+FFFD.
/// CSV: RFC 4180, control characters but line ends and tabs as \xNN; a text that a spreadsheet
/// would take for a formula has a single quote before it.
std::string Render(Format format, const Row& row, bool alerts);

}  // namespace nsw::store
