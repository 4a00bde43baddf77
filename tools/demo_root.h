// SPDX-License-Identifier: Apache-2.0
// The root of the demo's container. Called by the container's init in its own mount namespace,
// before anything else.
#pragma once

#include <filesystem>

#include "engine/base/result.h"

namespace nsw::tools {

/// Makes a root on `folder` and goes there; the host's is out of reach afterwards. Error: what
/// could not be done.
[[nodiscard]] Status EnterDemoRoot(const std::filesystem::path& folder);

}  // namespace nsw::tools
