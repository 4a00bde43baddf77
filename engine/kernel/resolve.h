// SPDX-License-Identifier: Apache-2.0
// Resolver: from a path inside a container to the file behind it, numbered as the kernel programs
// number it. Used by the deny-map driver at bind and push. One thread.
//
// The path is followed as the container's process would (symlinks end in its own root and never in
// ours), and the file is held by an O_PATH descriptor. Device and inode are then read by a BPF
// program and not by stat, which on several file systems tells another device than the one that the
// LSM programs see.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::kernel {

/// A file as the kernel sees it.
struct Resolved {
  uint64_t ino = 0;
  uint32_t dev = 0;
  uint64_t hash = 0;      ///< of its path up to the root of its mount namespace, symlinks resolved
  uint32_t depth = 0;     ///< components of that path
  bool has_path = false;  ///< false: detached, or too deep
};

/// Whose view of the files it is.
struct Inside {
  Inside(pid_t process, bool no_mounts = false) : pid(process), root_mount_only(no_mounts) {}
  pid_t pid;             ///< 0: nobody's, nothing is found
  bool root_mount_only;  ///< what is mounted there is not looked into
};

class Resolver {
 public:
  /// `program`: nsw_resolve. `answer`: the map that it answers in.
  Resolver(int program, int answer) : program_(program), answer_(answer) {}

  /// Errors: no such process, no such file (the container may make it later), a program that does
  /// not run.
  [[nodiscard]] Result<Resolved> Resolve(const Inside& inside, const std::string& path) const;

  /// Where a path that leads to nothing yet will lead to once somebody makes that, links followed:
  /// the directory of it that is there, and the components below. Errors: as Resolve; what nobody
  /// can make.
  struct Awaited {
    Resolved above;
    std::string rest;  ///< "/name", or several
  };
  [[nodiscard]] Result<Awaited> Await(const Inside& inside, std::string path) const;

  /// The paths that are there now for one whose component number `hole`, from 0, is any: what there
  /// is in that directory, not whether the rest of it is there. Of at most `kExpanded` names, and
  /// none of procfs, whose processes come and go.
  [[nodiscard]] static std::vector<std::string> Expand(const Inside& inside,
                                                       const std::string& path, uint32_t hole);
  static constexpr size_t kExpanded = 256;

  /// The file that a process runs, wherever its name is now. Errors: as Resolve.
  [[nodiscard]] Result<Resolved> ResolveExe(pid_t pid) const;

  /// How the files of `pid` can be looked at without waiting for anybody: where somebody else than
  /// the kernel answers for a file system there (AnswersByItself), no mount is entered; nobody's
  /// where that is the root, or cannot be told.
  [[nodiscard]] static Inside Enter(pid_t pid);

  /// The mount points at or below `path` in the namespace of `pid`, from mountinfo.
  [[nodiscard]] static std::vector<std::string> MountsBelow(pid_t pid, const std::string& path);

 private:
  [[nodiscard]] Result<Resolved> Ask(int fd, const std::string& path) const;

  int program_;
  int answer_;
};

}  // namespace nsw::kernel
