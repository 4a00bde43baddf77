// SPDX-License-Identifier: Apache-2.0
// Opens a history for reading, beside a writer or without one, and gives SQL the comparisons of
// match.h. Called by Query alone.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/base/result.h"
#include "store/match.h"
#include "store/sql.h"

namespace nsw::store {

/// Errors say what to do: no such file, no permission, not a history, made by a newer version.
Result<Database> OpenForReading(const std::filesystem::path& path);

/// Adds to SQL, each giving 1 or 0:
///   nsw_glob(pattern, text)                nsw_image(pattern, reference)
///   nsw_container(pattern, name, id)       nsw_process(pattern, exe, name)
///   nsw_address(object)                    by `address`, which must outlive the database
Status AddFunctions(Database& database, const AddressFilter* address);

}  // namespace nsw::store
