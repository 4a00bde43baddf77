// SPDX-License-Identifier: Apache-2.0
// Processes that live about a millisecond, one after the other under one process id, for
// tests/vm/cases/42_identity.sh: each runs one of two programs or none, and opens a file that says
// which.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/acts/act.h"

namespace acts {
namespace {

// In the PID namespace of the host, so that it is the host's number that is used again.
bool SetLast(int fd, pid_t last) {
  char text[16];
  const int n = snprintf(text, sizeof text, "%d", last);
  return pwrite(fd, text, static_cast<size_t>(n), 0) == n;
}

[[noreturn]] void Child(pid_t wanted, const char* program, const std::string& path) {
  if (getpid() != wanted) _exit(9);
  if (program == nullptr) _exit(OpenOne(path.c_str()));
  const char* argv[] = {"idle", "open", path.c_str(), nullptr};
  execv(program, const_cast<char**>(argv));
  _exit(1);
}

enum class Had { kDone, kTaken, kFailed };

// Others make processes, too, and may be faster. Tries until the number is had: one that lives long
// may have it.
Had RunAs(int fd, pid_t pid, const char* program, const std::string& path) {
  int status = 0;
  for (int i = 0; i < 100; i++) {
    if (!SetLast(fd, pid - 1)) return Had::kFailed;
    const pid_t child = fork();
    if (child == 0) Child(pid, program, path);
    if (waitpid(child, &status, 0) != child) return Had::kFailed;
    if (child == pid && status == 0) return Had::kDone;
    if (child != pid) continue;
    fprintf(stderr, "process %d, %s: status %#x\n", pid, path.c_str(), status);
    return Had::kFailed;
  }
  return Had::kTaken;
}

// A number that nobody has, far from those that are given next, and below the smallest limit.
pid_t FreeNumber() {
  constexpr pid_t kMost = 32000;
  pid_t pid = getpid() + 2000;
  for (;; pid++) {
    if (pid > kMost) pid = 2000;
    if (kill(pid, 0) != 0 && errno == ESRCH) return pid;
  }
}

bool MakeProgram(const char* path) {
  const int fd = open(path, O_CREAT | O_WRONLY, 0755);
  const bool good = fd >= 0 && CopyProgram(fd);
  close(fd);
  return good;
}

}  // namespace

int OpenOne(const char* path) {
  const int fd = open(path, O_CREAT | O_WRONLY, 0600);
  return fd < 0 ? 1 : 0;
}

int Reuse(const char* folder, int rounds) {
  const std::string at = folder;
  const std::string a = at + "/program-a";
  const std::string b = at + "/program-b";
  const int last = open("/proc/sys/kernel/ns_last_pid", O_RDWR);
  if (last < 0 || !MakeProgram(a.c_str()) || !MakeProgram(b.c_str())) return 1;
  const auto run_all = [&](pid_t pid) {
    Had outcome = Had::kDone;
    for (int i = 0; i < rounds && outcome == Had::kDone; i++) {
      const std::string number = "." + std::to_string(i);
      outcome = RunAs(last, pid, a.c_str(), at + "/a" + number);
      if (outcome == Had::kDone) outcome = RunAs(last, pid, b.c_str(), at + "/b" + number);
      if (outcome == Had::kDone) outcome = RunAs(last, pid, nullptr, at + "/none" + number);
    }
    return outcome;
  };
  pid_t pid = 0;
  Had outcome = Had::kTaken;
  for (int i = 0; i < 10 && outcome == Had::kTaken; i++) outcome = run_all(pid = FreeNumber());
  if (outcome == Had::kTaken) fprintf(stderr, "others had each number that was tried\n");
  if (outcome != Had::kDone) return 1;
  printf("%d\n", pid);
  return 0;
}

}  // namespace acts
