// SPDX-License-Identifier: Apache-2.0
// The process table: what is known of each process beyond the record at hand: its program, command
// line, terminal, ancestors. Keyed by pid + start time, fed by fork, exec and exit records and by
// /proc for what was there before. One thread (the pipeline's); a look-up that hits allocates
// nothing. A Process that was handed out stays where it is until the next Bind, Learn or Sweep.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nsw::event {

class Event;

struct Process {
  uint32_t pid = 0;
  uint32_t ppid = 0;
  uint64_t start_ns = 0;  ///< CLOCK_BOOTTIME; of what /proc told, to its 10 ms
  uint64_t heard_ns = 0;  ///< CLOCK_BOOTTIME of the last record that named it
  uint64_t home = 0;
  uint32_t tty = 0;
  uint32_t exe_flags = 0;  ///< nsw_exe_flag
  std::string name;  ///< the name under which the program was executed ("sh" where that is a link
                     ///< to busybox)
  std::string exe;   ///< the first argument, argv[0]: whatever the caller liked to say
  std::string exepath;  ///< what the kernel executed
  std::string before;   ///< the same until its last exec; empty: unknown
  std::string cmdline;  ///< name and arguments, joined by spaces
  std::string cwd;

  /// The arguments without the program.
  [[nodiscard]] std::string_view args() const {
    return std::string_view(cmdline).substr(std::min(cmdline.size(), name.size() + 1));
  }
};

/// What the host says about a process that was there before the engine; faked in tests.
class ProcessReader {
 public:
  virtual ~ProcessReader() = default;
  /// Fills name, exe, exepath, cmdline, cwd, ppid, tty and start_ns. False when there is no such
  /// process.
  [[nodiscard]] virtual bool Read(uint32_t pid, Process& out) const = 0;
};
const ProcessReader& ProcReader();

class ProcessTable {
 public:
  explicit ProcessTable(const ProcessReader& reader = ProcReader(), size_t limit = 65536)
      : reader_(reader), limit_(limit) {}

  /// Binds event.process and event.parent: learns from fork, exec and exit, reads from /proc what
  /// it never saw. What an exit record ends is forgotten at the next call, so that the exit itself
  /// is still judged with its process.
  void Bind(Event& event);

  /// For a record that is to be bound later: reads the processes it names from /proc while they are
  /// there, unless they are known. Changes nothing that is known.
  void Learn(const Event& event);

  /// Forgets processes whose end was never told (those of the host, lost records): of the next
  /// `count` entries those not heard of for a minute that /proc does not have any more. Does
  /// nothing while there is ample room.
  void Sweep(uint64_t now_ns, size_t count);

  /// The process with that id, if it started no later than `not_after_ns`: an id that was used
  /// again is another process.
  [[nodiscard]] const Process* Find(uint32_t pid, uint64_t not_after_ns = ~0ULL) const;
  [[nodiscard]] size_t size() const { return processes_.size(); }
  /// Processes that found no room.
  [[nodiscard]] uint64_t forgotten() const { return forgotten_; }

 private:
  // The last process looked up: the next record often speaks of the same one.
  struct Memo {
    uint32_t pid = 0;
    Process* process = nullptr;
  };

  [[nodiscard]] Process* Known(uint32_t pid, Memo& memo);
  void Erase(uint32_t pid);
  Process* Actor(const Event& event);
  Process* Parent(const Event& event);
  Process* ReadParent(uint32_t pid, uint64_t child_start_ns);
  void ReadAncestors(const Process& process);
  [[nodiscard]] bool HasRoom(uint32_t pid);
  Process* Insert(Process process);
  Process& Place(uint32_t pid);
  void Fork(const Event& event, const Process& parent);
  [[nodiscard]] bool Gone(const Process& process) const;

  const ProcessReader& reader_;
  size_t limit_;
  uint64_t forgotten_ = 0;
  uint32_t ended_ = 0;  // pid to forget at the next record
  size_t bucket_ = 0;   // where the next Sweep begins
  using Map = std::unordered_map<uint32_t, Process>;
  Map processes_;
  std::vector<Map::node_type> spare_;  // of processes that ended
  Memo actor_;
  Memo parent_;
};

}  // namespace nsw::event
