// SPDX-License-Identifier: Apache-2.0
// Reads a process that was there before the engine from /proc.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "bpf/abi.h"
#include "engine/base/unique_fd.h"
#include "engine/event/process.h"

namespace nsw::event {
namespace {

constexpr size_t kTextMax = 4096;

std::string ReadFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kTextMax> room;
  const ssize_t n = fd.valid() ? read(fd.get(), room.data(), room.size()) : -1;
  return n <= 0 ? std::string{} : std::string(room.data(), static_cast<size_t>(n));
}

std::string ReadLink(const std::string& path) {
  std::array<char, kTextMax> room;
  const ssize_t n = readlink(path.c_str(), room.data(), room.size());
  return n <= 0 ? std::string{} : std::string(room.data(), static_cast<size_t>(n));
}

// The n-th field (from 1) of /proc/PID/stat; the second is a name in parentheses that can hold
// anything.
uint64_t StatField(std::string_view stat, int n) {
  const size_t close = stat.rfind(')');
  if (close == std::string_view::npos || close + 2 > stat.size()) return 0;
  stat.remove_prefix(close + 2);
  for (int i = 3; i < n; i++) {
    const size_t space = stat.find(' ');
    if (space == std::string_view::npos) return 0;
    stat.remove_prefix(space + 1);
  }
  uint64_t value = 0;
  std::from_chars(stat.data(), stat.data() + stat.size(), value);
  return value;
}

std::string WithoutFirst(const std::string& args) {
  const size_t end = args.find('\0');
  std::string rest = end == std::string::npos ? std::string{} : args.substr(end);
  while (!rest.empty() && rest.back() == '\0') rest.pop_back();
  std::replace(rest.begin(), rest.end(), '\0', ' ');
  return rest;
}

// Sets the program. The link says " (deleted)" behind the name of one that was unlinked, and so can
// a name itself: the link count tells.
void ReadProgram(const std::string& link, Process& out) {
  constexpr std::string_view kDeleted = " (deleted)";
  constexpr std::string_view kMemfd = "/memfd:";
  out.exepath = ReadLink(link);
  struct statx file {};
  // Not asking a server that may never answer.
  const int failed = statx(AT_FDCWD, link.c_str(), AT_STATX_DONT_SYNC, STATX_NLINK, &file);
  if (failed != 0 || file.stx_nlink != 0) return;
  if (out.exepath.ends_with(kDeleted)) out.exepath.resize(out.exepath.size() - kDeleted.size());
  out.exe_flags = out.exepath.starts_with(kMemfd) ? NSW_EXE_MEMFD : NSW_EXE_UNLINKED;
}

class ProcFsReader final : public ProcessReader {
 public:
  bool Read(uint32_t pid, Process& out) const override {
    const std::string dir = "/proc/" + std::to_string(pid) + "/";
    const std::string stat = ReadFile(dir + "stat");
    if (stat.empty()) return false;
    const auto ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
    out.start_ns = StatField(stat, 22) * (1'000'000'000 / ticks);
    out.ppid = static_cast<uint32_t>(StatField(stat, 4));
    out.tty = static_cast<uint32_t>(StatField(stat, 7));
    ReadProgram(dir + "exe", out);
    out.cwd = ReadLink(dir + "cwd");
    out.name = ReadFile(dir + "comm");
    if (!out.name.empty() && out.name.back() == '\n') out.name.pop_back();
    const std::string args = ReadFile(dir + "cmdline");
    out.exe = args.substr(0, args.find('\0'));
    out.cmdline = out.name + WithoutFirst(args);
    return true;
  }
};

}  // namespace

const ProcessReader& ProcReader() {
  static const ProcFsReader reader;
  return reader;
}

}  // namespace nsw::event
