// SPDX-License-Identifier: Apache-2.0
// A prober: tasks that try what is forbidden, one try after the other, for the cases in which
// enforcement changes hands. What came of it is counted in a file that they share, and that others
// can read and write meanwhile.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/acts/act.h"
#include "tests/acts/address.h"

namespace acts {
namespace {

// The file: numbers of eight bytes. Of each kind of act, in the order of the table below, how many
// were refused; then how many were not; then what the prober is told.
struct Counts {
  std::atomic<uint64_t> refused[3];
  std::atomic<uint64_t> succeeded[3];
  std::atomic<uint64_t> pause;    // not 0: no further try
  std::atomic<uint64_t> stop;     // not 0: the end
  std::atomic<uint64_t> resting;  // tasks that obey `pause`
};

// Each returns true if it failed with EPERM. What fails otherwise was not refused.
bool OpenIsRefused(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd < 0 && errno == EPERM;
}

// Where it is not refused, it is the end of the task: see Supervise.
bool ExecIsRefused(const char* path) {
  const char* argv[] = {path, "idle", nullptr};
  execv(path, const_cast<char**>(argv));
  return errno == EPERM;
}

bool ConnectIsRefused(const char* port) {
  const sockaddr_in address = Local(static_cast<uint16_t>(atoi(port)));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused = connect(fd, Any(address), sizeof address) != 0 && errno == EPERM;
  close(fd);
  return refused;
}

struct Kind {
  std::string_view name;
  bool (*is_refused)(const char* what);
};

constexpr Kind kKinds[] = {
    {"open", OpenIsRefused}, {"exec", ExecIsRefused}, {"connect", ConnectIsRefused}};
constexpr int kStopped = 42;  // status of a task at its end

// 3: there is none of that name.
size_t KindOf(std::string_view name) {
  size_t kind = 0;
  while (kind < std::size(kKinds) && kKinds[kind].name != name) kind++;
  return kind;
}

Counts* Share(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(Counts)) != 0) return nullptr;
  void* memory = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<Counts*>(memory);
}

void Rest(Counts& counts) {
  counts.resting++;
  while (counts.pause != 0 && counts.stop == 0) usleep(10'000);
  counts.resting--;
}

[[noreturn]] void Try(Counts& counts, size_t kind, const char* what, long tries) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (long i = 0; (tries == 0 || i < tries) && counts.stop == 0; i++) {
    if (counts.pause != 0) Rest(counts);
    (kKinds[kind].is_refused(what) ? counts.refused : counts.succeeded)[kind]++;
  }
  _exit(kStopped);
}

// A task that ended otherwise has become the program that it may not run.
int Supervise(Counts& counts, int tasks) {
  for (int status = 0; tasks > 0 && wait(&status) > 0; tasks--) {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != kStopped) counts.succeeded[KindOf("exec")]++;
  }
  return tasks;
}

}  // namespace

int Probe(const char* path, long tries, char** acts) {
  Counts* counts = Share(path);
  if (counts == nullptr) return 1;
  int tasks = 0;
  for (; *acts != nullptr; acts++, tasks++) {
    char* what = strchr(*acts, ':');
    const size_t kind = what == nullptr ? std::size(kKinds) : KindOf({*acts, what});
    if (kind == std::size(kKinds)) return 2;
    const pid_t task = fork();
    if (task == 0) Try(*counts, kind, what + 1, tries);
    if (task < 0) return 1;
  }
  return Supervise(*counts, tasks);
}

}  // namespace acts
