// SPDX-License-Identifier: Apache-2.0
// The history's file on disk: made with the right mode, never through a symbolic link, written by
// one process at a time; moved aside when it is damaged. Called by the writer's opening alone.
#pragma once

#include <filesystem>
#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::store {

/// The same file with no symbolic link left in the directories before it, which sqlite3 insists on.
/// Makes the last directory (0750) where it is missing.
Result<std::filesystem::path> PrepareDirectory(const std::filesystem::path& path);

/// Makes the file (0640) where it is missing, and locks it against a second writer: the lock lasts
/// as long as the descriptor. Errors: a link, not a plain file, somebody else's, locked.
Result<UniqueFd> ClaimFile(const std::filesystem::path& path);

/// Renames the file and its -wal and -shm to FILE.corrupt-TIME*, and returns that name.
Result<std::filesystem::path> MoveAside(const std::filesystem::path& path);

/// False when the path does not lead to that open file any more: removed, or replaced.
bool IsStillThere(const std::filesystem::path& path, const UniqueFd& file);

}  // namespace nsw::store
