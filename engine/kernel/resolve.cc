// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/resolve.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

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

UniqueFd OpenInside(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
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

}  // namespace

Result<Resolved> Resolver::Resolve(pid_t pid, const std::string& path) const {
  const std::string where = "/proc/" + std::to_string(pid) + "/root";
  const UniqueFd root(open(where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return FailErrno(where, errno);
  const UniqueFd file = OpenInside(root.get(), path);
  if (!file.valid())
    return FailErrno(path + " in the container of process " + std::to_string(pid), errno);
  return Ask(file.get(), path);
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

bool Resolver::MayWait(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/mountinfo");
  bool any = false;
  for (std::string line; std::getline(file, line); any = true) {
    if (line.find(" - fuse") != std::string::npos) return true;
  }
  return !any;
}

std::vector<std::string> Resolver::MountsBelow(pid_t pid, const std::string& path) {
  std::vector<std::string> found;
  std::ifstream file("/proc/" + std::to_string(pid) + "/mountinfo");
  const std::string prefix = path == "/" ? path : path + "/";
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string skip;
    std::string mount_point;
    for (int i = 0; i < 4; ++i) fields >> skip;
    fields >> mount_point;
    mount_point = Unescape(mount_point);
    if (mount_point.starts_with(prefix)) found.push_back(mount_point);
  }
  return found;
}

}  // namespace nsw::kernel
