// SPDX-License-Identifier: Apache-2.0
// What verbs that also work where no engine runs have in common.
#pragma once

#include <string>

#include "engine/base/unique_fd.h"

namespace nsw::tools {

/// The engine's own lock, so that none starts meanwhile. Invalid: an engine runs.
UniqueFd LockOut();

/// One line into the system's log: without an engine there is no history to write to.
void LogWithoutEngine(const std::string& what);

/// Says why on stderr; the exit status.
int Failed(const std::string& why);

}  // namespace nsw::tools
