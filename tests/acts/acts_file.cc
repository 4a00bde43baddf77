// SPDX-License-Identifier: Apache-2.0
// What stands beside a file's content: mode, owner, attributes, length, times. Each by its system
// calls, and by io_uring where that has an operation for it.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "tests/acts/act.h"

// Newer than the headers of Debian 12.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif

namespace acts {
namespace {

Outcome Attribute(Stage& s) {
  return Must(FolderAndFile(s) == Outcome::kDone &&
              setxattr(s.Path("file").c_str(), "trusted.act", "x", 1, 0) == 0);
}

struct XattrArguments {
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};

const std::vector<Act> kActs = {
    {"chmod-suid",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_chmod, s.Path("file").c_str(), 04755)); },
     {{"evt.type", "chmod"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.filename", "$D/file"},
      {"evt.arg.mode", "~.*S_ISUID.*"},
      {"evt.res", "SUCCESS"}}},
    {"fchmod",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fchmod, s.fd[1], 0600)); },
     {{"evt.type", "fchmod"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.arg.mode", "S_IWUSR|S_IRUSR"},
      {"evt.res", "SUCCESS"}}},
    {"fchmodat",
     "F19 F11",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fchmodat, s.fd[0], "file", 0600)); },
     {{"evt.type", "fchmodat"},
      {"fs.path.name", "$D/file"},
      {"fs.path.nameraw", "file"},
      {"fd.name", "<NA>"},
      {"evt.res", "SUCCESS"}}},
    {"fchmodat2",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fchmodat2, s.fd[1], "", 0600, AT_EMPTY_PATH)); },
     {{"evt.type", "fchmodat2"}, {"fs.path.name", "$D/file"}, {"evt.res", "SUCCESS"}},
     "",
     true},
    {"chmod-image-file",
     "F27 F21",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_chmod, "/etc/shadow", 0600)); },
     {{"evt.type", "chmod"}, {"fs.path.name", "/etc/shadow"}, {"evt.res", "SUCCESS"}}},
    {"int80-chmod",
     "F19 X10",
     FolderAndFile,
     [](Stage& s) { return Done(Call32(15, reinterpret_cast<long>(Low(s.Path("file"))), 0600)); },
     {{"evt.type", "chmod"}, {"fs.path.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"chown",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_chown, s.Path("file").c_str(), 1000, -1)); },
     {{"evt.type", "chown"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.uid", "1000"},
      {"evt.arg.gid", "-1"},
      {"evt.res", "SUCCESS"}}},
    {"lchown",
     "F19",
     [](Stage& s) { return Must(symlink("x", s.Path("link").c_str()) == 0); },
     [](Stage& s) { return Done(syscall(SYS_lchown, s.Path("link").c_str(), 1000, 1000)); },
     {{"evt.type", "lchown"},
      {"fs.path.name", "$D/link"},
      {"evt.arg.gid", "1000"},
      {"evt.res", "SUCCESS"}}},
    {"fchown",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fchown, s.fd[1], 1000, 1000)); },
     {{"evt.type", "fchown"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.res", "SUCCESS"}}},
    {"fchownat",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fchownat, s.fd[0], "file", 1000, 1000, 0)); },
     {{"evt.type", "fchownat"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.pathname", "file"},
      {"evt.res", "SUCCESS"}}},
    {"setxattr",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       return Done(syscall(SYS_setxattr, s.Path("file").c_str(), "trusted.act", "x", 1, 0));
     },
     {{"evt.type", "setxattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"lsetxattr",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       return Done(syscall(SYS_lsetxattr, s.Path("file").c_str(), "trusted.act", "x", 1, 0));
     },
     {{"evt.type", "lsetxattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"fsetxattr",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fsetxattr, s.fd[1], "trusted.act", "x", 1, 0)); },
     {{"evt.type", "fsetxattr"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"setxattrat",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       XattrArguments value{reinterpret_cast<uintptr_t>("x"), 1, 0};
       return Done(
           syscall(SYS_setxattrat, s.fd[0], "file", 0, "trusted.act", &value, sizeof value));
     },
     {{"evt.type", "setxattrat"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}},
     "",
     true},
    {"removexattr",
     "F19",
     Attribute,
     [](Stage& s) { return Done(syscall(SYS_removexattr, s.Path("file").c_str(), "trusted.act")); },
     {{"evt.type", "removexattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"lremovexattr",
     "F19",
     Attribute,
     [](Stage& s) {
       return Done(syscall(SYS_lremovexattr, s.Path("file").c_str(), "trusted.act"));
     },
     {{"evt.type", "lremovexattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"removexattrat",
     "F19",
     Attribute,
     [](Stage& s) { return Done(syscall(SYS_removexattrat, s.fd[0], "file", 0, "trusted.act")); },
     {{"evt.type", "removexattrat"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}},
     "",
     true},
    {"fremovexattr",
     "F19",
     Attribute,
     [](Stage& s) { return Done(syscall(SYS_fremovexattr, s.fd[1], "trusted.act")); },
     {{"evt.type", "fremovexattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.res", "SUCCESS"}}},
    {"ring-setxattr",
     "F19 F5",
     FolderAndFile,
     [](Stage& s) {
       const std::string path = s.Path("file");
       RingAct act{.opcode = 42 /* SETXATTR */,
                   .fd = 0,
                   .address = "trusted.act",
                   .length = 1,
                   .offset = reinterpret_cast<uintptr_t>("x"),
                   .third = path.c_str()};
       return Done(ByRing(act));
     },
     {{"evt.type", "setxattr"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.name", "trusted.act"},
      {"evt.async", "true"}},
     kRing,
     true},
    {"truncate",
     "F18",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_truncate, s.Path("file").c_str(), 3)); },
     {{"evt.type", "truncate"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.length", "3"},
      {"evt.res", "SUCCESS"}}},
    {"ftruncate",
     "F18",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_ftruncate, s.fd[1], 3)); },
     {{"evt.type", "ftruncate"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.arg.length", "3"},
      {"evt.res", "SUCCESS"}}},
    {"fallocate",
     "F18",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_fallocate, s.fd[1], 1, 8192, 4096)); },
     {{"evt.type", "fallocate"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.mode", "FALLOC_FL_KEEP_SIZE"},
      {"evt.arg.offset", "8192"},
      {"evt.arg.length", "4096"},
      {"evt.res", "SUCCESS"}}},
    {"ring-fallocate",
     "F18 F5",
     FolderAndFile,
     [](Stage& s) {
       return Done(ByRing({.opcode = IORING_OP_FALLOCATE,
                           .fd = s.fd[1],
                           .address = reinterpret_cast<void*>(4096),
                           .length = 1}));
     },
     {{"evt.type", "truncate"}, {"fs.path.name", "$D/file"}, {"evt.async", "true"}},
     kRing},
    {"open-truncates",
     "F18",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_open, s.Path("file").c_str(), O_WRONLY | O_TRUNC)); },
     {{"evt.type", "open"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"utimensat",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       const timespec times[2] = {{1000, 0}, {2000, 0}};
       return Done(syscall(SYS_utimensat, AT_FDCWD, s.Path("file").c_str(), times, 0));
     },
     {{"evt.type", "utimensat"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.atime", "1000"},
      {"evt.arg.mtime", "2000"},
      {"evt.res", "SUCCESS"}}},
    {"futimens",
     "F19",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_utimensat, s.fd[1], nullptr, nullptr, 0)); },
     {{"evt.type", "utimensat"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.res", "SUCCESS"}}},
    {"utimes",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       const timeval times[2] = {{1000, 0}, {2000, 0}};
       return Done(syscall(SYS_utimes, s.Path("file").c_str(), times));
     },
     {{"evt.type", "utimes"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.mtime", "2000"},
      {"evt.res", "SUCCESS"}}},
    {"futimesat",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       const timeval times[2] = {{1000, 0}, {2000, 0}};
       return Done(syscall(SYS_futimesat, s.fd[0], "file", times));
     },
     {{"evt.type", "futimesat"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.mtime", "2000"},
      {"evt.res", "SUCCESS"}}},
    {"utime",
     "F19",
     FolderAndFile,
     [](Stage& s) {
       const utimbuf times{1000, 2000};
       return Done(syscall(SYS_utime, s.Path("file").c_str(), &times));
     },
     {{"evt.type", "utime"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.mtime", "2000"},
      {"evt.res", "SUCCESS"}}},
    {"shared-map",
     "F18",
     FolderAndFile,
     [](Stage& s) {
       return Must(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd[1], 0) !=
                   MAP_FAILED);
     },
     {{"evt.type", "mmap"},
      {"fs.path.name", "$D/file"},
      {"fd.name", "$D/file"},
      {"evt.arg.prot", "PROT_READ|PROT_WRITE"}}},
    {"private-map",
     "F18",
     FolderAndFile,
     [](Stage& s) {
       return Must(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, s.fd[1], 0) !=
                   MAP_FAILED);
     },
     {}},
};

}  // namespace

const std::vector<Act>& FileActs() { return kActs; }

}  // namespace acts
