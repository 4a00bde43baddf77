// SPDX-License-Identifier: Apache-2.0
// Registry: which container a home is. Fed by the kernel's `home` records and by the runtime
// sources; asked for each event. One thread (the pipeline's). Find is a hash look-up and allocates
// nothing.
//
// A home and a container come together by (1) the container id in the cgroup path of the home's
// process, which is there at the first exec and so before the runtime says "started", or (2) the
// init PID that the runtime names: its mount namespace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
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
  /// A process that lives in that mount namespace; 0 where there is none.
  [[nodiscard]] virtual pid_t ProcessIn(uint32_t mntns) const = 0;
  /// Whether the process lives in a user namespace of that user's making. False when it is gone.
  [[nodiscard]] virtual bool OwnedBy(pid_t pid, uid_t user) const = 0;
  /// Whether the process may use every capability and nothing of its /proc is masked, as in a
  /// container that was made privileged. None when it is gone.
  [[nodiscard]] virtual std::optional<bool> Privileged(pid_t pid) const = 0;
};
const ProcessFacts& ProcFs();

/// The container ids in the text of /proc/PID/cgroup, outermost first: several where containers are
/// nested, none for a process of the host.
std::vector<std::string> ContainerIdsOfCgroup(std::string_view cgroup);
/// The same, in the path of one cgroup.
std::vector<std::string> ContainerIdsOfPath(std::string_view path);
/// The innermost of them; "" if it names none.
std::string ContainerIdOfCgroup(std::string_view cgroup);

/// One home with what is known of it.
struct Binding {
  uint64_t home = 0;
  uint64_t parent = 0;         ///< home of the process that made it
  pid_t pid = 0;               ///< a process of it, to look at its files through /proc/PID/root
  uint64_t first_seen_ns = 0;  ///< CLOCK_BOOTTIME
  uint64_t init_start_ns = 0;  ///< CLOCK_REALTIME, of its init process, by the kernel; 0: it does
                               ///< not know; filled by the pipeline
  bool is_container = false;   ///< a container by the definition in policies/README.md
  bool settled = false;        ///< metadata is known, or will not come any more
  bool removed = false;        ///< its runtime says that it is gone; events may still come
  /// Nested: named outer/inner, and with the metadata of the outer one where no runtime knows it.
  Container container;
  std::vector<uint32_t>
      policies;  ///< positions in the compiled policy set that apply; filled by the pipeline
  uint64_t running =
      0;  ///< bit per position in `policies`: its startup phase is over; filled by the pipeline
  uint64_t in_force_ns = 0;  ///< CLOCK_BOOTTIME since which the kernel refuses what the policies
                             ///< say; 0: it does not; filled by the pipeline
  uint32_t policy_set = 0;   ///< slot of the deny set bound in the kernel; filled by the pipeline
  uint64_t generation =
      0;  ///< of the compiled policies that `policies` speaks of; filled by the pipeline
};

class Registry {
 public:
  explicit Registry(const ProcessFacts& facts) : facts_(facts) {}

  /// Announces a source, before its first Change: until it says kSynced, a home that nobody claims
  /// may still be one of its containers, and is not settled before its patience is over.
  void Expect(std::string runtime) { expected_.insert(std::move(runtime)); }

  /// A `home` record, or another one of a home: a process `pid` was the first seen in it. `parent`:
  /// 0 where only the home's own record, which may come later, can tell. `foreign_pidns`: it has a
  /// PID namespace of its own. `cgroup`: the process's path, as the kernel told it; "" where it did
  /// not, and /proc is asked. `changed`: gets the homes that were there and whose binding changed
  /// by it (the caller selects policies anew). The reference is valid until Forget(home).
  Binding& SeenHome(uint64_t home, uint64_t parent, pid_t pid, bool foreign_pidns, uint64_t now_ns,
                    std::vector<Binding*>* changed = nullptr, std::string_view cgroup = {});

  /// A runtime's word. Returns the homes whose binding changed by it, nested ones included (the
  /// caller selects policies anew).
  std::vector<Binding*> Apply(const Change& change, uint64_t now_ns);

  /// Settles homes that waited longer than `patience_ns` for metadata, and returns them.
  std::vector<Binding*> Settle(uint64_t now_ns, uint64_t patience_ns);

  void Forget(uint64_t home);

  [[nodiscard]] Binding* Find(uint64_t home);
  /// By id, container name or unambiguous id prefix, in this order; null if none or several. Of a
  /// container's several homes (a restart) the newest; one that is there goes before removed ones.
  [[nodiscard]] Binding* FindByName(std::string_view name);
  /// The container whose policies hold for it: the outermost of a nested one, else itself.
  [[nodiscard]] Binding& Outermost(Binding& binding);
  /// Sees that the binding's process is one that lives in its mount namespace; false where there is
  /// none.
  bool Locate(Binding& binding) const;
  void ForEach(const std::function<void(Binding&)>& visit);
  /// Every source has listed its containers, or is not there.
  [[nodiscard]] bool listed() const { return expected_.empty(); }
  [[nodiscard]] size_t size() const { return homes_.size(); }

 private:
  // A home, and what it would be called if it were not nested.
  struct Home {
    Binding binding;
    Container own;
    std::string cgroup_id;   // "" where the cgroup names no container
    std::string outer_id;    // the container around it, by the cgroup; "" if none
    bool forgotten = false;  // kept for the sake of those nested in it
    [[nodiscard]] bool there() const { return !binding.removed && !forgotten; }
  };
  // A container of a runtime: created, perhaps not started yet, perhaps just removed.
  struct Known {
    Container container;
    uint32_t mntns = 0;       // of the init process
    pid_t last_init_pid = 0;  // survives the container's end: its first events may be read later
    uint64_t removed_ns = 0;  // 0: it is there
  };

  using Wanted = std::function<bool(const Home&)>;

  void Identify(Home& home, bool foreign_pidns, std::string_view cgroup);
  void Disown(Home& home);
  [[nodiscard]] std::vector<Binding*> Renest(const Home& late, bool is_new);
  [[nodiscard]] const Known* Match(const Home& home, bool process_gone);
  [[nodiscard]] bool Runs(const Known& known, const Home& home);
  void Claim(Home& home, const Known& known);
  bool Compose(Home& home);
  void ComposeNested(std::vector<Binding*>& changed);
  [[nodiscard]] Home* Outer(const Home& home);
  [[nodiscard]] Home* OuterByParent(const Home& home);
  [[nodiscard]] bool HasNested(const Home& home);
  [[nodiscard]] Home* Newest(const Wanted& wanted);
  [[nodiscard]] bool Several(const Home& best, const Wanted& wanted) const;

  std::vector<Binding*> Upsert(const Container& container);
  [[nodiscard]] bool MayTell(const Container& container) const;
  [[nodiscard]] bool MayClaim(const Known& known, const Home& home) const;
  std::vector<Binding*> Remove(const Container& container, uint64_t now_ns);
  std::vector<Binding*> Synced(const std::string& runtime);

  const ProcessFacts& facts_;
  std::unordered_map<uint64_t, std::unique_ptr<Home>> homes_;
  Home* last_ = nullptr;                          // what Find found: it is often asked for again
  std::unordered_map<std::string, Known> known_;  // by id
  std::set<std::string> expected_;                // runtimes that have not been listed yet
  bool nameless_ = false;                         // Change::Kind::kNameless
};

}  // namespace nsw::container
