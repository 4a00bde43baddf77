// SPDX-License-Identifier: Apache-2.0
// Policy files: which there are, whether they can be trusted, and their bytes. A file is opened
// once; what is checked, hashed and parsed is one and the same content.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule/diagnostics.h"

namespace nsw::rule {

inline constexpr size_t kPolicyFileMax = 8 << 20;  // bytes

/// Files as they are, directories as their *.yaml and *.yml in name order (not below, no hidden
/// ones).
std::vector<std::filesystem::path> ListPolicyFiles(const std::vector<std::filesystem::path>& paths,
                                                   const LoadOptions& options,
                                                   Diagnostics& diagnostics);

/// The content. Nothing when it cannot be had or must not be believed: not a regular file, too
/// large, and with `check_owner` not root's or writable by others (the file, or the directory that
/// it lies in).
std::optional<std::string> ReadPolicyFile(const std::filesystem::path& path,
                                          const LoadOptions& options, Diagnostics& diagnostics);

/// Takes away a byte order mark; refuses what is not UTF-8.
bool CheckEncoding(const std::string& file, std::string& text, Diagnostics& diagnostics);

std::string Sha256(std::string_view bytes);

}  // namespace nsw::rule
