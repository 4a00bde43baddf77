// SPDX-License-Identifier: Apache-2.0
// Threads that get in each other's way, for tests/vm/cases/10_kernel_events.sh: each marks whatever
// it does with its own name, or one rewrites the path that others open.
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/acts/act.h"
#include "tests/acts/address.h"

namespace acts {
namespace {

constexpr int kFirstPort = 20000;
// Of each second thread the path is too long for the small entries of calls under way.
constexpr size_t kLong = 600;

struct Marked {
  std::string name;  // "t017", the thread's and of its file
  std::string path;
  std::string none;  // is not there
  uint16_t port;
};

std::string FolderOf(const std::string& folder, int thread) {
  std::string path = folder;
  if (thread % 2 == 0) return path;
  while (path.size() < folder.size() + kLong) {
    path += "/a-folder-with-a-name-of-fifty-bytes-or-very-nearly-so";
    mkdir(path.c_str(), 0755);
  }
  return path;
}

Marked Mark(const std::string& folder, int thread) {
  char name[16];
  snprintf(name, sizeof name, "t%03d", thread);
  return {name, FolderOf(folder, thread) + "/" + name, folder + "/" + name + "-none",
          static_cast<uint16_t>(kFirstPort + thread)};
}

void Perform(const Marked& mark, int rounds) {
  const sockaddr_in address = Local(mark.port);
  prctl(PR_SET_NAME, mark.name.c_str());
  for (int i = 0; i < rounds; i++) {
    close(static_cast<int>(syscall(SYS_openat, AT_FDCWD, mark.path.c_str(), O_RDONLY)));
    syscall(SYS_openat, AT_FDCWD, mark.none.c_str(), O_RDONLY);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, Any(address), sizeof address);
    close(fd);
  }
}

// Overwrites the path's last five bytes all the time.
void Rewrite(char* end, const std::atomic<bool>& done) {
  for (unsigned i = 0; !done; i++) memcpy(end, i % 2 == 0 ? "decoy" : "truth", 5);
}

}  // namespace

int Crossed(const char* folder, int count, int rounds) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) {
    const Marked mark = Mark(folder, i);
    if (!MakeFile(mark.path)) return 1;
    threads.emplace_back(Perform, mark, rounds);
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

int Rewritten(const char* folder, int rounds) {
  static char path[4096];
  struct stat truth {};
  int counts[3] = {};
  const std::string name = std::string(folder) + "/truth";
  if (!MakeFile(name) || !MakeFile(std::string(folder) + "/decoy") ||
      stat(name.c_str(), &truth) != 0)
    return 1;
  strncpy(path, name.c_str(), sizeof path - 1);
  std::atomic<bool> done{false};
  std::thread other(Rewrite, path + name.size() - 5, std::cref(done));
  for (int i = 0; i < rounds; i++) {
    struct stat opened {};
    const int fd = static_cast<int>(syscall(SYS_open, path, O_RDONLY));
    const bool there = fd >= 0 && fstat(fd, &opened) == 0;
    counts[!there ? 2 : opened.st_ino == truth.st_ino ? 0 : 1]++;
    close(fd);
  }
  done = true;
  other.join();
  printf("%d %d %d\n", counts[0], counts[1], counts[2]);
  return 0;
}

}  // namespace acts
