// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_acts.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/base/unique_fd.h"
#include "tools/demo_container.h"

namespace nsw::tools {

const std::vector<Act>& DemoActs() {
  static const std::vector<Act> acts{
      {"opens a shell", {{"/bin/sh", "-c", "echo this is a shell"}}, "shell in a container"},
      {"reads the password hashes", {{"/bin/cat", "/etc/shadow"}}, "demo/read//etc/shadow", true},
      {"reads them by another name",
       {{"/bin/ln", "-s", "../etc/shadow", "/srv/notes"}, {"/bin/cat", "/srv/notes"}},
       "demo/read//etc/shadow",
       true},
      {"plants a cron job",
       {{"/bin/cp", "/etc/hostname", "/etc/cron.d/job"}},
       "demo/write//etc/**",
       true},
      {"runs what it has put into /tmp",
       {{"/bin/cp", "/bin/true", "/tmp/miner"}, {"/usr/bin/env", "/tmp/miner"}},
       "demo/exec//tmp/**",
       true},
      {"asks the cloud for its credentials",
       {{kDemoProgram, "demo", "--connect", "169.254.169.254:80"}},
       "demo/connect/169.254.169.254",
       true},
      {"reads what anybody may", {{"/bin/cat", "/etc/hostname"}}, ""},
  };
  return acts;
}

std::string DemoPolicy(const std::string& container) {
  return "nswarden: 1\n"
         "policy: demo\n"
         "containers: [" +
         container + "]\n" +
         R"(mode: enforce
deny:
  read: [/etc/shadow]
  write: ["/etc/**"]
  exec: ["/tmp/**"]
  connect: [169.254.169.254]
rules:
  - rule: shell in a container
    desc: somebody runs a shell
    condition: evt.type in (execve, execveat) and proc.name = sh and evt.res = SUCCESS
    output: shell in %container.name (%proc.cmdline, parent %proc.pname)
    priority: NOTICE
)";
}

int DemoConnect(const std::string& to) {
  const size_t colon = to.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<uint16_t>(atoi(to.c_str() + (colon == std::string::npos ? 0 : colon + 1))));
  if (colon == std::string::npos ||
      inet_pton(AF_INET, to.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    fprintf(stderr, "%s: not ADDRESS:PORT\n", to.c_str());
    return 2;
  }
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
  fprintf(stderr, "connect to %s: %s\n", to.c_str(), strerror(errno));
  return 1;
}

}  // namespace nsw::tools
