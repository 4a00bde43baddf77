// SPDX-License-Identifier: Apache-2.0
// UserFolder: reads small files below a folder that somebody else rules, perhaps somebody who wants
// root's daemon to read another file, wait for ever or eat up its memory. No link is followed, no
// mount point crossed (behind one may be a file system of the user's own, which answers when it
// likes), and only plain files of the folder's owner are read, up to a size.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::container {

class UserFolder {
 public:
  /// Error: not there, not a folder of `owner`, or on a file system that can keep us waiting.
  static Result<UserFolder> Open(const std::string& path, uid_t owner);

  /// A file, by its path below the folder.
  [[nodiscard]] Result<std::string> Read(const std::string& path, size_t max) const;
  /// Whether there is such a folder of the owner below this one.
  [[nodiscard]] bool HasFolder(const std::string& path) const;
  /// inotify_add_watch on a folder below this one; false if that is not possible.
  [[nodiscard]] bool Watch(int inotify, const std::string& path, uint32_t events) const;

 private:
  UserFolder(UniqueFd fd, uid_t owner) : fd_(std::move(fd)), owner_(owner) {}
  [[nodiscard]] UniqueFd OpenBelow(const std::string& path, uint64_t flags) const;

  UniqueFd fd_;
  uid_t owner_;
};

}  // namespace nsw::container
