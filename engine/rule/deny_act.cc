// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/deny_act.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>

#include "engine/event/address.h"
#include "engine/rule/rule.h"

namespace nsw::rule {
namespace {

using event::Event;
using event::Type;

constexpr uint32_t Bit(DenyClass deny_class) { return ClassBit(deny_class); }

// An act on a file that its event tells by a path. The classes are all that it can ask for.
struct PathAct {
  Type type;
  uint32_t classes;
  std::string_view text;
};
constexpr PathAct kPathActs[] = {
    {Type::k_rename, Bit(DenyClass::k_rename), "path"},
    {Type::k_rename, Bit(DenyClass::k_rename), "to"},
    {Type::k_link, Bit(DenyClass::k_link), "path"},
    {Type::k_link, Bit(DenyClass::k_link), "to"},
    {Type::k_symlink, Bit(DenyClass::k_create), "path"},
    {Type::k_mkdir, Bit(DenyClass::k_create), "path"},
    {Type::k_mknod, Bit(DenyClass::k_create), "path"},
    {Type::k_unlink, Bit(DenyClass::k_delete), "path"},
    {Type::k_chmod, Bit(DenyClass::k_chmod), "path"},
    {Type::k_chown, Bit(DenyClass::k_chown), "path"},
    {Type::k_xattr, Bit(DenyClass::k_xattr), "path"},
    {Type::k_truncate, Bit(DenyClass::k_modify), "path"},
    {Type::k_shared_map, Bit(DenyClass::k_modify), "path"},
    {Type::k_utime, Bit(DenyClass::k_touch), "path"},
    {Type::k_mount, Bit(DenyClass::k_touch), "path"},
    {Type::k_move_mount, Bit(DenyClass::k_touch), "to"},
    {Type::k_receive, Bit(DenyClass::k_read), "file"},
};

struct OperationAct {
  Type type;
  DenyOperation operation;
};
constexpr OperationAct kOperationActs[] = {
    {Type::k_mount, DenyOperation::k_mount},
    {Type::k_move_mount, DenyOperation::k_mount},
    {Type::k_fsmount, DenyOperation::k_mount},
    {Type::k_open_tree, DenyOperation::k_mount},
    {Type::k_pivot_root, DenyOperation::k_mount},
    {Type::k_umount, DenyOperation::k_umount},
    {Type::k_ptrace, DenyOperation::k_ptrace},
    {Type::k_process_vm, DenyOperation::k_ptrace},
    {Type::k_bpf, DenyOperation::k_bpf},
    {Type::k_module_load, DenyOperation::k_module_load},
    {Type::k_memory, DenyOperation::k_exec_memory},
    {Type::k_io_uring, DenyOperation::k_io_uring},
    {Type::k_perf, DenyOperation::k_perf},
    {Type::k_key, DenyOperation::k_keyctl},
    {Type::k_userfaultfd, DenyOperation::k_userfaultfd},
};

// Events that take more than a row to tell what they ask for.
struct OtherAct {
  Type type;
  uint32_t classes;
  uint32_t operations = 0;  // a bit each
};
constexpr uint32_t OperationBit(DenyOperation operation) {
  return 1U << static_cast<unsigned>(operation);
}
constexpr uint32_t kNamespaceOperations =
    OperationBit(DenyOperation::k_userns) | OperationBit(DenyOperation::k_namespace);
constexpr OtherAct kOtherActs[] = {
    {Type::k_exec, Bit(DenyClass::k_exec)},
    {Type::k_open, Bit(DenyClass::k_read) | Bit(DenyClass::k_modify) | Bit(DenyClass::k_create)},
    {Type::k_connect, Bit(DenyClass::k_connect)},
    {Type::k_send, Bit(DenyClass::k_connect)},
    {Type::k_bind, Bit(DenyClass::k_bind)},
    {Type::k_listen, Bit(DenyClass::k_listen)},
    {Type::k_socket, Bit(DenyClass::k_socket), OperationBit(DenyOperation::k_raw_socket)},
    {Type::k_namespace, 0, kNamespaceOperations},
    {Type::k_fork, 0, kNamespaceOperations},
    {Type::k_kill, 0, OperationBit(DenyOperation::k_kill)},
};

constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                 CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */;

// Position of a text among the texts of its event.
size_t TextOf(Type type, std::string_view name) {
  const auto fields = event::RecordFields();
  const auto found = std::ranges::find_if(
      fields, [&](const auto& f) { return f.event == type && f.name == name; });
  return found == fields.end() ? 0 : found->text;
}

// kPathActs by type: where the object is. Looked up once.
struct PathRow {
  uint32_t classes;
  size_t text;
};
struct Rows {
  std::array<std::array<PathRow, 2>, NSW_EVENT_COUNT> paths{};
  std::array<uint32_t, NSW_EVENT_COUNT> operation{};  // plus 1; 0: none

  Rows() {
    for (const PathAct& act : kPathActs) {
      auto& pair = paths[static_cast<size_t>(act.type)];
      (pair[0].classes == 0 ? pair[0] : pair[1]) = {act.classes, TextOf(act.type, act.text)};
    }
    for (const OperationAct& act : kOperationActs)
      operation[static_cast<size_t>(act.type)] = static_cast<uint32_t>(act.operation) + 1;
  }
};

const Rows& TheRows() {
  static const Rows rows;
  return rows;
}

// What an open is, as the language means read and write. O_PATH gives no access to content.
uint32_t ClassesOfOpen(const nsw_event_open& open) {
  uint32_t classes = 0;
  const unsigned mode = open.flags & O_ACCMODE;
  if ((open.flags & O_PATH) == 0) {
    if (mode == O_RDONLY || mode == O_RDWR) classes |= Bit(DenyClass::k_read);
    if (mode != O_RDONLY || (open.flags & O_TRUNC) != 0) classes |= Bit(DenyClass::k_modify);
  }
  if (open.created != 0) classes |= Bit(DenyClass::k_create);
  return classes;
}

bool SameAddress(const nsw_addr& a, const nsw_addr& b) { return std::ranges::equal(a.b, b.b); }

// Where a connection goes: no address, 0.0.0.0 or ::, is this host itself.
const nsw_addr& Destination(const nsw_addr& address) {
  static const nsw_addr kNone = *event::ParseAddress("0.0.0.0");
  static const nsw_addr kIpv4 = *event::ParseAddress("127.0.0.1");
  static const nsw_addr kIpv6 = *event::ParseAddress("::1");
  if (event::IsZero(address)) return kIpv6;
  return SameAddress(address, kNone) ? kIpv4 : address;
}

// As the kernel's programs say it (bpf/refuse_net.bpf.c).
bool IsRaw(uint32_t family, uint32_t type) {
  const bool ip = family == AF_INET || family == AF_INET6;
  return family == AF_PACKET || family == AF_XDP || type == SOCK_PACKET || (ip && type == SOCK_RAW);
}

}  // namespace

DenyActs::DenyActs(const Event& event) : event_(event) {
  AddTables();
  switch (event.type()) {
    case Type::k_exec:
      AddExec();
      break;
    case Type::k_open:
      AddOpen();
      break;
    case Type::k_connect:
    case Type::k_send: {
      const auto& e = event.as<nsw_event_connect>();  // the same start
      AddEnd(DenyClass::k_connect, Destination(e.remote), e.remote_port);
      break;
    }
    case Type::k_bind:
    case Type::k_listen: {
      const auto& e = event.as<nsw_event_connect>();
      AddEnd(event.type() == Type::k_bind ? DenyClass::k_bind : DenyClass::k_listen, e.local,
             e.local_port);
      break;
    }
    case Type::k_socket:
      AddSocket();
      break;
    case Type::k_namespace:
      AddNamespaces(event.as<nsw_event_namespace>().flags);
      break;
    case Type::k_fork:
      AddNamespaces(event.as<nsw_event_fork>().flags & (kNamespaces | CLONE_NEWUSER));
      break;
    case Type::k_kill:
      AddKill();
      break;
    default:
      break;
  }
  if (count_ > 0) FindActor();
}

void DenyActs::Add(const DenyAct& act) {
  if (count_ < kMax) acts_[count_++] = act;
}

void DenyActs::AddPath(uint32_t classes, std::string_view path) {
  if (classes != 0 && path.starts_with('/')) Add({.classes = classes, .path = path});
}

void DenyActs::AddTables() {
  const auto type = static_cast<size_t>(event_.type());
  for (const PathRow& row : TheRows().paths[type]) {
    if (row.classes != 0) AddPath(row.classes, event_.text(row.text));
  }
  const uint32_t operation = TheRows().operation[type];
  if (operation != 0) Add({.classes = Bit(DenyClass::k_operation), .number = operation - 1});
}

// The file that was asked for, and the program that runs: for a script its interpreter.
void DenyActs::AddExec() {
  static const size_t kExe = TextOf(Type::k_exec, "exe");
  static const size_t kFile = TextOf(Type::k_exec, "file");
  const std::string_view file = event_.text(kFile);
  const std::string_view exe = event_.text(kExe);
  const uint32_t origins = event_.as<nsw_event_exec>().exe_flags;
  if (file != exe) AddPath(Bit(DenyClass::k_exec), file);
  // What comes from memory has no path in the container, yet comes from somewhere.
  if (!exe.empty() || origins != 0)
    Add({.classes = Bit(DenyClass::k_exec), .path = exe, .origins = origins});
}

void DenyActs::AddOpen() {
  static const size_t kPath = TextOf(Type::k_open, "path");
  AddPath(ClassesOfOpen(event_.as<nsw_event_open>()), event_.text(kPath));
}

void DenyActs::AddEnd(DenyClass deny_class, const nsw_addr& address, uint32_t port) {
  const auto& socket = event_.as<nsw_event_connect>();
  if (socket.family == AF_INET || socket.family == AF_INET6) {
    Add({.classes = Bit(deny_class),
         .address = &address,
         .port = static_cast<uint16_t>(port),
         .protocol = static_cast<uint8_t>(socket.protocol)});
  } else if (socket.family == AF_UNIX) {
    const std::string_view path = event_.text(TextOf(event_.type(), "path"));
    if (path.starts_with('@'))
      Add({.classes = Bit(deny_class), .abstract = path.substr(1)});
    else
      AddPath(Bit(deny_class), path);
  }
}

void DenyActs::AddSocket() {
  const auto& socket = event_.as<nsw_event_socket>();
  Add({.classes = Bit(DenyClass::k_socket),
       .number = socket.family << 16 | (socket.socket_type & 0xffff)});
  if (IsRaw(socket.family, socket.socket_type & 0xffff)) {
    Add({.classes = Bit(DenyClass::k_operation),
         .number = static_cast<uint32_t>(DenyOperation::k_raw_socket)});
  }
}

// A user namespace that is made is one thing, any other namespace made or entered the other.
void DenyActs::AddNamespaces(uint64_t flags) {
  const auto add = [&](DenyOperation operation) {
    Add({.classes = Bit(DenyClass::k_operation), .number = static_cast<uint32_t>(operation)});
  };
  const bool entered = event_.header().syscall == NSW_SYSCALL_setns;
  if ((flags & CLONE_NEWUSER) != 0 && !entered) add(DenyOperation::k_userns);
  if ((flags & kNamespaces) != 0 || entered) add(DenyOperation::k_namespace);
}

// A process that is not known is not said to be elsewhere.
void DenyActs::AddKill() {
  const uint32_t target = event_.as<nsw_event_kill>().target_pid;
  if (target == 0 || event_.processes == nullptr) return;
  const event::Process* process = event_.processes->Find(target);
  if (process == nullptr || process->home == event_.header().home) return;
  Add({.classes = Bit(DenyClass::k_operation),
       .number = static_cast<uint32_t>(DenyOperation::k_kill)});
}

void DenyActs::FindActor() {
  actor_.joined = event_.has_flag(NSW_F_JOINED);
  const event::Process* process = event_.process;
  if (process == nullptr) return;
  const bool ran = event_.type() == Type::k_exec && !event_.failed();
  actor_.exe = ran ? process->before : process->exepath;
  size_t count = 0;
  const event::Process* above = event_.parent;
  while (above != nullptr && above->home == event_.header().home && count < kAncestors) {
    ancestors_[count++] = above->exepath;
    if (event_.processes == nullptr || above->ppid == 0) break;
    above = event_.processes->Find(above->ppid, above->start_ns);
  }
  actor_.ancestors = {ancestors_.data(), count};
}

std::array<std::string_view, 2> DenyActs::first_programs() const {
  const bool first = event_.type() == Type::k_exec && event_.header().vpid == 1;
  if (!first || event_.failed() || count_ == 0) return {};
  return {acts()[0].path, acts()[count_ - 1].path};
}

namespace {

uint64_t EventsOf(uint32_t classes, uint32_t operations) {
  uint64_t events = 0;
  const auto add = [&](Type type, uint32_t asked, uint32_t done) {
    if ((classes & asked) != 0 || (operations & done) != 0) events |= event::EventBits(type);
  };
  for (const PathAct& act : kPathActs) add(act.type, act.classes, 0);
  for (const OperationAct& act : kOperationActs) add(act.type, 0, OperationBit(act.operation));
  for (const OtherAct& act : kOtherActs) add(act.type, act.classes, act.operations);
  return events;
}

}  // namespace

uint64_t EventsOfDeny(const DenyEntry& entry) {
  uint32_t operations = 0;
  for (const DenyKey& key : entry.keys) {
    if (key.kind == DenyKind::kOperation) operations |= 1U << key.number;
  }
  return EventsOf(entry.classes, operations);
}

uint64_t EventsOfDeny(const DenyPlan& plan) {
  uint64_t events = 0;
  for (const DenyEntry& entry : plan.entries) events |= EventsOfDeny(entry);
  for (const AllowList& list : plan.allow)  // all that is not named
    events |= EventsOf(list.classes, (list.classes & Bit(DenyClass::k_operation)) != 0 ? ~0U : 0);
  for (const DenyPolicy& policy : plan.policies) {
    if (!policy.until.empty()) events |= 1ULL << NSW_EVENT_EXEC;
  }
  return events;
}

}  // namespace nsw::rule
