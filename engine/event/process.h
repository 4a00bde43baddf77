// SPDX-License-Identifier: Apache-2.0
// The process table: what is known of each process beyond the record at hand: its program, command line, terminal, ancestors.
// Keyed by pid + start time, fed by fork, exec and exit records and by /proc for what was there before. One thread
// (the pipeline's); a look-up that hits allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nsw::event {

class Event;

struct Process {
  uint32_t pid = 0;
  uint32_t ppid = 0;
  uint64_t start_ns = 0;
  uint64_t home = 0;
  uint32_t tty = 0;
  uint32_t exe_flags = 0;
  std::string name;     ///< file name of the program (comm of a process that only forked is its parent's)
  std::string exepath;
  std::string cmdline;  ///< arguments joined by spaces, program first
  std::string args;     ///< without the program
  std::string cwd;
};

class ProcessTable {
 public:
  explicit ProcessTable(size_t limit = 65536) : limit_(limit) {}

  /// Learns from fork, exec and exit; finds or reads from /proc the acting process of any other. Null when nothing is known.
  const Process* Apply(const Event& event);

  [[nodiscard]] const Process* Find(uint32_t pid) const;
  [[nodiscard]] size_t size() const { return processes_.size(); }
  /// Processes dropped because the table was full.
  [[nodiscard]] uint64_t forgotten() const { return forgotten_; }

 private:
  Process* Get(uint32_t pid, uint64_t start_ns);
  Process* Insert(uint32_t pid, uint64_t start_ns);
  Process* Read(uint32_t pid, uint64_t start_ns, uint64_t home);
  void Exec(const Event& event, Process& process);
  void Fork(const Event& event, const Process& parent);

  size_t limit_;
  uint64_t forgotten_ = 0;
  std::unordered_map<uint32_t, Process> processes_;
};

}  // namespace nsw::event
