// SPDX-License-Identifier: Apache-2.0
#include "engine/event/process.h"

#include <cstring>

#include "engine/event/event.h"
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

// Two readings of one start: /proc rounds down to clock ticks of 10 ms.
bool SameStart(uint64_t a, uint64_t b) {
  constexpr uint64_t kTick = 10'000'000;
  return (a > b ? a - b : b - a) <= kTick;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The kernel names a task after the file as the caller wrote it, cut to 15 bytes: take the rest
// from there.
std::string ExecName(const Event& event) {
  static const size_t raw = TextOf(Type::k_exec, "raw");
  const char* comm = event.header().comm;
  const std::string_view name(comm, strnlen(comm, sizeof event.header().comm));
  const std::string_view asked = BaseName(event.text(raw));
  return std::string(asked.starts_with(name) ? asked : name);
}

// "sh\0-c\0id\0" becomes "NAME -c id": the first argument is whatever the caller liked to say.
std::string CommandLine(const std::string& name, std::string_view args) {
  if (!args.empty() && args.back() == '\0') args.remove_suffix(1);
  const size_t first = args.find('\0');
  std::string line = name;
  if (first == std::string_view::npos) return line;
  line += args.substr(first);
  std::replace(line.begin() + static_cast<std::ptrdiff_t>(name.size()), line.end(), '\0', ' ');
  return line;
}

void Exec(const Event& event, Process& process) {
  static const size_t exe = TextOf(Type::k_exec, "exe");
  static const size_t cwd = TextOf(Type::k_exec, "cwd");
  static const size_t args = TextOf(Type::k_exec, "args");
  const auto& record = event.as<nsw_event_exec>();
  process.name = ExecName(event);
  process.exepath = event.text(exe);
  process.cmdline = CommandLine(process.name, event.text(args));
  process.cwd = event.text(cwd);
  process.tty = record.tty;
  process.exe_flags = record.exe_flags;
}

}  // namespace

void ProcessTable::Bind(Event& event) {
  if (ended_ != 0) {
    processes_.erase(ended_);
    ended_ = 0;
  }
  event.processes = this;
  Process* actor = Actor(event);
  event.process = actor;
  event.parent = Parent(event);
  if (actor == nullptr) return;
  actor->ppid = event.header().ppid;
  actor->home = event.header().home;
  if (event.type() == Type::k_exec && !event.failed()) Exec(event, *actor);
  if (event.type() == Type::k_fork && !event.failed()) Fork(event, *actor);
  if (event.type() == Type::k_exit) ended_ = actor->pid;
}

const Process* ProcessTable::Find(uint32_t pid, uint64_t not_after_ns) const {
  const auto found = processes_.find(pid);
  if (found == processes_.end() || found->second.start_ns > not_after_ns) return nullptr;
  return &found->second;
}

Process* ProcessTable::Actor(const Event& event) {
  const nsw_header& header = event.header();
  const auto found = processes_.find(header.pid);
  if (found != processes_.end() && SameStart(found->second.start_ns, header.start_ns)) {
    return &found->second;
  }
  Process process;
  const bool read = reader_.Read(header.pid, process);
  if (!read || !SameStart(process.start_ns, header.start_ns))
    process = {};  // gone, or already another one
  process.pid = header.pid;
  process.start_ns = header.start_ns;
  return Insert(std::move(process));
}

const Process* ProcessTable::Parent(const Event& event) {
  const nsw_header& header = event.header();
  if (header.ppid == 0) return nullptr;
  const auto found = processes_.find(header.ppid);
  const bool known = found != processes_.end() && found->second.start_ns <= header.start_ns;
  // The exits of host processes are not reported: what is kept of one is read anew at each exec,
  // where it matters.
  const bool stale = known && found->second.home == 0 && event.type() == Type::k_exec;
  if (known && !stale) return &found->second;
  Process process;
  if (!reader_.Read(header.ppid, process)) return nullptr;
  process.pid = header.ppid;
  return Insert(std::move(process));
}

Process* ProcessTable::Insert(Process process) {
  const uint32_t pid = process.pid;
  if (processes_.size() >= limit_ && !processes_.contains(pid)) {
    forgotten_++;
    return nullptr;
  }
  Process& place = processes_[pid];
  place = std::move(process);
  return &place;
}

void ProcessTable::Fork(const Event& event, const Process& parent) {
  const auto& record = event.as<nsw_event_fork>();
  if (record.child_pid == 0 || record.child_pid == parent.pid) return;  // a thread
  Process child = parent;
  child.pid = record.child_pid;
  child.ppid = parent.pid;
  child.start_ns = record.child_start_ns;
  Insert(std::move(child));
}

}  // namespace nsw::event
