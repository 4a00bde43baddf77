// SPDX-License-Identifier: Apache-2.0
// Sockets: one event for each act, with the address that the kernel used.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tests/acts/address.h"

namespace acts {
namespace {

// A listener in fd[1] and a socket to connect with in fd[0].
Outcome Server(Stage& s, int family, const sockaddr* address, socklen_t length) {
  s.fd[1] = socket(family, SOCK_STREAM, 0);
  s.fd[0] = socket(family, SOCK_STREAM, 0);
  return Must(bind(s.fd[1], address, length) == 0 && listen(s.fd[1], 5) == 0);
}

template <int port>
Outcome TcpServer(Stage& s) {
  const sockaddr_in address = Local(port);
  return Server(s, AF_INET, Any(address), sizeof address);
}

template <typename Address>
Outcome Connect(const Stage& s, const Address& address, socklen_t length = sizeof(Address)) {
  return Done(syscall(SYS_connect, s.fd[0], &address, length));
}

Outcome RingConnect(Stage& s, int port, bool async) {
  const sockaddr_in address = Local(port);
  return Done(ByRing({.opcode = IORING_OP_CONNECT,
                      .fd = s.fd[0],
                      .address = &address,
                      .offset = sizeof address,
                      .async = async}));
}

const std::vector<Act> kActs = {
    {"connect",
     "N1",
     TcpServer<7001>,
     [](Stage& s) { return Connect(s, Local(7001)); }  // namespace
     ,
     {{"evt.type", "connect"},
      {"fd.name", "~127.0.0.1:[0-9]+->127.0.0.1:7001"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7001"},
      {"fd.cip", "127.0.0.1"},
      {"fd.cport", "~[1-9][0-9]*"},
      {"fd.l4proto", "tcp"},
      {"fd.typechar", "4"},
      {"evt.res", "SUCCESS"}}}  // namespace acts
    ,
    {"connect-refused",
     "N1",
     [](Stage& s) {
       s.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return Connect(s, Local(7002)); },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7002"},
      {"evt.res", "ECONNREFUSED"}}},
    {"connect-non-blocking",
     "N10",
     [](Stage& s) {
       s.fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return Connect(s, Local(7003)); },
     // Over loopback the refusal may be there at once.
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7003"},
      {"evt.res", "~EINPROGRESS|ECONNREFUSED"}}},
    {"connect-udp",
     "N3",
     [](Stage& s) {
       s.fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return Connect(s, Local(7004)); },
     {{"evt.type", "connect"},
      {"fd.sport", "7004"},
      {"fd.l4proto", "udp"},
      {"evt.res", "SUCCESS"}}},
    {"connect-mapped",
     "N5",
     [](Stage& s) {
       const Outcome server = TcpServer<7005>(s);
       s.fd[0] = socket(AF_INET6, SOCK_STREAM, 0);
       return s.fd[0] < 0 ? Outcome::kBroken : server;
     },
     [](Stage& s) { return Connect(s, Local6(7005, "::ffff:127.0.0.1")); },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7005"},
      {"evt.res", "SUCCESS"}}},
    {"connect-v6",
     "N1",
     [](Stage& s) {
       const sockaddr_in6 address = Local6(7006, "::1");
       return Server(s, AF_INET6, Any(address), sizeof address);
     },
     [](Stage& s) { return Connect(s, Local6(7006, "::1")); },
     {{"evt.type", "connect"},
      {"fd.sip", "::1"},
      {"fd.sport", "7006"},
      {"fd.typechar", "6"},
      {"evt.res", "SUCCESS"}}},
    {"connect-unix",
     "N8",
     [](Stage& s) {
       const UnixAddress address = Unix(s.Path("socket"));
       return Server(s, AF_UNIX, Any(address.address), address.length);
     },
     [](Stage& s) {
       const UnixAddress address = Unix(s.Path("socket"));
       return Connect(s, address.address, address.length);
     },
     {{"evt.type", "connect"},
      {"fd.name", "$D/socket"},
      {"fd.typechar", "u"},
      {"fd.l4proto", "<NA>"},
      {"evt.res", "SUCCESS"}}},
    {"connect-abstract",
     "N8",
     [](Stage& s) {
       const UnixAddress address = Unix("@acts-abstract");
       return Server(s, AF_UNIX, Any(address.address), address.length);
     },
     [](Stage& s) {
       const UnixAddress address = Unix("@acts-abstract");
       return Connect(s, address.address, address.length);
     },
     {{"evt.type", "connect"},
      {"fd.name", "@acts-abstract"},
      {"fd.typechar", "u"},
      {"evt.res", "SUCCESS"}}},
    {"connect-bad-descriptor",
     "",
     nullptr,
     [](Stage& s) {
       s.fd[0] = 200;
       return Connect(s, Local(7007));
     },
     {{"evt.type", "connect"}, {"evt.res", "EBADF"}, {"fd.sip", "<NA>"}}},
    {"ring-connect",
     "N4",
     TcpServer<7008>,
     [](Stage& s) { return RingConnect(s, 7008, false); },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7008"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-connect-async",
     "N4",
     TcpServer<7009>,
     [](Stage& s) { return RingConnect(s, 7009, true); },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7009"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"int80-connect",
     "N1 X10",
     TcpServer<7010>,
     [](Stage& s) {
       static sockaddr_in address;
       address = Local(7010);
       return Done(Call32(362, s.fd[0], reinterpret_cast<long>(&address), sizeof address));
     },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7010"},
      {"evt.res", "SUCCESS"}}},
    {"fast-open",
     "N2",
     TcpServer<7011>,
     [](Stage& s) {
       const sockaddr_in address = Local(7011);
       return Done(sendto(s.fd[0], "x", 1, MSG_FASTOPEN, Any(address), sizeof address));
     },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7011"},
      {"fd.l4proto", "tcp"}}},
    {"sctp-connectx",
     "N11",
     [](Stage& s) {
       s.fd[0] = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) {
       constexpr int kConnectx = 110;  // SCTP_SOCKOPT_CONNECTX
       const sockaddr_in row[] = {Local(7012), Local(7012)};
       return Done(setsockopt(s.fd[0], IPPROTO_SCTP, kConnectx, row, sizeof row));
     },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7012"},
      {"evt.async", "true"}}},
};

}  // namespace

const std::vector<Act>& NetworkActs() { return kActs; }

}  // namespace acts
