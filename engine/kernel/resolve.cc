// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/resolve.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <memory>
#include <sstream>

#include "engine/base/file_system.h"
#include "engine/kernel/programs.h"

namespace nsw::kernel {
namespace {

/// struct resolved of bpf/identity.bpf.c.
struct Answer {
  uint64_t ino;
  uint64_t hash;
  uint32_t dev;
  uint32_t depth;
  uint32_t resolved;
  uint32_t reserved;
};

UniqueFd OpenInside(int root, const Inside& inside, const std::string& path,
                    uint64_t flags = O_PATH) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (inside.root_mount_only) how.resolve |= RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

/// mountinfo writes space, tab, newline and backslash as \ooo.
std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Of a line of mountinfo.
std::string MountPointOf(const std::string& line) {
  std::istringstream fields(line);
  std::string word;
  for (int i = 0; i < 5; ++i) fields >> word;
  return Unescape(word);
}

UniqueFd RootOf(pid_t pid) {
  const std::string where = "/proc/" + std::to_string(pid) + "/root";
  return UniqueFd(open(where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::string LinkAt(int root, const Inside& inside, const std::string& path) {
  const UniqueFd link = OpenInside(root, inside, path, O_PATH | O_NOFOLLOW);
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlinkat(link.get(), "", target.data(), target.size());
  target.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return target;
}

constexpr int kLinks = 40;  // as many as the kernel follows

}  // namespace

Result<Resolved> Resolver::Resolve(const Inside& inside, const std::string& path) const {
  const std::string process = std::to_string(inside.pid);
  const UniqueFd root = RootOf(inside.pid);
  if (!root.valid()) return FailErrno("/proc/" + process + "/root", errno);
  const UniqueFd file = OpenInside(root.get(), inside, path);
  if (!file.valid()) return FailErrno(path + " in the container of process " + process, errno);
  return Ask(file.get(), path);
}

Result<Resolver::Awaited> Resolver::Await(const Inside& inside, std::string path) const {
  const UniqueFd root = RootOf(inside.pid);
  std::string rest;
  int links = 0;
  while (root.valid()) {
    if (Result<Resolved> above = Resolve(inside, path)) return Awaited{*above, rest};
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos || path == "/" || path.ends_with("/..")) break;
    const std::string target = LinkAt(root.get(), inside, path);
    if (target.empty()) {
      rest.insert(0, path, slash);
      path.resize(std::max<size_t>(slash, 1));
    } else if (++links > kLinks) {
      break;
    } else {
      path = target.front() == '/' ? target : path.substr(0, slash + 1) + target;
    }
  }
  return Fail(path + " in the container of process " + std::to_string(inside.pid) +
              " leads nowhere");
}

std::vector<std::string> Resolver::Expand(const Inside& inside, const std::string& path,
                                          uint32_t hole) {
  size_t at = 0;
  for (uint32_t i = 0; i < hole; ++i) at = path.find('/', at + 1);
  const std::string above = path.substr(0, at + 1);
  const std::string rest = path.substr(std::min(path.find('/', at + 1), path.size()));
  std::vector<std::string> found;
  UniqueFd folder = OpenInside(RootOf(inside.pid).get(), inside, above, O_RDONLY | O_DIRECTORY);
  struct statfs file_system {};
  if (!folder.valid() || fstatfs(folder.get(), &file_system) != 0 ||
      file_system.f_type == PROC_SUPER_MAGIC)
    return found;
  const std::unique_ptr<DIR, int (*)(DIR*)> names(fdopendir(folder.Release()), closedir);
  while (const dirent* entry = names ? readdir(names.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    found.push_back(above + name + rest);
    if (found.size() == kExpanded) break;
  }
  return found;
}

Result<Resolved> Resolver::ResolveExe(pid_t pid) const {
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  const UniqueFd file(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file.valid()) return FailErrno(path, errno);
  return Ask(file.get(), path);
}

Result<Resolved> Resolver::Ask(int fd, const std::string& path) const {
  Result<uint32_t> failed = RunProgram(program_, {static_cast<uint64_t>(fd)});
  if (!failed) return tl::unexpected(failed.error());
  if (*failed != 0) return Fail("the kernel did not find the descriptor of " + path);
  Answer answer{};
  const uint32_t zero = 0;
  if (bpf_map_lookup_elem(answer_, &zero, &answer) != 0)
    return FailErrno("reading what the kernel resolved", errno);
  return Resolved{answer.ino, answer.dev, answer.hash, answer.depth, answer.resolved != 0};
}

Inside Resolver::Enter(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/mountinfo");
  bool root = false;
  bool slow = false;
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) return {0};
    const bool waits = !AnswersByItself(line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3));
    const bool is_root = MountPointOf(line) == "/";
    if (is_root && waits) return {0};
    root |= is_root;
    slow |= waits;
  }
  return root ? Inside(pid, slow) : Inside(0);
}

std::vector<std::string> Resolver::MountsBelow(pid_t pid, const std::string& path) {
  std::vector<std::string> found;
  std::ifstream file("/proc/" + std::to_string(pid) + "/mountinfo");
  const std::string prefix = path == "/" ? path : path + "/";
  for (std::string line; std::getline(file, line);) {
    std::string mount_point = MountPointOf(line);
    if (mount_point.starts_with(prefix)) found.push_back(std::move(mount_point));
  }
  return found;
}

}  // namespace nsw::kernel
