// SPDX-License-Identifier: Apache-2.0
#include "engine/base/host.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace nsw {

Result<HostNamespaces> ReadHostNamespaces() {
  struct stat mount {};
  struct stat pid {};
  if (stat("/proc/1/ns/mnt", &mount) != 0 || stat("/proc/1/ns/pid", &pid) != 0) {
    return FailErrno("the namespaces of PID 1 (/proc/1/ns) cannot be read; run as root", errno);
  }
  return HostNamespaces{static_cast<uint32_t>(mount.st_ino), static_cast<uint32_t>(pid.st_ino)};
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name[0] == '\0' ? "localhost" : name;
}

}  // namespace nsw
