// SPDX-License-Identifier: Apache-2.0
#include "engine/event/process.h"

#include <cstring>
#include <vector>

#include "engine/event/event.h"
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

// /proc rounds a start down to clock ticks of 10 ms.
constexpr uint64_t kTick = 10'000'000;
constexpr int kAncestorsMax = 64;
constexpr size_t kSpare = 256;
constexpr uint64_t kSilence = 60'000'000'000;  // records of what has ended are long read by then

// Two readings of one start.
bool SameStart(uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) <= kTick; }

// Whether a parent that started at `parent` can have a child that started at `child`: an id that
// was used again is another process.
bool Precedes(uint64_t parent, uint64_t child) {
  return parent <= child || parent - child <= kTick;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The kernel names a task after the file as the caller wrote it, cut to 15 bytes: take the rest
// from there. Of a name that was not cut nothing is taken: the caller can have written something
// else there meanwhile.
std::string_view ExecName(const Event& event) {
  static const size_t raw = TextOf(Type::k_exec, "raw");
  constexpr size_t kCut = sizeof(nsw_header::comm) - 1;
  const char* comm = event.header().comm;
  const std::string_view name(comm, strnlen(comm, sizeof event.header().comm));
  const std::string_view asked = BaseName(event.text(raw));
  return name.size() >= kCut && asked.starts_with(name) ? asked : name;
}

void Exec(const Event& event, Process& process) {
  static const size_t exe = TextOf(Type::k_exec, "exe");
  static const size_t cwd = TextOf(Type::k_exec, "cwd");
  static const size_t args = TextOf(Type::k_exec, "args");
  const auto& record = event.as<nsw_event_exec>();
  process.name = ExecName(event);
  process.before.swap(process.exepath);
  process.exepath = event.text(exe);
  process.exe = event.text(args).substr(0, event.text(args).find('\0'));
  // "sh\0-c\0id\0" becomes "NAME -c id": the first argument is whatever the caller liked to say.
  process.cmdline = process.name;
  if (!event.arguments().empty()) process.cmdline.append(" ").append(event.arguments());
  process.cwd = event.text(cwd);
  process.tty = record.tty;
  process.exe_flags = record.exe_flags;
}

}  // namespace

void ProcessTable::Bind(Event& event) {
  if (ended_ != 0) {
    Erase(ended_);
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

void ProcessTable::Learn(const Event& event) {
  const nsw_header& header = event.header();
  if (!processes_.contains(header.pid)) Actor(event);
  if (!processes_.contains(header.ppid)) Parent(event);
}

const Process* ProcessTable::Find(uint32_t pid, uint64_t not_after_ns) const {
  const auto found = processes_.find(pid);
  if (found == processes_.end() || !Precedes(found->second.start_ns, not_after_ns)) return nullptr;
  return &found->second;
}

Process* ProcessTable::Known(uint32_t pid, Memo& memo) {
  if (memo.process != nullptr && memo.pid == pid) return memo.process;
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return nullptr;
  memo = {pid, &found->second};
  return memo.process;
}

// Its memory is kept for the next process: a host that forks all day allocates nothing for it.
void ProcessTable::Erase(uint32_t pid) {
  auto node = processes_.extract(pid);
  if (!node.empty() && spare_.size() < kSpare) spare_.push_back(std::move(node));
  for (Memo* memo : {&actor_, &parent_}) {
    if (memo->pid == pid) *memo = {};
  }
}

Process* ProcessTable::Actor(const Event& event) {
  const nsw_header& header = event.header();
  Process* known = Known(header.pid, actor_);
  if (known != nullptr && SameStart(known->start_ns, header.start_ns)) {
    known->heard_ns = header.time_ns;
    return known;
  }
  if (!HasRoom(header.pid)) return nullptr;
  Process process;
  const bool read = reader_.Read(header.pid, process);
  if (!read || !SameStart(process.start_ns, header.start_ns))
    process = {};  // gone, or already another one
  process.pid = header.pid;
  process.start_ns = header.start_ns;
  process.heard_ns = header.time_ns;
  return Insert(std::move(process));
}

Process* ProcessTable::Parent(const Event& event) {
  const nsw_header& header = event.header();
  if (header.ppid == 0 || header.ppid == header.pid) return nullptr;
  Process* found = Known(header.ppid, parent_);
  const bool known = found != nullptr && Precedes(found->start_ns, header.start_ns);
  // The exits of host processes are not reported: what is kept of one is read anew at each exec,
  // where it matters.
  const bool stale = known && found->home == 0 && event.type() == Type::k_exec;
  Process* parent = known && !stale ? found : ReadParent(header.ppid, header.start_ns);
  if (parent != nullptr) parent->heard_ns = header.time_ns;
  return parent;
}

// Null when it is gone, or its id is another process's by now.
Process* ProcessTable::ReadParent(uint32_t pid, uint64_t child_start_ns) {
  Process process;
  if (!HasRoom(pid) || !reader_.Read(pid, process) || !Precedes(process.start_ns, child_start_ns))
    return nullptr;
  process.pid = pid;
  Process* parent = Insert(std::move(process));
  if (parent != nullptr) ReadAncestors(*parent);
  return parent;
}

// Those above a process that /proc told of have told nothing themselves either.
void ProcessTable::ReadAncestors(const Process& process) {
  const Process* child = &process;
  for (int i = 0; i < kAncestorsMax && child != nullptr && child->ppid != 0; i++) {
    if (Find(child->ppid, child->start_ns) != nullptr) return;
    Process above;
    if (!HasRoom(child->ppid) || !reader_.Read(child->ppid, above) ||
        !Precedes(above.start_ns, child->start_ns))
      return;
    above.pid = child->ppid;
    above.heard_ns = child->heard_ns;
    child = Insert(std::move(above));
  }
}

// Asked before /proc is read: that would be a lot of work for each record while the table is full.
bool ProcessTable::HasRoom(uint32_t pid) {
  if (processes_.size() < limit_ || processes_.contains(pid)) return true;
  forgotten_++;
  return false;
}

Process* ProcessTable::Insert(Process process) {
  const uint32_t pid = process.pid;
  if (!HasRoom(pid)) return nullptr;
  Process& place = Place(pid);
  place = std::move(process);
  return &place;
}

// What stands there is for the caller to overwrite.
Process& ProcessTable::Place(uint32_t pid) {
  if (spare_.empty() || processes_.contains(pid)) return processes_[pid];
  auto node = std::move(spare_.back());
  spare_.pop_back();
  node.key() = pid;
  return processes_.insert(std::move(node)).position->second;
}

void ProcessTable::Fork(const Event& event, const Process& parent) {
  constexpr uint64_t kCloneParent = 0x8000;  // CLONE_PARENT: a sibling (container runtimes do so)
  const auto& record = event.as<nsw_event_fork>();
  if (record.child_pid == 0 || record.child_pid == parent.pid) return;  // a thread
  const auto known = processes_.find(record.child_pid);
  // The child's own records came first: what it executed since is not to be undone.
  if (known != processes_.end() && SameStart(known->second.start_ns, record.child_start_ns) &&
      !known->second.exepath.empty())
    return;
  if (!HasRoom(record.child_pid)) return;
  Process& child = Place(record.child_pid);
  child = parent;
  child.pid = record.child_pid;
  child.ppid = (record.flags & kCloneParent) != 0 ? parent.ppid : parent.pid;
  child.start_ns = record.child_start_ns;
}

bool ProcessTable::Gone(const Process& process) const {
  Process now;
  return !reader_.Read(process.pid, now) || !SameStart(now.start_ns, process.start_ns);
}

void ProcessTable::Sweep(uint64_t now_ns, size_t count) {
  if (processes_.size() < limit_ / 2) return;
  std::vector<uint32_t> gone;
  const size_t buckets = processes_.bucket_count();
  size_t seen = 0;
  for (size_t i = 0; i < buckets && seen < count; i++) {
    bucket_ = (bucket_ + 1) % buckets;
    for (auto at = processes_.begin(bucket_); at != processes_.end(bucket_); ++at, ++seen) {
      if (at->second.heard_ns + kSilence < now_ns && Gone(at->second)) gone.push_back(at->first);
    }
  }
  for (const uint32_t pid : gone) Erase(pid);
}

}  // namespace nsw::event
