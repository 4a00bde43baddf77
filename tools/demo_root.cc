// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "engine/base/unique_fd.h"
#include "tools/demo_container.h"

namespace nsw::tools {
namespace {

namespace fs = std::filesystem;

struct File {
  const char* path;
  mode_t mode;
  const char* text;
};

// Nothing of the host's own /etc is shown: the password hash is nobody's.
constexpr File kFiles[] = {
    {"etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/srv:/bin/false\n"},
    {"etc/group", 0644, "root:x:0:\nwww:x:33:\n"},
    {"etc/shadow", 0640, "root:$6$demo$nobody:19000:0:99999:7:::\n"},
    {"etc/hostname", 0644, "demo\n"},
};
constexpr const char* kFolders[] = {"etc", "etc/cron.d", "proc", "dev", "run",
                                    "srv", "tmp",        "root", "opt", "opt/demo"};
constexpr const char* kShared[] = {"usr", "bin", "sbin", "lib", "lib32", "lib64"};

Status Mount(const char* from, const fs::path& at, const char* type, unsigned long flags) {
  if (mount(from, at.c_str(), type, flags, nullptr) == 0) return {};
  return FailErrno("mounting " + at.string(), errno);
}

Status BindReadOnly(const fs::path& from, const fs::path& at) {
  if (Status bound = Mount(from.c_str(), at, nullptr, MS_BIND); !bound) return bound;
  return Mount(nullptr, at, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID);
}

Status BindFile(const fs::path& from, const fs::path& at) {
  const UniqueFd place(open(at.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!place.valid()) return FailErrno(at.string(), errno);
  return BindReadOnly(from, at);
}

// A folder of the host's programs: a link where the host has a link (/bin on most), else bound.
Status Share(const fs::path& root, const char* name) {
  const fs::path from = fs::path("/") / name;
  std::error_code error;
  if (fs::is_symlink(from, error)) {
    fs::copy_symlink(from, root / name, error);
    return error ? Fail((root / name).string() + ": " + error.message()) : Status();
  }
  if (!fs::is_directory(from, error)) return {};
  fs::create_directory(root / name, error);
  return BindReadOnly(from, root / name);
}

Status WriteFile(const fs::path& root, const File& file) {
  std::ofstream(root / file.path) << file.text;
  if (chmod((root / file.path).c_str(), file.mode) == 0) return {};
  return FailErrno((root / file.path).string(), errno);
}

Status Fill(const fs::path& root) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  for (const char* folder : kFolders) fs::create_directory(root / folder, error);
  for (const File& file : kFiles) {
    if (Status written = WriteFile(root, file); !written) return written;
  }
  for (const char* name : kShared) {
    if (Status shared = Share(root, name); !shared) return shared;
  }
  if (chmod((root / "tmp").c_str(), 01777) != 0) return FailErrno("/tmp", errno);
  if (Status bound = BindFile(self, root / (kDemoProgram + 1)); !bound) return bound;
  if (Status bound = BindFile("/dev/null", root / "dev/null"); !bound) return bound;
  // Where libraries lie; without it (musl) the usual folders are enough.
  if (fs::exists("/etc/ld.so.cache", error)) {
    if (Status bound = BindFile("/etc/ld.so.cache", root / "etc/ld.so.cache"); !bound) return bound;
  }
  return Mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Status Pivot(const fs::path& root) {
  if (chdir(root.c_str()) != 0) return FailErrno(root.string(), errno);
  if (syscall(SYS_pivot_root, ".", ".") != 0) return FailErrno("pivot_root", errno);
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
    return FailErrno("leaving the old root", errno);
  return {};
}

}  // namespace

Status EnterDemoRoot(const fs::path& folder) {
  umask(022);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    const bool chrooted = errno == EINVAL;
    const auto failed = FailErrno("making / private", errno);
    if (!chrooted) return failed;
    return Fail(failed.value().message +
                "; / is no mount point, as in a chroot: run the demo outside of it");
  }
  if (Status root = Mount("demo", folder, "tmpfs", MS_NOSUID); !root) return root;
  // tmpfs is open to all for writing where no mode is given.
  if (chmod(folder.c_str(), 0755) != 0) return FailErrno(folder.string(), errno);
  if (Status filled = Fill(folder); !filled) return filled;
  return Pivot(folder);
}

}  // namespace nsw::tools
