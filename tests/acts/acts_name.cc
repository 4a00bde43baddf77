// SPDX-License-Identifier: Apache-2.0
// What makes, changes and takes away names. Each by its system calls, and by io_uring where that
// has an operation for it.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/acts/act.h"

namespace acts {
namespace {

Outcome Two(Stage& s) {
  return Must(FolderAndFile(s) == Outcome::kDone && MakeFile(s.Path("other")));
}

Outcome Folder(Stage& s) {
  return Must(FolderAndFile(s) == Outcome::kDone && mkdir(s.Path("folder").c_str(), 0755) == 0);
}

Outcome InFolder(Stage& s) {
  return Must(FolderAndFile(s) == Outcome::kDone && chdir(s.folder.c_str()) == 0);
}

// The arguments of an operation on two paths are where others have lengths.
RingAct TwoPaths(unsigned char opcode, const std::string& from, const std::string& to) {
  return {.opcode = opcode,
          .address = from.c_str(),
          .length = static_cast<unsigned>(AT_FDCWD),
          .offset = reinterpret_cast<uintptr_t>(to.c_str())};
}

const std::vector<Act> kActs = {
    {"rename",
     "F13",
     FolderAndFile,
     [](Stage& s) {
       return Done(syscall(SYS_rename, s.Path("file").c_str(), s.Path("new").c_str()));
     },
     {{"evt.type", "rename"},
      {"fs.path.source", "$D/file"},
      {"fs.path.target", "$D/new"},
      {"fs.path.sourceraw", "$D/file"},
      {"evt.arg.oldpath", "$D/file"},
      {"evt.arg.newpath", "$D/new"},
      {"evt.res", "SUCCESS"}}},
    {"renameat",
     "F13 F11",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_renameat, s.fd[0], "file", s.fd[0], "new")); },
     {{"evt.type", "renameat"},
      {"fs.path.source", "$D/file"},
      {"fs.path.target", "$D/new"},
      {"evt.arg.oldpath", "file"},
      {"evt.res", "SUCCESS"}}},
    {"rename-exchange",
     "F13",
     Two,
     [](Stage& s) {
       return Done(syscall(SYS_renameat2, s.fd[0], "file", AT_FDCWD, s.Path("other").c_str(), 2));
     },
     {{"evt.type", "renameat2"},
      {"fs.path.source", "$D/file"},
      {"fs.path.target", "$D/other"},
      {"evt.arg.flags", "RENAME_EXCHANGE"},
      {"evt.res", "~SUCCESS|EINVAL"}}},
    {"rename-folder",
     "F13",
     Folder,
     [](Stage& s) {
       return Done(syscall(SYS_rename, (s.folder + "/./folder/../folder").c_str(),
                           s.Path("moved").c_str()));
     },
     {{"evt.type", "rename"},
      {"fs.path.source", "$D/folder"},
      {"fs.path.target", "$D/moved"},
      {"evt.res", "~SUCCESS|EXDEV"}}},
    {"rename-missing",
     "",
     nullptr,
     [](Stage& s) {
       return Done(syscall(SYS_rename, s.Path("none").c_str(), s.Path("new").c_str()));
     },
     {{"evt.type", "rename"},
      {"evt.arg.oldpath", "$D/none"},
      {"evt.arg.newpath", "$D/new"},
      {"evt.res", "ENOENT"}}},
    {"ring-rename",
     "F13 F5",
     FolderAndFile,
     [](Stage& s) {
       const std::string from = s.Path("file");
       const std::string to = s.Path("new");
       return Done(ByRing(TwoPaths(IORING_OP_RENAMEAT, from, to)));
     },
     {{"evt.type", "rename"},
      {"fs.path.source", "$D/file"},
      {"fs.path.target", "$D/new"},
      {"evt.async", "true"}},
     kRing},
    {"int80-rename",
     "F13 X10",
     FolderAndFile,
     [](Stage& s) {
       return Done(Call32(38, reinterpret_cast<long>(Low(s.Path("file"))),
                          reinterpret_cast<long>(Low(s.Path("new")))));
     },
     {{"evt.type", "rename"},
      {"fs.path.source", "$D/file"},
      {"fs.path.target", "$D/new"},
      {"evt.res", "SUCCESS"}}},
    {"link",
     "F12 F25",
     FolderAndFile,
     [](Stage& s) {
       return Done(syscall(SYS_link, s.Path("file").c_str(), s.Path("new").c_str()));
     },
     {{"evt.type", "link"},
      {"fs.path.target", "$D/file"},
      {"fs.path.source", "$D/new"},
      {"evt.arg.newpath", "$D/new"},
      {"evt.res", "SUCCESS"}}},
    {"linkat-descriptor",
     "F12 F25",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_linkat, s.fd[1], "", s.fd[0], "new", AT_EMPTY_PATH)); },
     {{"evt.type", "linkat"},
      {"fs.path.target", "$D/file"},
      {"fs.path.source", "$D/new"},
      {"evt.arg.flags", "AT_EMPTY_PATH"},
      {"evt.res", "SUCCESS"}}},
    {"ring-link",
     "F12 F5",
     FolderAndFile,
     [](Stage& s) {
       const std::string from = s.Path("file");
       const std::string to = s.Path("new");
       return Done(ByRing(TwoPaths(39 /* LINKAT */, from, to)));
     },
     {{"evt.type", "link"},
      {"fs.path.target", "$D/file"},
      {"fs.path.source", "$D/new"},
      {"evt.async", "true"}},
     kRing,
     true},
    {"symlink",
     "F8",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_symlink, "../secret", s.Path("link").c_str())); },
     {{"evt.type", "symlink"},
      {"fs.path.source", "$D/link"},
      {"evt.arg.target", "../secret"},
      {"evt.arg.linkpath", "$D/link"},
      {"evt.res", "SUCCESS"}}},
    {"symlinkat",
     "F8",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_symlinkat, "/etc/shadow", s.fd[0], "link")); },
     {{"evt.type", "symlinkat"},
      {"fs.path.source", "$D/link"},
      {"fs.path.target", "/etc/shadow"},
      {"evt.res", "SUCCESS"}}},
    {"unlink",
     "",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_unlink, s.Path("file").c_str())); },
     {{"evt.type", "unlink"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.path", "$D/file"},
      {"evt.res", "SUCCESS"}}},
    {"unlink-relative",
     "F11",
     InFolder,
     [](Stage& s) { return Done(syscall(SYS_unlink, "./file")); },
     {{"evt.type", "unlink"},
      {"fs.path.name", "$D/file"},
      {"fs.path.nameraw", "./file"},
      {"evt.res", "SUCCESS"}}},
    {"unlinkat-folder",
     "",
     Folder,
     [](Stage& s) { return Done(syscall(SYS_unlinkat, s.fd[0], "folder", AT_REMOVEDIR)); },
     {{"evt.type", "unlinkat"},
      {"fs.path.name", "$D/folder"},
      {"evt.arg.name", "folder"},
      {"evt.arg.flags", "AT_REMOVEDIR"},
      {"evt.res", "SUCCESS"}}},
    {"ring-unlink",
     "F5",
     FolderAndFile,
     [](Stage& s) {
       const std::string path = s.Path("file");
       return Done(ByRing({.opcode = IORING_OP_UNLINKAT, .address = path.c_str()}));
     },
     {{"evt.type", "unlink"}, {"fs.path.name", "$D/file"}, {"evt.async", "true"}},
     kRing},
    {"unlink-image-file",
     "F27",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_unlink, "/etc/group")); },
     {{"evt.type", "unlink"}, {"fs.path.name", "/etc/group"}, {"evt.res", "SUCCESS"}}},
    {"rmdir",
     "",
     Folder,
     [](Stage& s) { return Done(syscall(SYS_rmdir, s.Path("folder").c_str())); },
     {{"evt.type", "rmdir"}, {"fs.path.name", "$D/folder"}, {"evt.res", "SUCCESS"}}},
    {"mkdir",
     "",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_mkdir, s.Path("new").c_str(), 0700)); },
     {{"evt.type", "mkdir"},
      {"fs.path.name", "$D/new"},
      {"evt.arg.mode", "S_IXUSR|S_IWUSR|S_IRUSR"},
      {"evt.res", "SUCCESS"}}},
    {"mkdirat",
     "",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_mkdirat, s.fd[0], "new", 0700)); },
     {{"evt.type", "mkdirat"}, {"fs.path.name", "$D/new"}, {"evt.res", "SUCCESS"}}},
    {"mkdir-there",
     "",
     Folder,
     [](Stage& s) { return Done(syscall(SYS_mkdir, s.Path("folder").c_str(), 0700)); },
     {{"evt.type", "mkdir"}, {"evt.arg.path", "$D/folder"}, {"evt.res", "EEXIST"}}},
    {"ring-mkdir",
     "F5",
     nullptr,
     [](Stage& s) {
       const std::string path = s.Path("new");
       return Done(ByRing({.opcode = 37 /* MKDIRAT */, .address = path.c_str(), .length = 0700}));
     },
     {{"evt.type", "mkdir"}, {"fs.path.name", "$D/new"}, {"evt.async", "true"}},
     kRing,
     true},
    {"mknod-device",
     "",
     nullptr,
     [](Stage& s) {
       return Done(syscall(SYS_mknod, s.Path("null").c_str(), S_IFCHR | 0600, makedev(1, 3)));
     },
     {{"evt.type", "mknod"},
      {"fs.path.name", "$D/null"},
      {"evt.arg.mode", "S_IFCHR|S_IWUSR|S_IRUSR"},
      {"evt.arg.device", "259"},
      {"evt.res", "SUCCESS"}}},
    {"mknodat-pipe",
     "",
     FolderAndFile,
     [](Stage& s) { return Done(syscall(SYS_mknodat, s.fd[0], "pipe", S_IFIFO | 0600, 0)); },
     {{"evt.type", "mknodat"},
      {"fs.path.name", "$D/pipe"},
      {"evt.arg.mode", "S_IFIFO|S_IWUSR|S_IRUSR"},
      {"evt.res", "SUCCESS"}}},
};

}  // namespace

const std::vector<Act>& NameActs() { return kActs; }

}  // namespace acts
