// SPDX-License-Identifier: Apache-2.0
// The tables of the history, their versions, and the opening of a file for writing. store/README.md
// describes them for people.
#pragma once

#include <filesystem>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"
#include "store/sql.h"

namespace nsw::store {

/// Stands in application_id: "nswd".
inline constexpr int64_t kApplicationId = 0x6e737764;
/// Stands in user_version: how many steps of the schema's table were applied.
int64_t SchemaVersion();

/// A file open for writing. The claim is dropped last: closing it earlier would take sqlite3's
/// locks with it.
struct OpenFile {
  UniqueFd claim;
  Database database;
};

/// Opens or makes the file, and brings its schema up to date. A damaged one is moved aside, with a
/// warning in the log, and a new one is begun. Errors: file.h's, and a file of a newer version or
/// of another program, or of which nothing tells that it was a history, which is left alone.
Result<OpenFile> OpenForWriting(const std::filesystem::path& path);

/// Whether a file that cannot be read any more was one: its header is SQLite's, with our mark, or
/// it is named `*.db`.
bool WasHistory(const std::filesystem::path& path);
tl::unexpected<Error> NotAHistory(const std::filesystem::path& path);

/// Looks whether an open file is a history that this version can read.
Status CheckVersion(Database& database, const std::filesystem::path& path);

}  // namespace nsw::store
