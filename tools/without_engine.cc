// SPDX-License-Identifier: Apache-2.0
#include "tools/without_engine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdio>

#include "engine/base/escape.h"
#include "engine/pin_folder.h"

namespace nsw::tools {

UniqueFd LockOut() {
  UniqueFd lock(open(kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.Reset();
  return lock;
}

void LogWithoutEngine(const std::string& what) {
  openlog("nswarden", LOG_PID, LOG_AUTHPRIV);
  syslog(LOG_WARNING, "%s by uid %u pid %d, no engine runs", Escape(what).c_str(), getuid(),
         getpid());
  closelog();
}

int Failed(const std::string& why) {
  fprintf(stderr, "nswarden: %s\n", why.c_str());
  return 1;
}

}  // namespace nsw::tools
