// SPDX-License-Identifier: Apache-2.0
// What comes of acts by io_uring: each is told of once, with its result, also where the kernel had
// to try it twice. That they are seen at all is in the table of each class.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "tests/acts/address.h"

namespace acts {
namespace {

Outcome File(Stage& s) { return Must(MakeFile(s.Path("file"))); }

Outcome RingOpen(const std::string& path, int flags, bool async = false, unsigned slot = 0) {
  return Done(ByRing({.opcode = IORING_OP_OPENAT,
                      .address = path.c_str(),
                      .length = 0600,
                      .flags = static_cast<unsigned>(flags),
                      .async = async,
                      .slot = slot}));
}

RingAct Connection(const Stage& s, const sockaddr_in& address) {
  return {
      .opcode = IORING_OP_CONNECT, .fd = s.fd[0], .address = &address, .offset = sizeof address};
}

Outcome RingConnect(const Stage& s, int port) {
  const sockaddr_in address = Local(port);
  return Done(ByRing(Connection(s, address)));
}

// A listener in fd[1] that has as many connections waiting as it takes, one; and a socket in fd[0].
template <int port>
Outcome FullServer(Stage& s) {
  const sockaddr_in address = Local(port);
  s.fd[1] = socket(AF_INET, SOCK_STREAM, 0);
  s.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
  s.fd[2] = socket(AF_INET, SOCK_STREAM, 0);
  return Must(bind(s.fd[1], Any(address), sizeof address) == 0 && listen(s.fd[1], 0) == 0 &&
              connect(s.fd[2], Any(address), sizeof address) == 0);
}

Outcome Stream(Stage& s) { return Must((s.fd[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0); }

const std::vector<Act> kActs = {
    {"ring-opened",
     "F5",
     File,
     [](Stage& s) { return RingOpen(s.Path("file"), O_RDWR); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "$D/file"},
      {"fd.num", "~[1-9][0-9]*"},
      {"evt.arg.flags", "O_RDWR"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-opened-async",
     "F5",
     File,
     [](Stage& s) { return RingOpen(s.Path("file"), O_RDONLY, true); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "$D/file"},
      {"fd.num", "~[1-9][0-9]*"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-opened-polled",
     "F5",
     File,
     [](Stage& s) {
       const std::string path = s.Path("file");
       return Done(ByRingPolled({.opcode = IORING_OP_OPENAT, .address = path.c_str()}));
     },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"fd.num", "~[1-9][0-9]*"}},
     kRing},
    {"ring-created",
     "F5",
     nullptr,
     [](Stage& s) { return RingOpen(s.Path("new"), O_CREAT | O_WRONLY); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/new"},
      {"fd.num", "~[1-9][0-9]*"},
      {"evt.is_open_create", "true"},
      {"evt.is_open_write", "true"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-open-missing",
     "F5",
     nullptr,
     [](Stage& s) { return RingOpen(s.Path("none"), O_RDWR); },
     {{"evt.type", "openat"},
      {"fd.name", "<NA>"},
      {"fd.nameraw", "$D/none"},
      {"fd.num", "-2"},
      {"evt.async", "true"},
      {"evt.arg.flags", "O_RDWR"},
      {"evt.res", "ENOENT"}},
     kRing},
    {"ring-open-missing-async",
     "F5",
     nullptr,
     [](Stage& s) { return RingOpen(s.Path("none"), O_RDONLY, true); },
     {{"evt.type", "openat"},
      {"fd.name", "<NA>"},
      {"fd.nameraw", "$D/none"},
      {"evt.async", "true"},
      {"evt.res", "ENOENT"}},
     kRing},
    {"ring-open-folder",
     "F5",
     nullptr,
     [](Stage& s) { return RingOpen(s.folder, O_WRONLY); },
     {{"evt.type", "openat"}, {"fd.nameraw", "$D"}, {"evt.res", "EISDIR"}},
     kRing},
    {"ring-open-direct",
     "F5",
     File,
     [](Stage& s) { return RingOpen(s.Path("file"), O_RDWR, false, 1); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"fd.num", "0"}, {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-open-path-direct",
     "F5 F7",
     File,
     [](Stage& s) { return RingOpen(s.Path("file"), O_PATH, false, 1); },
     {{"evt.type", "openat"},
      {"fd.name", "<NA>"},
      {"fd.nameraw", "$D/file"},
      {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-open-path",
     "F5 F7",
     File,
     [](Stage& s) { return RingOpen(s.Path("file"), O_PATH); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}},
     kRing},
    {"ring-connect-refused",
     "N4",
     Stream,
     [](Stage& s) { return RingConnect(s, 7201); },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7201"},
      {"evt.async", "true"},
      {"evt.res", "ECONNREFUSED"}},
     kRing},
    {"ring-connect-no-socket",
     "N4",
     FolderAndFile,
     [](Stage& s) { return RingConnect({.fd = {s.fd[1]}}, 7202); },
     {{"evt.type", "connect"}, {"fd.sip", "<NA>"}, {"evt.async", "true"}, {"evt.res", "ENOTSOCK"}},
     kRing},
    // The kernel tries, waits for the other end, and comes again.
    {"ring-connect-later",
     "N4 N10",
     FullServer<7203>,
     [](Stage& s) {
       const sockaddr_in address = Local(7203);
       RingAct act = Connection(s, address);
       act.meanwhile = [&] { close(accept(s.fd[1], nullptr, nullptr)); };
       return Done(ByRing(act));
     },
     {{"evt.type", "connect"},
      {"fd.name", "~127.0.0.1:[1-9][0-9]*->127.0.0.1:7203"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     "io_uring_setup mmap accept"},
    {"ring-connect-left",
     "N4 N10",
     FullServer<7205>,
     [](Stage& s) {
       const sockaddr_in address = Local(7205);
       RingAct act = Connection(s, address);
       act.left = true;
       return Done(ByRing(act));
     },
     {{"evt.type", "connect"},
      {"fd.sip", "127.0.0.1"},
      {"fd.sport", "7205"},
      {"evt.async", "true"},
      {"evt.res", "EINPROGRESS"}},
     kRing},
    {"ring-rename-missing",
     "F5 F13",
     nullptr,
     [](Stage& s) {
       const std::string from = s.Path("none");
       const std::string to = s.Path("new");
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = IORING_OP_RENAMEAT,
                           .address = from.c_str(),
                           .length = static_cast<unsigned>(AT_FDCWD),
                           .offset = reinterpret_cast<uintptr_t>(to.c_str())}));
     },
     {{"evt.type", "rename"},
      {"evt.arg.oldpath", "$D/none"},
      {"evt.arg.newpath", "$D/new"},
      {"evt.async", "true"},
      {"evt.res", "ENOENT"}},
     kRing,
     true},
    {"ring-link-missing",
     "F5 F12",
     nullptr,
     [](Stage& s) {
       const std::string from = s.Path("none");
       const std::string to = s.Path("new");
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = 39 /* LINKAT */,
                           .address = from.c_str(),
                           .length = static_cast<unsigned>(AT_FDCWD),
                           .offset = reinterpret_cast<uintptr_t>(to.c_str())}));
     },
     {{"evt.type", "link"}, {"evt.arg.oldpath", "$D/none"}, {"evt.res", "ENOENT"}},
     kRing,
     true},
    {"ring-symlink-exists",
     "F5 F8",
     File,
     [](Stage& s) {
       const std::string to = s.Path("file");
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = 38 /* SYMLINKAT */,
                           .address = "target",
                           .offset = reinterpret_cast<uintptr_t>(to.c_str())}));
     },
     {{"evt.type", "symlink"},
      {"evt.arg.linkpath", "$D/file"},
      {"evt.arg.target", "target"},
      {"evt.res", "EEXIST"}},
     kRing,
     true},
    {"ring-unlink-missing",
     "F5",
     nullptr,
     [](Stage& s) {
       const std::string path = s.Path("none");
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = IORING_OP_UNLINKAT, .address = path.c_str()}));
     },
     {{"evt.type", "unlink"}, {"fs.path.nameraw", "$D/none"}, {"evt.res", "ENOENT"}},
     kRing,
     true},
    {"ring-mkdir-exists",
     "F5",
     File,
     [](Stage& s) {
       const std::string path = s.Path("file");
       if (!RingActsApart()) return Outcome::kAbsent;
       return Done(ByRing({.opcode = 37 /* MKDIRAT */, .address = path.c_str(), .length = 0700}));
     },
     {{"evt.type", "mkdir"}, {"fs.path.nameraw", "$D/file"}, {"evt.res", "EEXIST"}},
     kRing,
     true},
    {"ring-listen",
     "N4 N9",
     [](Stage& s) {
       const sockaddr_in address = Local(7204);
       const Outcome made = Stream(s);
       return bind(s.fd[0], Any(address), sizeof address) == 0 ? made : Outcome::kBroken;
     },
     [](Stage& s) {
       return RingHas(57) ? Done(ByRing({.opcode = 57, .fd = s.fd[0], .length = 7}))
                          : Outcome::kAbsent;
     },
     {{"evt.type", "listen"},
      {"fd.sport", "7204"},
      {"evt.arg.backlog", "7"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing,
     true},
    {"ring-ftruncate",
     "F5 F18",
     FolderAndFile,
     [](Stage& s) {
       return RingHas(55) ? Done(ByRing({.opcode = 55, .fd = s.fd[1], .offset = 3}))
                          : Outcome::kAbsent;
     },
     {{"evt.type", "truncate"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.length", "3"},
      {"evt.async", "true"},
      {"evt.res", "SUCCESS"}},
     kRing,
     true},
};

}  // namespace

const std::vector<Act>& RingActs() { return kActs; }

}  // namespace acts
