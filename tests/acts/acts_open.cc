// SPDX-License-Identifier: Apache-2.0
// Every door to a file: whatever way is taken, one event with the file that the kernel opened.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "tests/acts/act.h"

namespace acts {
namespace {

Outcome File(Stage& s) { return Must(MakeFile(s.Path("file"))); }

Outcome Open2(const Stage& s, const char* path, unsigned long long resolve) {
  open_how how{};
  how.flags = O_RDONLY;
  how.resolve = resolve;
  return Done(syscall(SYS_openat2, s.fd[0], path, &how, sizeof how));
}

Outcome FolderOpen(Stage& s) {
  s.fd[0] = open(s.folder.c_str(), O_PATH | O_DIRECTORY);
  return Must(s.fd[0] >= 0 && File(s) == Outcome::kDone);
}

Outcome RingOpen(Stage& s, bool async) {
  const std::string path = s.Path("file");
  RingAct act{.opcode = IORING_OP_OPENAT, .address = path.c_str(), .async = async};
  return Done(ByRing(act));
}

Outcome OpenAt(const std::string& path, int flags = O_RDONLY) {
  return Done(syscall(SYS_openat, AT_FDCWD, path.c_str(), flags, 0600));
}

// A chain of links: one in the middle, and a relative one at its end.
Outcome Links(Stage& s) {
  const std::string real = s.Path("real");
  return Must(mkdir(real.c_str(), 0755) == 0 && MakeFile(real + "/file") &&
              symlink("real", s.Path("middle").c_str()) == 0 &&
              symlink("middle/file", s.Path("first").c_str()) == 0 &&
              symlink("first", s.Path("second").c_str()) == 0);
}

Outcome BindMount(Stage& s) {
  const std::string from = s.Path("from");
  const std::string to = s.Path("to");
  return Must(mkdir(from.c_str(), 0755) == 0 && mkdir(to.c_str(), 0755) == 0 &&
              MakeFile(from + "/file") &&
              mount(from.c_str(), to.c_str(), nullptr, MS_BIND, "") == 0);
}

Outcome Handle(Stage& s) {
  // Files of an overlay have no handles: a file system of its own that has.
  static char room[sizeof(file_handle) + 128];
  auto* handle = reinterpret_cast<file_handle*>(room);
  handle->handle_bytes = 128;
  int mount_id = 0;
  if (mount("acts", s.folder.c_str(), "tmpfs", 0, "") != 0 || File(s) != Outcome::kDone)
    return Outcome::kBroken;
  s.fd[0] = open(s.folder.c_str(), O_RDONLY | O_DIRECTORY);
  s.memory = handle;
  return Must(name_to_handle_at(AT_FDCWD, s.Path("file").c_str(), handle, &mount_id, 0) == 0);
}

Outcome Tmpfs(Stage& s) {
  return Must(mount("acts", s.folder.c_str(), "tmpfs", 0, "") == 0 && File(s) == Outcome::kDone);
}

std::string Deep(const Stage& s) {
  std::string path = s.folder;
  for (int i = 0; i < 30; i++) path += "/0123456789012345678901234567890123456789";
  return path;
}

const std::vector<Act> kActs = {
    {"open",
     "F3",
     File,
     [](Stage& s) {
       return Done(syscall(SYS_open, s.Path("file").c_str(), O_RDONLY));
     }  // namespace
     ,
     {{"evt.type", "open"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "$D/file"},
      {"fd.ino", "~[1-9][0-9]*"},
      {"fd.dev", "~[1-9][0-9]*"},
      {"evt.res", "SUCCESS"}}}  // namespace acts
    ,
    {"open-missing",
     "F3",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_open, s.Path("none").c_str(), O_RDONLY)); },
     {{"evt.type", "open"}, {"fd.name", "<NA>"}, {"fd.nameraw", "$D/none"}, {"evt.res", "ENOENT"}}},
    {"creat",
     "F3",
     nullptr,
     [](Stage& s) { return Done(syscall(SYS_creat, s.Path("new").c_str(), 0600)); },
     {{"evt.type", "creat"},
      {"fd.name", "$D/new"},
      {"evt.is_open_create", "true"},
      {"evt.is_open_write", "true"}}},
    {"openat-write",
     "F3",
     File,
     [](Stage& s) { return OpenAt(s.Path("file"), O_WRONLY | O_TRUNC); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"evt.is_open_write", "true"},
      {"evt.is_open_read", "false"},
      {"evt.is_open_create", "false"}}},
    {"openat2",
     "F4",
     FolderOpen,
     [](Stage& s) { return Open2(s, "file", 0); },
     {{"evt.type", "openat2"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "file"},
      {"evt.res", "SUCCESS"}}},
    {"openat2-beneath",
     "F4",
     FolderOpen,
     [](Stage& s) { return Open2(s, "file", RESOLVE_BENEATH); },
     {{"evt.type", "openat2"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"openat2-beneath-refused",
     "F4",
     FolderOpen,
     [](Stage& s) { return Open2(s, "../x", RESOLVE_BENEATH); },
     {{"evt.type", "openat2"}, {"fd.name", "<NA>"}, {"fd.nameraw", "../x"}, {"evt.res", "EXDEV"}}},
    {"openat2-in-root",
     "F4",
     FolderOpen,
     [](Stage& s) { return Open2(s, "/file", RESOLVE_IN_ROOT); },
     {{"evt.type", "openat2"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "/file"},
      {"evt.res", "SUCCESS"}}},
    {"openat2-no-symlinks",
     "F4",
     FolderOpen,
     [](Stage& s) {
       return Open2(s, "file", RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
     },
     {{"evt.type", "openat2"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"ring-open",
     "F5",
     File,
     [](Stage& s) { return RingOpen(s, false); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.async", "true"}},
     kRing},
    {"ring-open-async",
     "F5",
     File,
     [](Stage& s) { return RingOpen(s, true); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.async", "true"}},
     kRing},
    {"ring-open-polled",
     "F5",
     File,
     [](Stage& s) {
       const std::string path = s.Path("file");
       return Done(ByRingPolled({.opcode = IORING_OP_OPENAT, .address = path.c_str()}));
     },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.async", "true"}},
     kRing},
    {"open-by-handle",
     "F6",
     Handle,
     [](Stage& s) { return Done(syscall(SYS_open_by_handle_at, s.fd[0], s.memory, O_RDONLY)); },
     {{"evt.type", "open_by_handle_at"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"open-path",
     "F7",
     File,
     [](Stage& s) { return OpenAt(s.Path("file"), O_PATH); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"reopen",
     "F7 F10",
     [](Stage& s) {
       s.fd[0] = File(s) == Outcome::kDone ? open(s.Path("file").c_str(), O_PATH) : -1;
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return OpenAt("/proc/self/fd/" + std::to_string(s.fd[0]), O_RDWR); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "~/proc/self/fd/[0-9]+"},
      {"evt.is_open_write", "true"}}},
    {"links",
     "F8",
     Links,
     [](Stage& s) { return OpenAt(s.Path("second")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/real/file"}, {"fd.nameraw", "$D/second"}}},
    {"link-in-the-middle",
     "F8",
     Links,
     [](Stage& s) { return OpenAt(s.Path("middle/file")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/real/file"}}},
    {"dots",
     "F9",
     File,
     [](Stage& s) {
       return OpenAt(s.folder + "/.././/" + s.folder.substr(s.folder.rfind('/') + 1) + "//file");
     },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}}},
    {"proc-root",
     "F10",
     File,
     [](Stage& s) { return OpenAt("/proc/self/root" + s.Path("file")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}}},
    {"proc-cwd",
     "F10 F11",
     [](Stage& s) { return Must(File(s) == Outcome::kDone && chdir(s.folder.c_str()) == 0); },
     [](Stage& s) { return OpenAt("/proc/self/cwd/file"); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}}},
    {"proc-1-root",
     "F10",
     File,
     [](Stage& s) { return OpenAt("/proc/1/root" + s.Path("file")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}}},
    {"by-folder",
     "F11",
     FolderOpen,
     [](Stage& s) { return Done(syscall(SYS_openat, s.fd[0], "file", O_RDONLY)); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"fd.nameraw", "file"}}},
    {"relative",
     "F11",
     [](Stage& s) { return Must(File(s) == Outcome::kDone && chdir(s.folder.c_str()) == 0); },
     [](Stage& s) { return OpenAt("file"); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"fd.nameraw", "file"}}},
    {"hard-link",
     "F12",
     [](Stage& s) {
       return Must(File(s) == Outcome::kDone &&
                   link(s.Path("file").c_str(), s.Path("other").c_str()) == 0);
     },
     [](Stage& s) { return OpenAt(s.Path("other")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/other"}}},
    {"renamed",
     "F13",
     [](Stage& s) {
       return Must(File(s) == Outcome::kDone &&
                   rename(s.Path("file").c_str(), s.Path("new").c_str()) == 0);
     },
     [](Stage& s) { return OpenAt(s.Path("new")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/new"}}},
    {"bind-mount",
     "F14",
     BindMount,
     [](Stage& s) { return OpenAt(s.Path("to/file")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/to/file"}, {"evt.res", "SUCCESS"}}},
    {"detached-mount",
     "F15",
     [](Stage& s) {
       if (File(s) != Outcome::kDone) return Outcome::kBroken;
       s.fd[0] =
           static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, s.folder.c_str(), 1 /* CLONE */));
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return Done(syscall(SYS_openat, s.fd[0], "file", O_RDONLY)); },
     {{"evt.type", "openat"}, {"fd.name", "/file"}, {"evt.res", "SUCCESS"}}},
    {"open-in-chroot",
     "F16",
     File,
     [](Stage& s) {
       if (chroot(s.folder.c_str()) != 0) return Outcome::kBroken;
       return OpenAt("/file");
     },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"fd.nameraw", "/file"}},
     "chroot"},
    {"long-path",
     "F17",
     [](Stage& s) {
       std::string path = s.folder;
       const std::string all = Deep(s);
       for (size_t at = path.size() + 1; at < all.size(); at = path.size() + 1) {
         path = all.substr(0, all.find('/', at));
         if (mkdir(path.c_str(), 0755) != 0) return Outcome::kBroken;
       }
       return Must(MakeFile(all + "/file"));
     },
     [](Stage& s) { return OpenAt(Deep(s) + "/file"); },
     {{"evt.type", "openat"}, {"fd.name", "~$D(/[0-9]{40}){30}/file"}}},
    {"odd-name",
     "F20",
     [](Stage& s) { return Must(MakeFile(s.Path("a\nb \"c\" (deleted)"))); },
     [](Stage& s) { return OpenAt(s.Path("a\nb \"c\" (deleted)")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/a\nb \"c\" (deleted)"}}},
    {"copied-up",
     "F21 F27",
     nullptr,
     [](Stage& s) { return OpenAt("/etc/os-release", O_RDWR); },
     {{"evt.type", "openat"}, {"fd.name", "/etc/os-release"}, {"evt.is_open_write", "true"}}},
    {"image-file",
     "F27",
     nullptr,
     [](Stage& s) { return OpenAt("/etc/passwd"); },
     {{"evt.type", "openat"}, {"fd.name", "/etc/passwd"}, {"evt.res", "SUCCESS"}}},
    {"tmpfs",
     "F23",
     Tmpfs,
     [](Stage& s) { return OpenAt(s.Path("file")); },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}}},
    {"shm",
     "F23",
     [](Stage& s) { return Must(MakeFile("/dev/shm/acts-file")); },
     [](Stage& s) { return OpenAt("/dev/shm/acts-file"); },
     {{"evt.type", "openat"}, {"fd.name", "/dev/shm/acts-file"}}},
    {"proc-environ",
     "F24",
     nullptr,
     [](Stage& s) { return OpenAt("/proc/self/task/../environ"); },
     {{"evt.type", "openat"}, {"fd.name", "~/proc/[0-9]+/environ"}}},
    {"open-tmpfile",
     "",
     Tmpfs,
     [](Stage& s) { return OpenAt(s.folder, O_TMPFILE | O_RDWR); },
     {{"evt.type", "openat"}, {"fd.name", "~$D/#[0-9]+"}, {"evt.res", "SUCCESS"}}},
    {"int80-open",
     "F3 X10",
     File,
     [](Stage& s) {
       return Done(Call32(5, reinterpret_cast<long>(Low(s.Path("file"))), O_RDONLY));
     },
     {{"evt.type", "open"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"int80-openat",
     "F3 X10",
     File,
     [](Stage& s) {
       return Done(Call32(295, AT_FDCWD, reinterpret_cast<long>(Low(s.Path("file"))), O_RDONLY));
     },
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"evt.res", "SUCCESS"}}},
    {"stat-is-no-open",
     "",
     File,
     [](Stage& s) {
       struct stat info {};
       return Must(stat(s.Path("file").c_str(), &info) == 0);
     },
     {}},
};

}  // namespace

const std::vector<Act>& OpenActs() { return kActs; }

}  // namespace acts
