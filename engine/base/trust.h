// SPDX-License-Identifier: Apache-2.0
// Whether what is read as root is root's alone to write: configuration and policies.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace nsw {

inline constexpr const char* kTrustHint = "chown root:root and chmod go-w it: it is read as root";

/// Why others than root could put what they like there; empty: they cannot. A sticky directory
/// keeps them from replacing what is root's in it.
std::string Distrust(const struct stat& status);

/// The same of a directory that is there, or of one above it, which is named then.
std::string DistrustDirectory(const std::filesystem::path& directory);

}  // namespace nsw
