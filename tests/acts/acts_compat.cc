// SPDX-License-Identifier: Apache-2.0
// Calls that 32-bit callers alone have: other numbers, other arguments, or all of these behind one
// pointer. Each is the same event as the call that everybody has. What has the same arguments under
// another number is in the table of its class.
#include <fcntl.h>
#include <linux/net.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "tests/acts/address.h"

namespace acts {
namespace {

// What an address below 4 GiB may point to: this program and its data lie there.
uint32_t At(const void* low) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(low)); }

long Text(const Stage& s, std::string_view name) {
  return reinterpret_cast<long>(Low(s.Path(name)));
}

Outcome SocketCall(int call, std::initializer_list<uint32_t> arguments) {
  static uint32_t words[6];
  std::ranges::copy(arguments, words);
  return Done(Call32(102, call, reinterpret_cast<long>(words)));
}

sockaddr_in* LowLocal(int port) {
  static sockaddr_in address;
  address = Local(port);
  return &address;
}

// The kernel's struct compat_msghdr with what it points to; compat_mmsghdr is one, and a length.
struct Message32 {
  uint32_t name, name_length, parts, part_count, control, control_length, flags, sent;
};
struct Part32 {
  uint32_t base, length;
};

uint32_t LowMessage(int port) {
  static Message32 message;
  static Part32 part;
  static char byte = 'x';
  part = {At(&byte), 1};
  message = {At(LowLocal(port)), sizeof(sockaddr_in), At(&part), 1, 0, 0, 0, 0};
  return At(&message);
}

Outcome Stream(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0); }
Outcome Datagram(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0); }

template <int port>
Outcome Bound(Stage& s) {
  const sockaddr_in address = Local(port);
  return Must(Stream(s) == Outcome::kDone && bind(s.fd[0], Any(address), sizeof address) == 0);
}

// A listener in fd[0], and fd[1] that is connected to it.
template <int port>
Outcome Waiting(Stage& s) {
  const sockaddr_in address = Local(port);
  s.fd[1] = socket(AF_INET, SOCK_STREAM, 0);
  return Must(Bound<port>(s) == Outcome::kDone && listen(s.fd[0], 5) == 0 &&
              connect(s.fd[1], Any(address), sizeof address) == 0);
}

uint32_t Descriptor(const Stage& s) { return static_cast<uint32_t>(s.fd[0]); }

constexpr long kAsItIs = 0xffff;    // -1 of two bytes
constexpr long kCut = 0x10000 + 8;  // the kernel looks at two bytes alone: 8

Outcome Mounted(Stage& s) { return Must(mount("nothing", s.folder.c_str(), "tmpfs", 0, "") == 0); }

// Two times, of 4 bytes each number.
const int32_t kNarrow[4] = {1000, 0, 2000, 0};
const int32_t kSeconds[2] = {1000, 2000};
const int64_t kWide[4] = {1000, 0, 2000, 0};

constexpr Field kModified = {"evt.arg.mtime", "2000"};
constexpr Field kAccessed = {"evt.arg.atime", "1000"};
constexpr Field kFile = {"fs.path.name", "$D/file"};
constexpr Field kGood = {"evt.res", "SUCCESS"};

const std::vector<Act> kActs = {
    {"socketcall-socket",
     "N6 X10",
     nullptr,
     [](Stage&) {
       return SocketCall(SYS_SOCKET, {AF_INET, SOCK_RAW, IPPROTO_ICMP});
     },
     {{"evt.type", "socket"},
      {"evt.arg.domain", "AF_INET"},
      {"evt.arg.type", "SOCK_RAW"},
      {"evt.arg.proto", "1"},
      {"evt.async", "false"},
      kGood}},
    {"socketcall-socketpair",
     "N8 X10",
     nullptr,
     [](Stage&) {
       static int pair[2];
       return SocketCall(SYS_SOCKETPAIR, {AF_UNIX, SOCK_STREAM, 0, At(pair)});
     },
     {{"evt.type", "socketpair"}, {"evt.arg.domain", "AF_UNIX"}, kGood}},
    {"socketcall-bind",
     "N9 X10",
     Stream,
     [](Stage& s) {
       return SocketCall(SYS_BIND, {Descriptor(s), At(LowLocal(7301)), sizeof(sockaddr_in)});
     },
     {{"evt.type", "bind"},
      {"fd.name", "127.0.0.1:7301"},
      {"fd.sport", "7301"},
      {"evt.async", "false"},
      kGood}},
    {"socketcall-listen",
     "N9 X10",
     Bound<7302>,
     [](Stage& s) {
       return SocketCall(SYS_LISTEN, {Descriptor(s), 77});
     },
     {{"evt.type", "listen"},
      {"fd.sport", "7302"},
      {"evt.arg.backlog", "77"},
      {"evt.async", "false"},
      kGood}},
    {"socketcall-accept",
     "N9 X10",
     Waiting<7303>,
     [](Stage& s) {
       return SocketCall(SYS_ACCEPT, {Descriptor(s), 0, 0});
     },
     {{"evt.type", "accept"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]+->127.0.0.1:7303"},
      {"evt.async", "false"},
      kGood}},
    {"socketcall-accept4",
     "N9 X10",
     Waiting<7304>,
     [](Stage& s) {
       return SocketCall(SYS_ACCEPT4, {Descriptor(s), 0, 0, SOCK_CLOEXEC});
     },
     {{"evt.type", "accept4"}, {"fd.sport", "7304"}, kGood}},
    {"socketcall-connect",
     "N1 X10",
     Stream,
     [](Stage& s) {
       return SocketCall(SYS_CONNECT, {Descriptor(s), At(LowLocal(7305)), sizeof(sockaddr_in)});
     },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7305"},
      {"evt.async", "false"},
      {"evt.res", "ECONNREFUSED"}}},
    {"socketcall-sendto",
     "N3 X10",
     Datagram,
     [](Stage& s) {
       static char byte = 'x';
       return SocketCall(SYS_SENDTO,
                         {Descriptor(s), At(&byte), 1, 0, At(LowLocal(7306)), sizeof(sockaddr_in)});
     },
     {{"evt.type", "sendto"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7306"},
      {"evt.async", "false"},
      kGood}},
    {"socketcall-sendmsg",
     "N3 X10",
     Datagram,
     [](Stage& s) {
       return SocketCall(SYS_SENDMSG, {Descriptor(s), LowMessage(7307), 0});
     },
     {{"evt.type", "sendmsg"}, {"fd.sip", "127.0.0.1"}, {"fd.sport", "7307"}, kGood}},
    {"socketcall-sendmmsg",
     "N3 X10",
     Datagram,
     [](Stage& s) {
       return SocketCall(SYS_SENDMMSG, {Descriptor(s), LowMessage(7308), 1, 0});
     },
     {{"evt.type", "sendmmsg"}, {"fd.sip", "127.0.0.1"}, {"fd.sport", "7308"}, kGood}},
    {"int80-old-mmap",
     "X6 X10",
     nullptr,
     [](Stage&) {
       static uint32_t words[6] = {
           0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~0U, 0};
       const auto mapped = static_cast<uint32_t>(Call32(90, reinterpret_cast<long>(words)));
       return Must(mapped < 0xfffff000);
     },
     {{"evt.type", "mmap"},
      {"evt.arg.length", "4096"},
      {"evt.arg.prot", "PROT_READ|PROT_WRITE|PROT_EXEC"}}},
    {"int80-chown16",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(182, Text(s, "file"), 1000, 0xffff)); },
     {{"evt.type", "chown"}, kFile, {"evt.arg.uid", "1000"}, {"evt.arg.gid", "-1"}, kGood}},
    {"int80-lchown16",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(16, Text(s, "file"), 1000, 1000)); },
     {{"evt.type", "lchown"}, kFile, {"evt.arg.uid", "1000"}, kGood}},
    {"int80-fchown16",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(95, s.fd[1], 1000, 1000)); },
     {{"evt.type", "fchown"}, kFile, {"evt.arg.uid", "1000"}, kGood}},
    {"int80-setuid16-none",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(23, kAsItIs)); },
     {{"evt.type", "setuid"}, {"evt.arg.uid", "-1"}, {"evt.res", "EINVAL"}}},
    {"int80-setgid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(46, kCut)); },
     {{"evt.type", "setgid"}, {"evt.arg.gid", "8"}, {"evt.res", "SUCCESS"}}},
    {"int80-setfsuid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(138, kAsItIs)); },
     {{"evt.type", "setfsuid"}, {"evt.arg.uid", "-1"}}},
    {"int80-setfsgid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(139, kAsItIs)); },
     {{"evt.type", "setfsgid"}, {"evt.arg.gid", "-1"}}},
    {"int80-setreuid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(70, kAsItIs, 1000)); },
     {{"evt.type", "setreuid"},
      {"evt.arg.ruid", "-1"},
      {"evt.arg.euid", "1000"},
      {"evt.arg.suid", "-1"},
      {"evt.res", "SUCCESS"}}},
    {"int80-setregid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(71, 1000, kAsItIs)); },
     {{"evt.type", "setregid"},
      {"evt.arg.rgid", "1000"},
      {"evt.arg.egid", "-1"},
      {"evt.arg.sgid", "-1"},
      {"evt.res", "SUCCESS"}}},
    {"int80-setresuid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(164, 1, kAsItIs, 3)); },
     {{"evt.type", "setresuid"},
      {"evt.arg.ruid", "1"},
      {"evt.arg.euid", "-1"},
      {"evt.arg.suid", "3"},
      {"evt.res", "SUCCESS"}}},
    {"int80-setresgid16",
     "X10",
     nullptr,
     [](Stage&) { return Done(Call32(170, kAsItIs, 2, kAsItIs)); },
     {{"evt.type", "setresgid"},
      {"evt.arg.rgid", "-1"},
      {"evt.arg.egid", "2"},
      {"evt.arg.sgid", "-1"},
      {"evt.res", "SUCCESS"}}},
    {"int80-truncate64",
     "F18 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(193, Text(s, "file"), 3, 1)); },
     {{"evt.type", "truncate"}, kFile, {"evt.arg.length", "4294967299"}, kGood}},
    {"int80-ftruncate64",
     "F18 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(194, s.fd[1], 3, 1)); },
     {{"evt.type", "ftruncate"}, kFile, {"evt.arg.length", "4294967299"}, kGood}},
    {"int80-fallocate",
     "F18 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(324, s.fd[1], 1, 8192, 0, 4096)); },
     {{"evt.type", "fallocate"},
      kFile,
      {"evt.arg.offset", "8192"},
      {"evt.arg.length", "4096"},
      kGood}},
    {"int80-utime",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(30, Text(s, "file"), At(kSeconds))); },
     {{"evt.type", "utime"}, kFile, kAccessed, kModified, kGood}},
    {"int80-utimes",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(271, Text(s, "file"), At(kNarrow))); },
     {{"evt.type", "utimes"}, kFile, kAccessed, kModified, kGood}},
    {"int80-futimesat",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(299, AT_FDCWD, Text(s, "file"), At(kNarrow))); },
     {{"evt.type", "futimesat"}, kFile, kAccessed, kModified, kGood}},
    {"int80-utimensat",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(320, AT_FDCWD, Text(s, "file"), At(kNarrow), 0)); },
     {{"evt.type", "utimensat"}, kFile, kAccessed, kModified, kGood}},
    {"int80-utimensat64",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(412, AT_FDCWD, Text(s, "file"), At(kWide), 0)); },
     {{"evt.type", "utimensat"}, kFile, kAccessed, kModified, kGood}},
    {"int80-umount",
     "X10",
     Mounted,
     [](Stage& s) { return Done(Call32(22, reinterpret_cast<long>(Low(s.folder)))); },
     {{"evt.type", "umount2"}, {"fs.path.name", "$D"}, {"evt.arg.flags", "~0|"}, kGood}},
};

}  // namespace

const std::vector<Act>& CompatActs() { return kActs; }

}  // namespace acts
