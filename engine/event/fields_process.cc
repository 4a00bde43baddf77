// SPDX-License-Identifier: Apache-2.0
// proc.*, thread.*, user.*, group.*: who acts.
#include <cstring>

#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

constexpr size_t kAncestorsMax = 64;

std::string_view Comm(const Event& e) {
  const char* comm = e.header().comm;
  return {comm, strnlen(comm, sizeof e.header().comm)};
}

// The n-th ancestor: 0 is the process itself, 1 its parent. Null where it is not known.
const Process* Ancestor(const Event& e, uint32_t n) {
  if (n == 0) return e.process;
  if (n > kAncestorsMax || e.parent == nullptr) return nullptr;
  const Process* at = e.parent;
  for (uint32_t i = 1; i < n && at != nullptr; i++) {
    at = e.processes == nullptr ? nullptr : e.processes->Find(at->ppid, at->start_ns);
  }
  return at;
}

template <auto Member>
Value Of(const Process* process) {
  return process == nullptr ? Value::Absent() : TextOrAbsent(process->*Member);
}

template <auto Member>
Value Ancestral(const Field&, const Event& e, uint32_t n, Scratch&) {
  return Of<Member>(Ancestor(e, n));
}

Value Number(uint64_t n) { return Value::Number(static_cast<int64_t>(n)); }

// How long a process has been there when the act ends, in ns.
Value Age(const Event& e, const Process* process) {
  if (process == nullptr || process->start_ns > e.header().time_ns) return Value::Absent();
  return Number(e.header().time_ns - process->start_ns);
}

// The process that leads the session; null where it is not known.
const Process* SessionLeader(const Event& e) {
  if (e.processes == nullptr || e.header().sid == 0) return nullptr;
  return e.processes->Find(e.header().sid, e.header().start_ns);
}

// Names inside a container are the container's own: only root's is the same everywhere.
Value UserName(uint32_t uid, Scratch& s) {
  if (uid == ~0U) return Value::Text("<NA>");
  return uid == 0 ? Value::Text("root") : Print(s, "%u", uid);
}

// A variable of the environment that a program was executed with.
Value Variable(const Field&, const Event& e, uint32_t key, Scratch&) {
  static const size_t env = TextOf(Type::k_exec, "env");
  const std::string& name = KeyOf(key);
  for (std::string_view left = e.text(env); !left.empty();) {
    const std::string_view variable = left.substr(0, left.find('\0'));
    left.remove_prefix(std::min(variable.size() + 1, left.size()));
    if (variable.size() > name.size() && variable[name.size()] == '=' && variable.starts_with(name))
      return Value::Text(variable.substr(name.size() + 1));
  }
  return Value::Absent();
}

template <uint32_t Flag>
Value ExeFlag(const Field&, const Event& e, uint32_t, Scratch&) {
  return e.process == nullptr ? Value::Absent() : Value::Number((e.process->exe_flags & Flag) != 0);
}

const Field kRows[] = {
    {"proc.pid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().pid); },
     "process id on the host"},
    {"proc.vpid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().vpid); },
     "process id inside its PID namespace"},
    {"proc.ppid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().ppid); },
     "parent's process id on the host"},
    {"thread.tid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().tid); },
     "thread id on the host"},
    {"proc.name", FieldType::kString,
     [](NSW_GETTER) {
       if (e.process != nullptr && !e.process->name.empty()) return Value::Text(e.process->name);
       return TextOrAbsent(Comm(e));
     },
     "name that the process has from its exec: the last component of what was run, of a script its "
     "own, of a link the link's; proc.exepath is the program itself"},
    {"proc.comm", FieldType::kString, [](NSW_GETTER) { return TextOrAbsent(Comm(e)); },
     "untrusted: the task's own name (comm), which it can change", false, false, true},
    {"proc.exe", FieldType::kString, [](NSW_GETTER) { return Of<&Process::exe>(e.process); },
     "untrusted: the first argument (argv[0])", false, false, true},
    {"proc.exepath", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::exepath>(e.process); },
     "path of the program that acts, as the kernel resolved it"},
    {"proc.cmdline", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::cmdline>(e.process); },
     "untrusted: program and arguments", false, false, true},
    {"proc.args", FieldType::kString,
     [](NSW_GETTER) {
       return e.process == nullptr ? Value::Absent() : TextOrAbsent(e.process->args());
     },
     "untrusted: arguments without the program", false, false, true},
    {.name = "proc.env",
     .type = FieldType::kString,
     .get = Variable,
     .doc = "untrusted: a variable of the environment that the program is executed with: "
            "proc.env[LD_PRELOAD]",
     .untrusted = true,
     .events = Bit(Type::k_exec),
     .keyed = true,
     .wants = NSW_WANT_ENVIRONMENT},
    {"proc.cwd", FieldType::kString, [](NSW_GETTER) { return Of<&Process::cwd>(e.process); },
     "current directory when the program was executed"},
    {"proc.tty", FieldType::kNumber,
     [](NSW_GETTER) { return e.process == nullptr ? Value::Absent() : Number(e.process->tty); },
     "controlling terminal as major << 8 | minor; 0: none"},
    {"proc.sid", FieldType::kNumber,
     [](NSW_GETTER) { return e.header().sid == 0 ? Value::Absent() : Number(e.header().sid); },
     "session id on the host: process id of the session's leader"},
    {"proc.sname", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::name>(SessionLeader(e)); },
     "program of the session's leader"},
    {"proc.sid.exepath", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::exepath>(SessionLeader(e)); },
     "path of the session leader's program"},
    {"proc.duration", FieldType::kNumber, [](NSW_GETTER) { return Age(e, e.process); },
     "nanoseconds since the process started"},
    {"proc.ppid.duration", FieldType::kNumber, [](NSW_GETTER) { return Age(e, e.parent); },
     "nanoseconds since the parent started"},
    {"proc.is_exe_upper_layer", FieldType::kBool, ExeFlag<NSW_EXE_UPPER>,
     "the program is not from the container's image: it was written or changed there since"},
    {"proc.is_exe_from_memfd", FieldType::kBool, ExeFlag<NSW_EXE_MEMFD>,
     "the program lies in a memfd"},
    {"proc.pname", FieldType::kString, [](NSW_GETTER) { return Of<&Process::name>(e.parent); },
     "the parent's program"},
    {"proc.pexe", FieldType::kString, [](NSW_GETTER) { return Of<&Process::exe>(e.parent); },
     "untrusted: the parent's first argument", false, false, true},
    {"proc.pexepath", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::exepath>(e.parent); }, "path of the parent's program"},
    {"proc.pcmdline", FieldType::kString,
     [](NSW_GETTER) { return Of<&Process::cmdline>(e.parent); },
     "untrusted: the parent's program and arguments", false, false, true},
    {"proc.aname", FieldType::kString, Ancestral<&Process::name>,
     "program of the n-th ancestor; proc.aname[1] is the parent's", true},
    {"proc.aexepath", FieldType::kString, Ancestral<&Process::exepath>,
     "path of the n-th ancestor's program", true},
    {"proc.aexe", FieldType::kString, Ancestral<&Process::exe>,
     "untrusted: first argument of the n-th ancestor", true, false, true},
    {"proc.acmdline", FieldType::kString, Ancestral<&Process::cmdline>,
     "untrusted: the n-th ancestor's program and arguments", true, false, true},
    {"proc.apid", FieldType::kNumber,
     [](NSW_GETTER) {
       const Process* ancestor = Ancestor(e, n);
       return ancestor == nullptr ? Value::Absent() : Number(ancestor->pid);
     },
     "process id of the n-th ancestor on the host", true},
    {"proc.joined", FieldType::kBool,
     [](NSW_GETTER) { return Value::Number(e.has_flag(NSW_F_JOINED)); },
     "the process entered the container from outside (docker exec, nsenter)"},
    {"user.uid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().uid); },
     "user id in the host's user namespace"},
    {"user.name", FieldType::kString, [](NSW_GETTER) { return UserName(e.header().uid, s); },
     "root, or the user id: names inside containers are the container's own"},
    {"user.loginuid", FieldType::kNumber,
     [](NSW_GETTER) { return Value::Number(static_cast<int32_t>(e.header().loginuid)); },
     "user id of whoever logged in, kept through su and sudo; -1 where nobody did"},
    {"user.loginname", FieldType::kString,
     [](NSW_GETTER) { return UserName(e.header().loginuid, s); },
     "root, the user id of whoever logged in, or <NA>"},
    {"group.gid", FieldType::kNumber, [](NSW_GETTER) { return Number(e.header().gid); },
     "group id in the host's user namespace"},
    {"group.name", FieldType::kString, [](NSW_GETTER) { return UserName(e.header().gid, s); },
     "root, or the group id"}};

}  // namespace

std::span<const Field> ProcessFields() { return kRows; }

}  // namespace nsw::event
