// SPDX-License-Identifier: Apache-2.0
#include "engine/base/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/base/unique_fd.h"

namespace nsw {

void NotifyManager(std::string_view state) {
  const char* name = getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name == nullptr || strlen(name) >= sizeof address.sun_path) return;
  memcpy(address.sun_path, name, strlen(name));
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract one
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + strlen(name));
  sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), length);
}

void NotifyWatchdog() {
  const char* pid = getenv("WATCHDOG_PID");
  if (getenv("WATCHDOG_USEC") == nullptr) return;
  if (pid != nullptr && std::to_string(getpid()) != pid) return;  // it is our parent's
  NotifyManager("WATCHDOG=1");
}

}  // namespace nsw
