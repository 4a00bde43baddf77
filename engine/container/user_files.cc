// SPDX-License-Identifier: Apache-2.0
#include "engine/container/user_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "engine/base/file_system.h"

namespace nsw::container {
namespace {

std::string ProcFd(const char* folder, int fd) {
  return std::string("/proc/self/") + folder + "/" + std::to_string(fd);
}

// The type of the file system that a descriptor is on, without asking that file system.
std::string FileSystemOf(int fd) {
  std::ifstream info(ProcFd("fdinfo", fd));
  std::string word;
  std::string mount;
  while (info >> word) {
    if (word == "mnt_id:") info >> mount;
  }
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (!line.starts_with(mount + ' ')) continue;
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) break;
    return line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3);
  }
  return "";
}

}  // namespace

Result<UserFolder> UserFolder::Open(const std::string& path, uid_t owner) {
  UniqueFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno(path, errno);
  if (!AnswersByItself(FileSystemOf(fd.get()))) return Fail(path + ": on a foreign file system");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return FailErrno(path, errno);
  if (info.st_uid != owner) return Fail(path + ": belongs to another user");
  return UserFolder(std::move(fd), owner);
}

UniqueFd UserFolder::OpenBelow(const std::string& path, uint64_t flags) const {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(
      static_cast<int>(syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how)));
}

Result<std::string> UserFolder::Read(const std::string& path, size_t max) const {
  // What opens but is no plain file (a pipe) must not be waited for.
  const UniqueFd fd = OpenBelow(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid()) return FailErrno(path, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return FailErrno(path, errno);
  if (!S_ISREG(info.st_mode) || info.st_uid != owner_) return Fail(path + ": not a file of theirs");
  if (static_cast<uint64_t>(info.st_size) > max) return Fail(path + ": too large");
  std::string text(static_cast<size_t>(info.st_size), '\0');
  size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = read(fd.get(), text.data() + got, text.size() - got);
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  text.resize(got);
  return text;
}

bool UserFolder::HasFolder(const std::string& path) const {
  const UniqueFd fd = OpenBelow(path, O_PATH | O_DIRECTORY);
  struct stat info {};
  return fd.valid() && fstat(fd.get(), &info) == 0 && info.st_uid == owner_;
}

bool UserFolder::Watch(int inotify, const std::string& path, uint32_t events) const {
  const UniqueFd fd = OpenBelow(path, O_PATH | O_DIRECTORY);
  return fd.valid() &&
         inotify_add_watch(inotify, ProcFd("fd", fd.get()).c_str(), events | IN_ONLYDIR) >= 0;
}

}  // namespace nsw::container
