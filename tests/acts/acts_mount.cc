// SPDX-License-Identifier: Apache-2.0
// Mounts, and the root.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/acts/act.h"

namespace acts {
namespace {

Outcome Folders(Stage& s) {
  s.fd[0] = open(s.folder.c_str(), O_RDONLY | O_DIRECTORY);
  return Must(s.fd[0] >= 0 && mkdir(s.Path("from").c_str(), 0755) == 0 &&
              mkdir(s.Path("to").c_str(), 0755) == 0 && MakeFile(s.Path("from/file")));
}

Outcome Bound(Stage& s) {
  return Must(Folders(s) == Outcome::kDone &&
              mount(s.Path("from").c_str(), s.Path("to").c_str(), "", MS_BIND, "") == 0);
}

// A volume below a folder, and once more elsewhere.
Outcome Volume(Stage& s) {
  const std::string below = s.Path("folder/volume");
  return Must(mkdir(s.Path("folder").c_str(), 0755) == 0 && mkdir(below.c_str(), 0755) == 0 &&
              mkdir(s.Path("elsewhere").c_str(), 0755) == 0 &&
              mount("volume", below.c_str(), "tmpfs", 0, "") == 0 && MakeFile(below + "/file") &&
              mount(below.c_str(), s.Path("elsewhere").c_str(), "", MS_BIND, "") == 0);
}

Outcome OpenThere(Stage& s, const char* name) {
  return Done(syscall(SYS_openat, AT_FDCWD, s.Path(name).c_str(), O_RDONLY));
}

// A copy of "from" in fd[1], with no place yet.
Outcome Detached(Stage& s) {
  if (Folders(s) != Outcome::kDone) return Outcome::kBroken;
  s.fd[1] = static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, s.Path("from").c_str(), 1));
  return Must(s.fd[1] >= 0);
}

// A namespace of mounts of its own, whose root can be changed; in the act's process, since its
// parent stays.
Outcome OwnRoot(Stage& s) {
  return Must(Folders(s) == Outcome::kDone &&
              mount("root", s.Path("to").c_str(), "tmpfs", 0, "") == 0 &&
              mkdir(s.Path("to/old").c_str(), 0755) == 0);
}

Outcome Context(Stage& s) {
  s.fd[0] = static_cast<int>(syscall(SYS_fsopen, "tmpfs", 0));
  return Must(s.fd[0] >= 0 &&
              syscall(SYS_fsconfig, s.fd[0], 6 /* CREATE */, nullptr, nullptr, 0) == 0);
}

const std::vector<Act> kActs = {
    {"mount-tmpfs",
     "",
     Folders,
     [](Stage& s) {
       return Done(syscall(SYS_mount, "nothing", s.Path("to").c_str(), "tmpfs", MS_NOSUID, ""));
     },
     {{"evt.type", "mount"},
      {"fs.path.target", "$D/to"},
      {"evt.arg.dev", "nothing"},
      {"evt.arg.type", "tmpfs"},
      {"evt.arg.flags", "MS_NOSUID"},
      {"evt.res", "SUCCESS"}}},
    {"mount-bind",
     "F14",
     Folders,
     [](Stage& s) {
       return Done(syscall(SYS_mount, (s.folder + "/./from").c_str(), s.Path("to").c_str(), "",
                           MS_BIND, ""));
     },
     {{"evt.type", "mount"},
      {"fs.path.source", "$D/from"},
      {"fs.path.target", "$D/to"},
      {"evt.arg.dev", "$D/./from"},
      {"fs.path.targetraw", "$D/to"},
      {"evt.arg.flags", "MS_BIND"},
      {"evt.res", "SUCCESS"}}},
    {"mount-refused",
     "",
     Folders,
     [](Stage& s) {
       return Done(syscall(SYS_mount, "x", s.Path("to").c_str(), "no-such-type", 0, ""));
     },
     {{"evt.type", "mount"},
      {"fs.path.target", "$D/to"},
      {"evt.arg.type", "no-such-type"},
      {"evt.res", "ENODEV"}}},
    {"umount",
     "",
     Bound,
     [](Stage& s) { return Done(syscall(SYS_umount2, s.Path("to").c_str(), MNT_DETACH)); },
     {{"evt.type", "umount2"},
      {"fs.path.name", "$D/to"},
      {"evt.arg.flags", "MNT_DETACH"},
      {"evt.res", "SUCCESS"}}},
    {"open-tree",
     "F15",
     Folders,
     [](Stage& s) { return Done(syscall(SYS_open_tree, s.fd[0], "from", 1)); },
     {{"evt.type", "open_tree"},
      {"fs.path.name", "$D/from"},
      {"fs.path.nameraw", "from"},
      {"evt.arg.flags", "OPEN_TREE_CLONE"},
      {"evt.res", "SUCCESS"}}},
    {"open-tree-same",
     "F15",
     Folders,
     [](Stage& s) { return Done(syscall(SYS_open_tree, s.fd[0], "from", 0)); },
     {{"evt.type", "open_tree"}, {"fs.path.name", "$D/from"}, {"evt.res", "SUCCESS"}}},
    {"move-mount",
     "F15",
     Detached,
     [](Stage& s) {
       return Done(syscall(SYS_move_mount, s.fd[1], "", AT_FDCWD, s.Path("to").c_str(),
                           4 /* F_EMPTY_PATH */));
     },
     {{"evt.type", "move_mount"},
      {"fs.path.source", "/"},
      {"fs.path.target", "$D/to"},
      {"evt.res", "SUCCESS"}}},
    {"fsmount",
     "F15",
     Context,
     [](Stage& s) { return Done(syscall(SYS_fsmount, s.fd[0], 0, 2 /* MOUNT_ATTR_NOSUID */)); },
     {{"evt.type", "fsmount"},
      {"evt.arg.type", "tmpfs"},
      {"evt.arg.attr_flags", "2"},
      {"evt.res", "SUCCESS"}}},
    {"volume-below",
     "F26",
     Volume,
     [](Stage& s) { return OpenThere(s, "folder/volume/file"); },
     {{"evt.type", "openat"}, {"fd.name", "$D/folder/volume/file"}, {"evt.res", "SUCCESS"}}},
    {"volume-elsewhere",
     "F26",
     Volume,
     [](Stage& s) { return OpenThere(s, "elsewhere/file"); },
     {{"evt.type", "openat"}, {"fd.name", "$D/elsewhere/file"}, {"evt.res", "SUCCESS"}}},
    {"chroot",
     "F16",
     Folders,
     [](Stage& s) { return Done(syscall(SYS_chroot, s.Path("from/../to").c_str())); },
     {{"evt.type", "chroot"},
      {"fs.path.name", "$D/to"},
      {"fs.path.nameraw", "$D/from/../to"},
      {"evt.res", "SUCCESS"}}},
    {"pivot-root",
     "F16",
     OwnRoot,
     [](Stage& s) {
       if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0)
         return Outcome::kBroken;
       return Done(syscall(SYS_pivot_root, s.Path("to").c_str(), s.Path("to/old").c_str()));
     },
     {{"evt.type", "pivot_root"},
      {"fs.path.source", "$D/to"},
      {"fs.path.target", "$D/to/old"},
      {"evt.res", "SUCCESS"}},
     "unshare mount"},
};

}  // namespace

const std::vector<Act>& MountActs() { return kActs; }

}  // namespace acts
