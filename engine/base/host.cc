// SPDX-License-Identifier: Apache-2.0
#include "engine/base/host.h"

#include <unistd.h>

#include <fstream>

namespace nsw {

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name[0] == '\0' ? "localhost" : name;
}

std::string BootId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace nsw
