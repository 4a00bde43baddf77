// SPDX-License-Identifier: Apache-2.0
// Registry: which container a home is. Fed by the kernel's `home` records and by the runtime sources; asked for each event.
// One thread (the pipeline's). Find is a hash look-up and allocates nothing.
//
// A home and a container come together by (1) the container id in the cgroup path of the home's process, which is there at the
// first exec and so before the runtime says "started", or (2) the init PID that the runtime names: its mount namespace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/container/container.h"

namespace nsw::container {

/// What the host says about a process; faked in tests. Paths below /proc.
class ProcessFacts {
 public:
  virtual ~ProcessFacts() = default;
  /// Lines of /proc/PID/cgroup; "" when the process is gone.
  [[nodiscard]] virtual std::string Cgroup(pid_t pid) const = 0;
  /// Inode number of /proc/PID/ns/mnt; 0 when the process is gone.
  [[nodiscard]] virtual uint32_t MountNamespace(pid_t pid) const = 0;
};
const ProcessFacts& ProcFs();

/// The container id (64 hex digits, or a runtime's own form) in the text of /proc/PID/cgroup; "" if it names none.
std::string ContainerIdOfCgroup(std::string_view cgroup);

/// One home with what is known of it.
struct Binding {
  uint64_t home = 0;
  uint64_t parent = 0;        ///< home of the process that made it
  pid_t pid = 0;              ///< a process of it, to look at its files through /proc/PID/root
  uint64_t first_seen_ns = 0; ///< CLOCK_BOOTTIME
  bool is_container = false;  ///< a container by the definition in policies/README.md
  bool settled = false;       ///< metadata is known, or will not come any more
  Container container;        ///< nested: named outer/inner
  std::vector<uint32_t> policies;  ///< positions in the compiled policy set that apply; filled by the pipeline
  uint32_t policy_set = 0;    ///< slot of the deny set bound in the kernel; filled by the pipeline
  uint64_t generation = 0;    ///< of the compiled policies that `policies` speaks of; filled by the pipeline
};

class Registry {
 public:
  explicit Registry(const ProcessFacts& facts) : facts_(facts) {}

  /// A `home` record: a process `pid` was the first seen in it. `foreign_pidns`: it has a PID namespace of its own.
  Binding& SeenHome(uint64_t home, uint64_t parent, pid_t pid, bool foreign_pidns, uint64_t now_ns);

  /// A runtime's word. Returns the homes whose binding changed by it (the caller selects policies anew).
  std::vector<Binding*> Apply(const Change& change, uint64_t now_ns);

  /// Settles homes that waited longer than `patience_ns` for metadata, and returns them.
  std::vector<Binding*> Settle(uint64_t now_ns, uint64_t patience_ns);

  void Forget(uint64_t home);

  [[nodiscard]] Binding* Find(uint64_t home);
  /// By container name, id or unambiguous id prefix; null if none or several.
  [[nodiscard]] Binding* FindByName(std::string_view name);
  void ForEach(const std::function<void(Binding&)>& visit);
  [[nodiscard]] size_t size() const { return homes_.size(); }

 private:
  const ProcessFacts& facts_;
  std::unordered_map<uint64_t, std::unique_ptr<Binding>> homes_;
  std::unordered_map<std::string, Container> known_;  // by id: created, perhaps not started yet
};

}  // namespace nsw::container
