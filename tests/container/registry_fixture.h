// SPDX-License-Identifier: Apache-2.0
// A registry, with processes and runtimes as a test wants them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/container/registry.h"

namespace nsw::container {

constexpr uint64_t kSecond = 1'000'000'000;
inline const std::string kA(64, 'a');
inline const std::string kB(64, 'b');

inline uint64_t HomeOf(uint32_t mntns, uint32_t serial = 1) {
  return uint64_t{serial} << 32 | mntns;
}

class FakeFacts final : public ProcessFacts {
 public:
  std::string Cgroup(pid_t pid) const override {
    const auto found = cgroups.find(pid);
    return found == cgroups.end() ? "" : "0::" + found->second + "\n";
  }
  uint32_t MountNamespace(pid_t pid) const override {
    const auto found = namespaces.find(pid);
    return found == namespaces.end() ? 0 : found->second;
  }
  bool OwnedBy(pid_t pid, uid_t user) const override {
    const auto found = owners.find(pid);
    return found != owners.end() && found->second == user;
  }
  pid_t ProcessIn(uint32_t mntns) const override {
    for (const auto& [pid, its] : namespaces) {
      if (its == mntns) return pid;
    }
    return 0;
  }
  std::optional<bool> Privileged(pid_t pid) const override {
    if (!namespaces.contains(pid)) return std::nullopt;
    return privileged.contains(pid);
  }
  std::map<pid_t, std::string> cgroups;
  std::set<pid_t> privileged;
  std::map<pid_t, uint32_t> namespaces;
  std::map<pid_t, uid_t> owners;
};

class RegistryTest : public testing::Test {
 protected:
  // A process that is there.
  void Process(pid_t pid, const std::string& cgroup, uint32_t mntns) {
    facts_.cgroups[pid] = cgroup;
    facts_.namespaces[pid] = mntns;
  }
  void Gone(pid_t pid) {
    facts_.cgroups.erase(pid);
    facts_.namespaces.erase(pid);
  }
  Binding& Seen(uint64_t home, pid_t pid, bool foreign_pidns = true, uint64_t parent = 0) {
    return registry_.SeenHome(home, parent, pid, foreign_pidns, now_);
  }
  std::vector<Binding*> Upsert(const std::string& id, const std::string& name, pid_t init = 0,
                               const std::string& image = "nginx") {
    Change change;
    change.container.id = id;
    change.container.name = name;
    change.container.runtime = "docker";
    change.container.image = ParseImage(image);
    change.container.init_pid = init;
    return registry_.Apply(change, now_);
  }
  std::vector<Binding*> Remove(const std::string& id) {
    Change change{Change::Kind::kRemoved, {}};
    change.container.id = id;
    return registry_.Apply(change, now_);
  }
  std::vector<Binding*> Synced(const std::string& runtime) {
    Change change{Change::Kind::kSynced, {}};
    change.container.runtime = runtime;
    return registry_.Apply(change, now_);
  }

  FakeFacts facts_;
  Registry registry_{facts_};
  uint64_t now_ = kSecond;
};

}  // namespace nsw::container
