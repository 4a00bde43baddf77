// SPDX-License-Identifier: Apache-2.0
// The host's own namespaces: those of PID 1, not the engine's, which may itself run in a container.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace nsw {

struct HostNamespaces {
  uint32_t mount = 0;  ///< inode numbers
  uint32_t pid = 0;
};

/// Error: PID 1's namespaces cannot be read (no root, or another PID namespace than the host's).
Result<HostNamespaces> ReadHostNamespaces();

/// As gethostname gives it; "localhost" when it gives nothing.
std::string HostName();

}  // namespace nsw
