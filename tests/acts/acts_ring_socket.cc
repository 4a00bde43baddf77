// SPDX-License-Identifier: Apache-2.0
// Accepts and sends by io_uring, and what came of them.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <unistd.h>

#include "tests/acts/address.h"

namespace acts {
namespace {

Outcome Stream(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0); }

// A listener in fd[0].
template <int port>
Outcome Listener(Stage& s) {
  const sockaddr_in address = Local(port);
  return Must(Stream(s) == Outcome::kDone && bind(s.fd[0], Any(address), sizeof address) == 0 &&
              listen(s.fd[0], 5) == 0);
}

// ... and fd[1], which is connected to it.
template <int port>
Outcome Called(Stage& s) {
  const sockaddr_in address = Local(port);
  s.fd[1] = socket(AF_INET, SOCK_STREAM, 0);
  return Must(Listener<port>(s) == Outcome::kDone &&
              connect(s.fd[1], Any(address), sizeof address) == 0);
}

Outcome Datagram(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0); }

Outcome RingAccept(const Stage& s, unsigned short priority = 0) {
  if (!RingActsApart()) return Outcome::kAbsent;
  return Done(ByRing({.opcode = IORING_OP_ACCEPT, .fd = s.fd[0], .priority = priority}));
}

Outcome RingSend(const Stage& s, const sockaddr_in& address) {
  if (!RingActsApart()) return Outcome::kAbsent;
  // The length of the address lies where an open has its place in the table.
  return Done(ByRing({.opcode = IORING_OP_SEND,
                      .fd = s.fd[0],
                      .address = "x",
                      .length = 1,
                      .offset = reinterpret_cast<uintptr_t>(&address),
                      .slot = sizeof address}));
}

const std::vector<Act> kActs = {
    {"ring-accepted",
     "N4 N9",
     Called<7210>,
     [](Stage& s) { return RingAccept(s); },
     {{"evt.type", "accept4"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]*->127.0.0.1:7210"},
      {"evt.rawres", "~[1-9][0-9]*"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing,
     true},
    // Nobody is there yet: the kernel comes again.
    {"ring-accepted-later",
     "N4 N9",
     Listener<7211>,
     [](Stage& s) {
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = IORING_OP_ACCEPT, .fd = s.fd[0], .meanwhile = [] {
                             const sockaddr_in address = Local(7211);
                             const int fd = socket(AF_INET, SOCK_STREAM, 0);
                             connect(fd, Any(address), sizeof address);
                           }}));
     },
     {{"evt.type", "accept4"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]*->127.0.0.1:7211"},
      {"evt.rawres", "~[1-9][0-9]*"},
      {"evt.res", "SUCCESS"}},
     "io_uring_setup mmap socket connect",
     true},
    {"ring-accepted-many",
     "N4 N9",
     Called<7212>,
     [](Stage& s) { return RingAccept(s, 1 /* MULTISHOT */); },
     {{"evt.type", "accept4"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]*->127.0.0.1:7212"},
      {"evt.async", "true"}},
     kRing,
     true},
    {"ring-accept-no-listener",
     "N4 N9",
     Stream,
     [](Stage& s) { return RingAccept(s); },
     {{"evt.type", "accept4"}, {"evt.async", "true"}, {"evt.res", "EINVAL"}},
     kRing,
     true},
    {"ring-sent",
     "N3 N4",
     Datagram,
     [](Stage& s) { return RingSend(s, Local(7213)); },
     {{"evt.type", "sendto"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7213"},
      {"evt.rawres", "1"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing,
     true},
    {"ring-send-refused",
     "N3 N4",
     Datagram,
     [](Stage& s) {
       sockaddr_in everybody = Local(7214);
       everybody.sin_addr.s_addr = INADDR_BROADCAST;
       return RingSend(s, everybody);
     },
     {{"evt.type", "sendto"},
      {"fd.sport", "7214"},
      {"evt.async", "true"},
      {"evt.res", "~EACCES|ENETUNREACH"}},
     kRing,
     true},
    {"ring-send-connected",
     "N3 N4",
     [](Stage& s) {
       const sockaddr_in address = Local(7215);
       return Must(Datagram(s) == Outcome::kDone &&
                   connect(s.fd[0], Any(address), sizeof address) == 0);
     },
     [](Stage& s) {
       return Done(ByRing({.opcode = IORING_OP_SEND, .fd = s.fd[0], .address = "x", .length = 1}));
     },
     {},
     kRing},
};

}  // namespace

const std::vector<Act>& RingSocketActs() { return kActs; }

}  // namespace acts
