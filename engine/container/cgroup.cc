// SPDX-License-Identifier: Apache-2.0
// Container ids in cgroup paths, and the facts of /proc that the registry asks for.
//
// What runtimes write, cgroup v1 and v2, cgroupfs and systemd drivers:
//   /docker/ID   /system.slice/docker-ID.scope   /kubepods/burstable/podUID/ID   /ANY-PARENT/ID
//   .../cri-containerd-ID.scope   .../crio-ID.scope   .../libpod-ID.scope/container
//   .../kubepods-podUID.slice:cri-containerd:ID
// ID is 64 hex digits everywhere. The runtimes' own helpers (libpod-conmon-ID, crio-conmon-ID) are
// not the container.
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "engine/base/unique_fd.h"
#include "engine/container/registry.h"

namespace nsw::container {
namespace {

constexpr size_t kIdLength = 64;
constexpr size_t kCgroupTextMax = 64U << 10;
constexpr size_t kStatusTextMax = 8U << 10;
constexpr size_t kMountsTextMax = 1U << 20;
// Of what every runtime masks, unless it is told not to.
constexpr std::array<const char*, 3> kMasked{"/proc/kcore", "/proc/keys", "/proc/timer_list"};
constexpr std::array<std::string_view, 7> kPrefixes{
    "", "docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-", "containerd-"};

bool IsId(std::string_view text) {
  return text.size() == kIdLength &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The id in one component of a path, or "".
std::string_view IdOfComponent(std::string_view component) {
  constexpr std::string_view kScope = ".scope";
  if (component.ends_with(kScope)) component.remove_suffix(kScope.size());
  if (const size_t colon = component.rfind(':'); colon != std::string_view::npos) {
    component.remove_prefix(colon + 1);  // SLICE:PREFIX:ID
  }
  if (component.size() < kIdLength) return {};
  const std::string_view id = component.substr(component.size() - kIdLength);
  const std::string_view prefix = component.substr(0, component.size() - kIdLength);
  return IsId(id) && std::ranges::find(kPrefixes, prefix) != kPrefixes.end() ? id
                                                                             : std::string_view();
}

// HIERARCHY:CONTROLLERS:PATH, where controllers may be "name=systemd" and the path holds anything.
std::string_view PathOfLine(std::string_view line) {
  for (int i = 0; i < 2; i++) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    line.remove_prefix(colon + 1);
  }
  return line;
}

class RealProcessFacts final : public ProcessFacts {
 public:
  std::string Cgroup(pid_t pid) const override { return Text(pid, "cgroup", kCgroupTextMax); }

  uint32_t MountNamespace(pid_t pid) const override {
    struct stat info {};
    return stat(Path(pid, "ns/mnt").c_str(), &info) == 0 ? static_cast<uint32_t>(info.st_ino) : 0;
  }

  pid_t ProcessIn(uint32_t mntns) const override {
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc", error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      pid_t pid = 0;
      std::from_chars(name.data(), name.data() + name.size(), pid);
      if (pid > 0 && MountNamespace(pid) == mntns) return pid;
    }
    return 0;
  }

  bool OwnedBy(pid_t pid, uid_t user) const override {
    constexpr int kNestedMax = 33;  // and no deeper ones can be made
    UniqueFd fd(open(Path(pid, "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    for (int i = 0; i < kNestedMax && fd.valid(); i++) {
      uid_t owner = 0;
      if (ioctl(fd.get(), NS_GET_OWNER_UID, &owner) != 0) return false;
      if (owner == user) return true;
      fd = UniqueFd(ioctl(fd.get(), NS_GET_PARENT));
    }
    return false;
  }

  std::optional<bool> Privileged(pid_t pid) const override {
    const std::string status = Text(pid, "status", kStatusTextMax);
    const std::string mounts = Text(pid, "mountinfo", kMountsTextMax);
    if (status.empty() || mounts.empty()) return std::nullopt;
    const bool masked = std::ranges::any_of(kMasked, [&](const char* path) {
      return mounts.find(std::string(" ") + path + " ") != std::string::npos;
    });
    return !masked && Bounding(status) == Bounding(Text(1, "status", kStatusTextMax));
  }

 private:
  // The line of the capabilities that a process can ever have.
  static std::string Bounding(const std::string& status) {
    const size_t begin = std::min(status.find("\nCapBnd:"), status.size());
    return status.substr(begin, status.find('\n', std::min(begin + 1, status.size())) - begin);
  }

  // The whole file, or as much as is looked at.
  static std::string Text(pid_t pid, const char* name, size_t max) {
    const UniqueFd fd(open(Path(pid, name).c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 4096> part;
    while (fd.valid() && text.size() < max) {
      const ssize_t n = read(fd.get(), part.data(), part.size());
      if (n <= 0) break;
      text.append(part.data(), static_cast<size_t>(n));
    }
    return text;
  }

  static std::string Path(pid_t pid, const char* name) {
    return "/proc/" + std::to_string(pid) + "/" + name;
  }
};

}  // namespace

const ProcessFacts& ProcFs() {
  static const RealProcessFacts facts;
  return facts;
}

std::vector<std::string> ContainerIdsOfPath(std::string_view path) {
  std::vector<std::string> ids;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view id = IdOfComponent(path.substr(0, slash));
    if (!id.empty() && (ids.empty() || ids.back() != id)) ids.emplace_back(id);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return ids;
}

std::vector<std::string> ContainerIdsOfCgroup(std::string_view cgroup) {
  // The hierarchies of cgroup v1 may differ: a container's manager can move itself in one of them.
  // The line that says most is believed.
  std::vector<std::string> best;
  while (!cgroup.empty()) {
    const size_t end = std::min(cgroup.find('\n'), cgroup.size());
    std::vector<std::string> ids = ContainerIdsOfPath(PathOfLine(cgroup.substr(0, end)));
    if (ids.size() > best.size()) best = std::move(ids);
    cgroup.remove_prefix(std::min(end + 1, cgroup.size()));
  }
  return best;
}

std::string ContainerIdOfCgroup(std::string_view cgroup) {
  std::vector<std::string> ids = ContainerIdsOfCgroup(cgroup);
  return ids.empty() ? std::string() : std::move(ids.back());
}

}  // namespace nsw::container
