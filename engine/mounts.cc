// SPDX-License-Identifier: Apache-2.0
#include "engine/mounts.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

namespace nsw {
namespace {

void MountIfMissing(const char* type, const char* at, long magic) {
  struct statfs now {};
  if (statfs(at, &now) == 0 && now.f_type == magic) return;
  mount(type, at, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

}  // namespace

void MountKernelFileSystems() {
  MountIfMissing("tracefs", "/sys/kernel/tracing", TRACEFS_MAGIC);
  MountIfMissing("securityfs", "/sys/kernel/security", SECURITYFS_MAGIC);
  MountIfMissing("bpf", "/sys/fs/bpf", BPF_FS_MAGIC);
}

}  // namespace nsw
