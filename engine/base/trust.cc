// SPDX-License-Identifier: Apache-2.0
#include "engine/base/trust.h"

#include <cerrno>
#include <cstring>

namespace nsw {

namespace fs = std::filesystem;

std::string Distrust(const struct stat& status) {
  if (status.st_uid != 0)
    return "it belongs to user " + std::to_string(status.st_uid) + ", not to root";
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
    return "others than root can write to it";
  return {};
}

std::string DistrustDirectory(const fs::path& directory) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) return "cannot be read: " + error.message();
  for (fs::path at = real;; at = at.parent_path()) {
    struct stat status {};
    if (stat(at.c_str(), &status) != 0) return "cannot be read: " + std::string(strerror(errno));
    const std::string why = Distrust(status);
    if (!why.empty()) return at == real ? why : "of " + at.string() + ", " + why;
    if (at == at.root_path()) return {};
  }
}

}  // namespace nsw
