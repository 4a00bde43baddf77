// SPDX-License-Identifier: Apache-2.0
#include "engine/base/host.h"

#include <unistd.h>

namespace nsw {

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name[0] == '\0' ? "localhost" : name;
}

}  // namespace nsw
