// SPDX-License-Identifier: Apache-2.0
// Stand-ins for the host: a clock that tests set, and a /proc that tests fill.
#pragma once

#include <map>

#include "engine/base/clock.h"
#include "engine/container/registry.h"
#include "engine/event/process.h"

namespace nsw::test {

class FakeClock final : public Clock {
 public:
  uint64_t boot_ns = 1'000'000'000'000;
  uint64_t boot_to_real_ns = 1'700'000'000'000'000'000;
  uint64_t BootNs() const override { return boot_ns; }
  uint64_t RealNs() const override { return boot_ns + boot_to_real_ns; }
};

class FakeProcessReader final : public event::ProcessReader {
 public:
  std::map<uint32_t, event::Process> processes;
  mutable int reads = 0;

  event::Process& Add(uint32_t pid, uint64_t start_ns, const std::string& name, uint32_t ppid = 0) {
    event::Process& process = processes[pid];
    process.start_ns = start_ns;
    process.ppid = ppid;
    process.name = name;
    process.exe = "made-up-" + name;
    process.exepath = "/usr/bin/" + name;
    process.cmdline = name + " --from-proc";
    return process;
  }
  bool Read(uint32_t pid, event::Process& out) const override {
    reads++;
    const auto found = processes.find(pid);
    if (found == processes.end()) return false;
    out = found->second;
    return true;
  }
};

class FakeProcessFacts final : public container::ProcessFacts {
 public:
  std::map<pid_t, std::string> cgroups;
  std::map<pid_t, uint32_t> mount_namespaces;
  std::string Cgroup(pid_t pid) const override {
    const auto found = cgroups.find(pid);
    return found == cgroups.end() ? std::string("0::/") : found->second;
  }
  uint32_t MountNamespace(pid_t pid) const override {
    const auto found = mount_namespaces.find(pid);
    return found == mount_namespaces.end() ? 0 : found->second;
  }
  pid_t ProcessIn(uint32_t mntns) const override {
    for (const auto& [pid, its] : mount_namespaces) {
      if (its == mntns) return pid;
    }
    return 0;
  }
  bool OwnedBy(pid_t, uid_t) const override { return true; }
  std::optional<bool> Privileged(pid_t) const override { return false; }
};

}  // namespace nsw::test
