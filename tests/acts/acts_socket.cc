// SPDX-License-Identifier: Apache-2.0
// What is done with sockets beside connecting them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "tests/acts/address.h"

namespace acts {
namespace {

Outcome Stream(Stage& s) {
  const int one = 1;
  s.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
  return Must(setsockopt(s.fd[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
}

Outcome Datagram(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0); }

Outcome BindTo(const Stage& s, const sockaddr_in& address) {
  return Done(syscall(SYS_bind, s.fd[0], &address, sizeof address));
}

template <int port>
Outcome BoundStream(Stage& s) {
  const sockaddr_in address = Local(port);
  return Must(Stream(s) == Outcome::kDone && bind(s.fd[0], Any(address), sizeof address) == 0);
}

// A listener in fd[0], and a connection to it that waits.
Outcome Waiting(Stage& s, const sockaddr* address, socklen_t length) {
  s.fd[0] = socket(address->sa_family, SOCK_STREAM, 0);
  s.fd[1] = socket(address->sa_family, SOCK_STREAM, 0);
  return Must(bind(s.fd[0], address, length) == 0 && listen(s.fd[0], 5) == 0 &&
              connect(s.fd[1], address, length) == 0);
}

template <int port>
Outcome WaitingStream(Stage& s) {
  const sockaddr_in address = Local(port);
  return Waiting(s, Any(address), sizeof address);
}

// A message to that address.
struct Message {
  explicit Message(const sockaddr_in& to) : address(to) {
    header.msg_name = &address;
    header.msg_namelen = sizeof address;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
  }
  char byte = 'x';
  iovec part{&byte, 1};
  sockaddr_in address;
  msghdr header{};
};

// Sends the descriptor over a pair of sockets: it waits in fd[0].
Outcome Pass(Stage& s, int what) {
  int pair[2];
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return Outcome::kBroken;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof what);
  std::memcpy(CMSG_DATA(control), &what, sizeof what);
  s.fd[0] = pair[0];
  return Must(sendmsg(pair[1], &header, 0) == 1);
}

Outcome Receive(Stage& s) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  return Must(recvmsg(s.fd[0], &header, 0) == 1);
}

const std::vector<Act> kActs = {
    {"socket",
     "",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); },
     {{"evt.type", "socket"},
      {"evt.arg.domain", "AF_INET"},
      {"evt.arg.type", "SOCK_STREAM"},
      {"evt.res", "SUCCESS"}}},
    {"socket-raw",
     "N6",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP)); },
     {{"evt.type", "socket"},
      {"evt.arg.domain", "AF_INET"},
      {"evt.arg.type", "SOCK_RAW"},
      {"evt.arg.proto", "1"},
      {"evt.res", "SUCCESS"}}},
    {"socket-packet",
     "N6",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0)); },
     {{"evt.type", "socket"}, {"evt.arg.domain", "AF_PACKET"}, {"evt.arg.type", "SOCK_RAW"}}},
    {"socket-vsock",
     "N6",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0)); },
     {{"evt.type", "socket"}, {"evt.arg.domain", "AF_VSOCK"}}},
    {"socketpair",
     "N8",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, s.number)); },
     {{"evt.type", "socketpair"}, {"evt.arg.domain", "AF_UNIX"}, {"evt.res", "SUCCESS"}}},
    {"ring-socket",
     "N4 N6",
     nullptr,
     [](Stage& s) {
       const long result = ByRing(
           {.opcode = 45 /* SOCKET */, .fd = AF_INET, .length = IPPROTO_ICMP, .offset = SOCK_RAW});
       return result == -EINVAL ? Outcome::kAbsent : Done(result);
     },
     {{"evt.type", "socket"},
      {"evt.arg.domain", "AF_INET"},
      {"evt.arg.type", "SOCK_RAW"},
      {"evt.async", "true"}},
     kRing,
     true},
    {"bind",
     "N9",
     Stream,
     [](Stage& s) { return BindTo(s, Local(7101)); },
     {{"evt.type", "bind"},
      {"fd.name", "127.0.0.1:7101"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7101"},
      {"fd.is_server", "true"},
      {"evt.res", "SUCCESS"}}},
    {"bind-every-address",
     "N9",
     Stream,
     [](Stage& s) {
       sockaddr_in address = Local(7102);
       address.sin_addr.s_addr = 0;
       return BindTo(s, address);
     },
     {{"evt.type", "bind"},
      {"fd.name", "0.0.0.0:7102"},
      {"fd.sport", "7102"},
      {"evt.res", "SUCCESS"}}},
    {"bind-any-port",
     "N9",
     Stream,
     [](Stage& s) { return BindTo(s, Local(0)); },
     {{"evt.type", "bind"}, {"fd.name", "~127.0.0.1:[1-9][0-9]+"}, {"evt.res", "SUCCESS"}}},
    {"bind-unix",
     "N8",
     [](Stage& s) { return Must((s.fd[0] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0); },
     [](Stage& s) {
       const UnixAddress address = Unix(s.Path("socket"));
       return Done(syscall(SYS_bind, s.fd[0], &address.address, address.length));
     },
     {{"evt.type", "bind"},
      {"fd.name", "$D/socket"},
      {"fd.typechar", "u"},
      {"evt.res", "SUCCESS"}}},
    {"ring-bind",
     "N4 N9",
     Stream,
     [](Stage& s) {
       const sockaddr_in address = Local(7103);
       const long result = ByRing(
           {.opcode = 56 /* BIND */, .fd = s.fd[0], .address = &address, .offset = sizeof address});
       return result == -EINVAL ? Outcome::kAbsent : Done(result);
     },
     {{"evt.type", "bind"}, {"fd.name", "127.0.0.1:7103"}, {"evt.async", "true"}},
     kRing,
     true},
    {"listen",
     "N9",
     BoundStream<7104>,
     [](Stage& s) { return Done(syscall(SYS_listen, s.fd[0], 77)); },
     {{"evt.type", "listen"},
      {"fd.name", "127.0.0.1:7104"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7104"},
      {"fd.typechar", "4"},
      {"evt.arg.backlog", "77"},
      {"evt.res", "SUCCESS"}}},
    {"accept",
     "N9",
     WaitingStream<7105>,
     [](Stage& s) { return Done(syscall(SYS_accept, s.fd[0], nullptr, nullptr)); },
     {{"evt.type", "accept"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]+->127.0.0.1:7105"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7105"},
      {"fd.cip", "127.0.0.1"},
      {"fd.l4proto", "tcp"},
      {"fd.connected", "true"},
      {"fd.is_server", "true"},
      {"evt.res", "SUCCESS"}}},
    {"accept4-unix",
     "N8",
     [](Stage& s) {
       const UnixAddress address = Unix(s.Path("socket"));
       return Waiting(s, Any(address.address), address.length);
     },
     [](Stage& s) { return Done(syscall(SYS_accept4, s.fd[0], nullptr, nullptr, SOCK_CLOEXEC)); },
     {{"evt.type", "accept4"},
      {"fd.name", "$D/socket"},
      {"fd.typechar", "u"},
      {"evt.res", "SUCCESS"}}},
    {"accept-nobody",
     "N10",
     [](Stage& s) {
       const Outcome bound = BoundStream<7106>(s);
       fcntl(s.fd[0], F_SETFL, O_NONBLOCK);
       return listen(s.fd[0], 1) == 0 ? bound : Outcome::kBroken;
     },
     [](Stage& s) { return Done(syscall(SYS_accept4, s.fd[0], nullptr, nullptr, 0)); },
     {{"evt.type", "accept4"}, {"fd.sport", "7106"}, {"evt.res", "EAGAIN"}}},
    {"ring-accept",
     "N4",
     WaitingStream<7107>,
     [](Stage& s) { return Done(ByRing({.opcode = IORING_OP_ACCEPT, .fd = s.fd[0]})); },
     {{"evt.type", "accept4"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]+->127.0.0.1:7107"},
      {"evt.async", "true"}},
     kRing},
    {"int80-accept4",
     "N9 X10",
     WaitingStream<7108>,
     [](Stage& s) { return Done(Call32(364, s.fd[0])); },
     {{"evt.type", "accept4"}, {"fd.sport", "7108"}, {"evt.res", "SUCCESS"}}},
    {"sendto",
     "N3",
     Datagram,
     [](Stage& s) {
       const sockaddr_in address = Local(7110);
       return Done(syscall(SYS_sendto, s.fd[0], "x", 1, 0, &address, sizeof address));
     },
     {{"evt.type", "sendto"},
      {"fd.name", "~.*->127.0.0.1:7110"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7110"},
      {"fd.l4proto", "udp"},
      {"fd.connected", "false"},
      {"fd.name_changed", "true"},
      {"evt.res", "SUCCESS"}}},
    {"sendmsg",
     "N3",
     Datagram,
     [](Stage& s) {
       const Message message(Local(7111));
       return Done(syscall(SYS_sendmsg, s.fd[0], &message.header, 0));
     },
     {{"evt.type", "sendmsg"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7111"},
      {"evt.res", "SUCCESS"}}},
    {"sendmmsg",
     "N3",
     Datagram,
     [](Stage& s) {
       const Message message(Local(7112));
       mmsghdr one{message.header, 0};
       return Done(syscall(SYS_sendmmsg, s.fd[0], &one, 1, 0));
     },
     {{"evt.type", "sendmmsg"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7112"},
      {"evt.res", "SUCCESS"}}},
    {"ring-sendmsg",
     "N3 N4",
     Datagram,
     [](Stage& s) {
       const Message message(Local(7113));
       return Done(ByRing(
           {.opcode = IORING_OP_SENDMSG, .fd = s.fd[0], .address = &message.header, .length = 1}));
     },
     {{"evt.type", "sendto"}, {"fd.sport", "7113"}, {"evt.async", "true"}},
     kRing},
    {"send-connected",
     "N3",
     [](Stage& s) {
       const sockaddr_in address = Local(7114);
       return Must(Datagram(s) == Outcome::kDone &&
                   connect(s.fd[0], Any(address), sizeof address) == 0);
     },
     [](Stage& s) { return Must(send(s.fd[0], "x", 1, 0) == 1); },
     {}},
    {"receive-file",
     "F22",
     [](Stage& s) {
       return MakeFile(s.Path("file")) ? Pass(s, open(s.Path("file").c_str(), O_RDONLY))
                                       : Outcome::kBroken;
     },
     Receive,
     {{"evt.type", "recvmsg"}, {"fd.name", "$D/file"}, {"fd.typechar", "f"}}},
    {"receive-socket",
     "N7",
     [](Stage& s) {
       Stage other = s;
       return WaitingStream<7115>(other) == Outcome::kDone ? Pass(s, other.fd[1])
                                                           : Outcome::kBroken;
     },
     Receive,
     {{"evt.type", "recvmsg"},
      {"fd.name", "~127.0.0.1:[0-9]+->127.0.0.1:7115"},
      {"fd.sport", "7115"},
      {"fd.typechar", "4"}}},
};

}  // namespace

const std::vector<Act>& SocketActs() { return kActs; }

}  // namespace acts
