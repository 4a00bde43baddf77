// SPDX-License-Identifier: Apache-2.0
// THE table of the engine's files that no container may change, by whatever mount it gets at them.
// Asked at start and at each reload; any thread.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "engine/config.h"
#include "engine/kernel/own.h"

namespace nsw {

/// The pins are not among them: see kernel::Own.
std::vector<kernel::OwnFile> OwnFiles(const Config& config);

/// The cgroups that a process is in and those above, without the roots, in their file systems: who
/// writes there stops or ends it. `text`: its /proc/PID/cgroup.
std::vector<std::filesystem::path> CgroupFolders(std::string_view text);

/// Whether nothing is in the folder but files whose names begin as the history's does.
bool IsHistorysAlone(const std::filesystem::path& history);

}  // namespace nsw
