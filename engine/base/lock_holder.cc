// SPDX-License-Identifier: Apache-2.0
#include "engine/base/lock_holder.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace nsw {

// A line of proc_locks(5): "1: FLOCK ADVISORY WRITE 4711 00:1a:123 0 EOF".
pid_t LockHolder(int fd) {
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return 0;
  char wanted[64];
  snprintf(wanted, sizeof wanted, "%02x:%02x:%ju", major(facts.st_dev), minor(facts.st_dev),
           static_cast<uintmax_t>(facts.st_ino));
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, how, access, file;
    pid_t pid = 0;
    words >> number >> kind >> how >> access >> pid >> file;
    if (kind == "FLOCK" && file == wanted) return pid;
  }
  return 0;
}

}  // namespace nsw
