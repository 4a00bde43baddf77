// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/sensor.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "engine/event/event.h"

namespace nsw::kernel {

struct Sensor::Row {
  std::string name;
  event::Type event;
  int late;  ///< see syscalls.def
  uint32_t i386;

  [[nodiscard]] size_t Index() const { return static_cast<size_t>(event); }
  [[nodiscard]] std::string EventName() const { return std::string(event::Info(event).name); }
  [[nodiscard]] std::string KernelName() const;
  [[nodiscard]] std::string Function() const { return "__x64_sys_" + KernelName(); }
  /// The functions through which 32-bit callers come, as far as this kernel has them.
  [[nodiscard]] std::vector<std::string> CompatFunctions() const;
  /// The numbers by which they call it.
  [[nodiscard]] std::vector<uint32_t> CompatNumbers() const;
};

/// A function by which io_uring does an act.
struct Sensor::Request {
  std::string function;
  event::Type event;

  [[nodiscard]] size_t Index() const { return static_cast<size_t>(event); }
  /// May be given up between two tries.
  [[nodiscard]] bool Waits() const { return event == event::Type::k_connect; }
  [[nodiscard]] std::string Entry() const { return "nsw_g_" + function; }
  [[nodiscard]] std::string Return() const { return "nsw_gr_" + function; }
};

const std::vector<Sensor::Request>& Sensor::Requests() {
  static const std::vector<Request> requests = {
#define RING(function, what) {#function, event::Type::k_##what},
#include "bpf/syscalls.def"
  };
  return requests;
}

const std::vector<Sensor::Row>& Sensor::Rows() {
  static const std::vector<Row> rows = {
#define SYSCALL(name, what, late, i386) {#name, event::Type::k_##what, late, i386},
#include "bpf/syscalls.def"
  };
  return rows;
}

namespace {

struct Door {
  std::string_view function;
  std::string_view call;
  uint32_t i386;
};

constexpr Door kDoors[] = {
#define DOOR(function, name, i386) {#function, #name, i386},
#include "bpf/syscalls.def"
};

constexpr std::string_view kOneDoor[] = {
#define ONE_DOOR(name) #name,
#include "bpf/syscalls.def"
};

struct Name {
  std::string_view call;
  std::string_view kernel;
};

constexpr Name kKernelNames[] = {
#define KERNEL_NAME(name, kernel) {#name, #kernel},
#include "bpf/syscalls.def"
};

// A program of that name fills in the object of an event: nsw_object_open, nsw_object_open_again.
constexpr std::string_view kObject = "nsw_object_";
// ... and of these those of the call of the rest of the name: nsw_k_openat.
constexpr std::string_view kEntries[] = {"nsw_k_", "nsw_t_"};
constexpr const char* kNoRequest =
    ": not on this kernel: of such an act by io_uring no result is known";
constexpr const char* kNotHere = ": not watched: this kernel has no such call";
constexpr const char* kAnswered = "nsw_ring_answered";
constexpr const char* kFailed = "nsw_ring_failed";
constexpr const char* kAlways[] = {"nsw_fork", "nsw_exec", "nsw_exit", "nsw_free_claim"};

std::string_view SectionOf(const bpf_program* program) {
  return bpf_program__section_name(program);
}

// "kprobe", and what it is on.
std::string Kind(const bpf_program* program) {
  const std::string_view section = SectionOf(program);
  return std::string(section.substr(0, section.find('/')));
}

std::string Target(const bpf_program* program) {
  const std::string_view section = SectionOf(program);
  return std::string(section.substr(section.find('/') + 1));
}

// The event whose object a program fills in; kNone if it is no such program.
event::Type ObjectOf(const bpf_program* program) {
  std::string_view name = bpf_program__name(program);
  if (!name.starts_with(kObject)) return event::Type::kNone;
  name.remove_prefix(kObject.size());
  for (;;) {
    const event::Type type = event::FindType(name);
    const size_t end = name.rfind('_');
    if (type != event::Type::kNone || end == std::string_view::npos) return type;
    name = name.substr(0, end);
  }
}

// Null where the object has no such program, or it is not wanted.
bpf_program* Loaded(bpf_object* object, const std::string& name) {
  bpf_program* program = FindProgram(object, name);
  return program != nullptr && bpf_program__autoload(program) ? program : nullptr;
}

// Whether it is one of those of AttachAlways.
bool IsGeneral(const bpf_program* program) {
  static constexpr std::string_view kOfRows[] = {"nsw_k_",  "nsw_t_", "nsw_f_",  "nsw_kr_",
                                                 "nsw_tr_", "nsw_g_", "nsw_gr_", "nsw_ring_"};
  const std::string_view name = bpf_program__name(program);
  return ObjectOf(program) == event::Type::kNone &&
         std::ranges::none_of(kOfRows, [&](auto prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::string Sensor::Row::KernelName() const {
  const auto found = std::ranges::find(kKernelNames, name, &Name::call);
  return found == std::end(kKernelNames) ? name : std::string(found->kernel);
}

std::vector<std::string> Sensor::Row::CompatFunctions() const {
  std::vector<std::string> functions;
  if (std::ranges::find(kOneDoor, name) != std::end(kOneDoor)) return functions;
  const auto add = [&](const std::string& function) {
    if (HasFunction(function)) functions.push_back(function);
    return HasFunction(function);
  };
  if (!add("__ia32_compat_sys_" + KernelName())) add("__ia32_sys_" + KernelName());
  for (const Door& door : kDoors) {
    if (door.call == name) add(std::string(door.function));
  }
  return functions;
}

std::vector<uint32_t> Sensor::Row::CompatNumbers() const {
  std::vector<uint32_t> numbers;
  if (i386 != 0) numbers.push_back(i386);
  for (const Door& door : kDoors) {
    if (door.call == name) numbers.push_back(door.i386);
  }
  return numbers;
}

std::string Sensor::FailingFunction() {
  // 6.2 on; 6.1.
  for (const char* name : {"io_req_defer_failed", "io_req_complete_failed"}) {
    if (HasBtfFunction(name)) return name;
  }
  return {};
}

Result<Sensor> Sensor::Load(const Features& features, bpf_object* shared, bool lsm, uint32_t life,
                            uint64_t events) {
  Sensor sensor(features, shared, lsm, life);
  if (Status status = sensor.LoadPrograms(events); !status) return tl::unexpected(status.error());
  sensor.AttachAlways();
  return sensor;
}

// Only what this kernel can use and somebody wants is loaded: the verifier's work is most of the
// start.
Status Sensor::LoadPrograms(uint64_t events) {
  Object object(sensor__open());
  if (!object) return FailProgram("sensor", "opening the object", errno);
  object->rodata->refusing = refusing_ ? 1 : 0;
  object->rodata->own_life = life_;
  object->rodata->requests_wait = !requests_keep_results_ || !failing_.empty() ? 1 : 0;
  if (Status status = ShareMaps(object->obj, shared_); !status) return status;
  if (objects_.empty()) ChooseGeneral(object->obj);
  ChooseObjects(object->obj, events & ~loaded_);
  for (const Row& row : Rows()) {
    if ((events & ~loaded_) >> row.Index() & 1) ChooseRow(object->obj, row);
  }
  ChooseRequests(object->obj, events & ~loaded_);
  if (const int error = sensor__load(object.get()); error != 0)
    return FailProgram("sensor", "loading", -error);
  objects_.push_back(std::move(object));
  loaded_ |= events;
  return {};
}

void Sensor::ChooseGeneral(bpf_object* object) {
  for (const char* name : kAlways) Want(object, name);
  if (!features_.fexit)
    Want(object, features_.kprobe ? "nsw_switch_kprobe" : "nsw_switch_tracepoint");
  if (features_.kprobe && !features_.lsm) Want(object, "nsw_seed_kprobe");
  if (!features_.kprobe && features_.syscall_tracepoint) {
    Want(object, "nsw_i386_enter");
    Want(object, "nsw_i386_exit");
  }
}

void Sensor::ChooseObjects(bpf_object* object, uint64_t events) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const auto event = static_cast<size_t>(ObjectOf(program));
    if (event == 0) continue;
    const std::string kind = Kind(program);
    const bool possible = kind == "tp_btf" || (kind == "kprobe" && features_.kprobe);
    bpf_program__set_autoload(program, possible && (events >> event & 1) != 0);
  }
}

bool Sensor::ByTracepoint(const Row& row) const {
  return !features_.kprobe || !IsTraceable(row.Function());
}

// The returns of all calls of an event of which one may sleep for ever: they share a program, which
// is of one kind.
bool Sensor::ByMulti(const Row& row) const {
  return features_.kretprobe_multi && std::ranges::any_of(Rows(), [&](const Row& other) {
           return other.event == row.event && other.late == 2;
         });
}

void Sensor::ChooseRow(bpf_object* object, const Row& row) {
  if (ByTracepoint(row)) {
    Want(object, "nsw_t_" + row.name);
    Want(object, "nsw_tr_" + row.EventName());
    return;
  }
  Want(object, "nsw_k_" + row.name);
  Want(object, "nsw_kr_" + row.EventName());
  if (ByMulti(row)) {
    bpf_program* program = FindProgram(object, "nsw_kr_" + row.EventName());
    bpf_program__set_expected_attach_type(program, BPF_TRACE_KPROBE_MULTI);
    return;
  }
  if (features_.fexit && HasBtfFunction(row.Function())) Want(object, "nsw_f_" + row.name);
}

void Sensor::ChooseRequests(bpf_object* object, uint64_t events) {
  if (!features_.kprobe) return;
  for (const Request& request : Requests()) {
    if ((events >> request.Index() & 1) == 0) continue;
    if (!HasBtfFunction(request.function)) continue;
    Want(object, request.Entry());
    Want(object, request.Return());
    if (!requests_keep_results_) Want(object, kAnswered);
    if (request.Waits() && !failing_.empty()) Want(object, kFailed);
  }
}

// Those that are loaded.
std::vector<bpf_program*> Sensor::Programs() const {
  std::vector<bpf_program*> all;
  for (const Object& object : objects_) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object->obj) {
      if (bpf_program__autoload(program)) all.push_back(program);
    }
  }
  return all;
}

bpf_program* Sensor::Find(const std::string& name) const {
  for (const Object& object : objects_) {
    if (bpf_program* program = Loaded(object->obj, name)) return program;
  }
  return nullptr;
}

Status Sensor::Attach(uint64_t events) {
  Status status;
  if ((events & ~loaded_) != 0) status = LoadPrograms(events);
  events &= loaded_ & ~attached_;
  for (const Row& row : Rows()) {
    if ((events >> row.Index() & 1) != 0) AttachRow(row);
  }
  AttachRequests(events);
  // After the entries: what comes by no system call is told apart by there being none.
  for (size_t event = 1; event < NSW_EVENT_COUNT; event++) {
    if ((events >> event & 1) != 0) AttachObjects(event);
  }
  attached_ |= events;
  return status;
}

void Sensor::Detach(uint64_t events) {
  for (size_t event = 1; event < NSW_EVENT_COUNT; event++) {
    if ((events & attached_) >> event & 1) probes_[event].entries.clear();
  }
  for (const Row& row : Rows()) {
    if ((events & attached_) >> row.Index() & 1) RemoveCompat(row);
  }
  for (size_t event = 1; event < NSW_EVENT_COUNT; event++) {
    if ((events & attached_) >> event & 1) probes_[event] = Probes{};
  }
  attached_ &= ~events;
}

// As far as what it does is not made up for by another program.
event::Type Sensor::EventOf(const bpf_program* program) {
  std::string_view name = bpf_program__name(program);
  for (const std::string_view prefix : kEntries) {
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    const auto row = std::ranges::find(Rows(), name, &Row::name);
    return row == Rows().end() ? event::Type::kNone : row->event;
  }
  return ObjectOf(program);
}

EventCounts Sensor::Skipped() const {
  EventCounts counts{};
  for (const bpf_program* program : Programs()) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    const auto event = static_cast<size_t>(EventOf(program));
    if (event == 0 || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) continue;
    counts[event] += info.recursion_misses;
  }
  return counts;
}

std::vector<std::string> Sensor::attachments() const {
  std::vector<std::string> all;
  for (const Probes& probes : probes_)
    all.insert(all.end(), probes.lines.begin(), probes.lines.end());
  return all;
}

void Sensor::ForEachDescriptor(const std::function<void(int fd)>& act) const {
  for (const Probes& probes : probes_) {
    for (const Link& link : probes.entries) act(bpf_link__fd(link.get()));
    for (const Link& link : probes.returns) act(bpf_link__fd(link.get()));
    for (const PoolKretprobe& pool : probes.pools) act(pool.fd());
  }
}

namespace {

// False where it could not be attached, which is said.
bool Keep(Result<Link> link, std::vector<Link>& links, const std::string& what,
          std::vector<std::string>& lines) {
  if (!link) {
    spdlog::warn("{}", link.error().message);
    lines.push_back(what + ": not watched: " + link.error().message);
    return false;
  }
  links.push_back(std::move(*link));
  return true;
}

}  // namespace

void Sensor::AttachByName(bpf_program* program, Probes& probes) {
  const std::string target = Target(program);
  if (Kind(program) == "kprobe" && !HasBtfFunction(target)) {
    probes.lines.push_back(target + ": not on this kernel");
    return;
  }
  if (Keep(nsw::kernel::Attach(program), probes.entries, target, probes.lines))
    probes.lines.push_back(target + ": " + Kind(program));
}

void Sensor::AttachAlways() {
  for (bpf_program* program : Programs()) {
    if (IsGeneral(program)) AttachByName(program, probes_[0]);
  }
}

void Sensor::AttachObjects(size_t event) {
  for (bpf_program* program : Programs()) {
    if (static_cast<size_t>(ObjectOf(program)) == event) AttachByName(program, probes_[event]);
  }
}

void Sensor::AttachRow(const Row& row) {
  if (ByTracepoint(row)) return AttachByTracepoint(row);
  AttachByKprobe(row, row.Function(), row.name);
  for (const std::string& function : row.CompatFunctions()) AttachByKprobe(row, function, function);
}

void Sensor::AttachByKprobe(const Row& row, const std::string& function, const std::string& what) {
  Probes& probes = probes_[row.Index()];
  if (!HasFunction(function)) {
    probes.lines.push_back(what + kNotHere);
    return;
  }
  // The return first: an entry whose return is not seen leaves an entry behind.
  const std::string how = AttachReturn(row, function, probes);
  bpf_program* entry = Find("nsw_k_" + row.name);
  if (how.empty() || entry == nullptr) return;
  if (Keep(AttachKprobe(entry, function, false), probes.entries, what, probes.lines))
    probes.lines.push_back(what + ": kprobe + " + how);
}

std::string Sensor::AttachReturn(const Row& row, const std::string& function, Probes& probes) {
  bpf_program* late = function == row.Function() ? Find("nsw_f_" + row.name) : nullptr;
  if (late != nullptr && Keep(nsw::kernel::Attach(late), probes.returns, row.name, probes.lines))
    return "fexit";
  bpf_program* program = Find("nsw_kr_" + row.EventName());
  if (program == nullptr) return {};
  if (ByMulti(row)) {
    return Keep(AttachMulti(program, function), probes.returns, row.name, probes.lines)
               ? "kretprobe.multi"
               : "";
  }
  const int size = row.late == 0 ? PoolKretprobe::kSmall : PoolKretprobe::kLarge;
  return AttachKretprobe(program, function, size, probes);
}

std::string Sensor::AttachKretprobe(bpf_program* program, const std::string& function, int size,
                                    Probes& probes) {
  if (features_.kretprobe_pool) {
    Result<PoolKretprobe> pool = PoolKretprobe::Attach(bpf_program__fd(program), function, size);
    if (pool) {
      probes.pools.push_back(std::move(*pool));
      return "kretprobe (pool " + std::to_string(size) + ")";
    }
    spdlog::warn("{}: {}; the kernel's default pool is used, and returns may be lost", function,
                 pool.error().message);
  }
  return Keep(AttachKprobe(program, function, true), probes.returns, function, probes.lines)
             ? "kretprobe (default pool)"
             : "";
}

void Sensor::AttachRequests(uint64_t events) {
  if (!features_.kprobe) return;
  for (const Request& request : Requests()) {
    if ((events >> request.Index() & 1) == 0) continue;
    const auto has = [&](const Object& object) { return Loaded(object->obj, request.Entry()); };
    const auto object = std::ranges::find_if(objects_, has);
    if (object != objects_.end())
      AttachRequest((*object)->obj, request);
    else
      probes_[request.Index()].lines.push_back(request.function + kNoRequest);
  }
}

// All of one object: they share what is known of the connections under way.
void Sensor::AttachRequest(bpf_object* object, const Request& request) {
  Probes& probes = probes_[request.Index()];
  if (bpf_program* answered = Loaded(object, kAnswered))
    Keep(nsw::kernel::Attach(answered), probes.entries, kAnswered, probes.lines);
  if (bpf_program* failed = Loaded(object, kFailed); failed != nullptr && request.Waits())
    Keep(AttachKprobe(failed, failing_, false), probes.entries, kFailed, probes.lines);
  const std::string how = AttachKretprobe(Loaded(object, request.Return()), request.function,
                                          PoolKretprobe::kLarge, probes);
  if (!how.empty() && Keep(AttachKprobe(Loaded(object, request.Entry()), request.function, false),
                           probes.entries, request.function, probes.lines))
    probes.lines.push_back(request.function + ": kprobe + " + how);
}

void Sensor::AttachByTracepoint(const Row& row) {
  Probes& probes = probes_[row.Index()];
  if (!HasSyscallTracepoint(row.KernelName())) {
    probes.lines.push_back(row.name + kNotHere);
    return;
  }
  bpf_program* entry = Find("nsw_t_" + row.name);
  bpf_program* exit = Find("nsw_tr_" + row.EventName());
  if (entry == nullptr || exit == nullptr) return;
  if (!Keep(AttachTracepoint(exit, "syscalls", "sys_exit_" + row.KernelName()), probes.returns,
            row.name, probes.lines))
    return;
  if (!Keep(AttachTracepoint(entry, "syscalls", "sys_enter_" + row.KernelName()), probes.entries,
            row.name, probes.lines))
    return;
  probes.lines.push_back(row.name + ": tracepoints sys_enter + sys_exit (degraded)");
  if (!features_.kprobe) AddCompat(row, entry, exit);
}

// The return first, as of all calls.
void Sensor::AddCompat(const Row& row, const bpf_program* entry, const bpf_program* exit) {
  const auto add = [](const bpf_map* calls, uint32_t number, const bpf_program* program) {
    const int fd = bpf_program__fd(program);
    return bpf_map_update_elem(bpf_map__fd(calls), &number, &fd, BPF_ANY) == 0;
  };
  const auto& maps = objects_.front()->maps;
  for (const uint32_t number : row.CompatNumbers()) {
    if (add(maps.i386_returns, number, exit) && add(maps.i386_entries, number, entry)) continue;
    spdlog::warn("{}: not watched for 32-bit callers: {}", row.name, strerror(errno));
    probes_[row.Index()].lines.push_back(row.name + ": not watched for 32-bit callers");
  }
}

void Sensor::RemoveCompat(const Row& row) {
  const auto& maps = objects_.front()->maps;
  for (const uint32_t number : row.CompatNumbers()) {
    // What is not there was never put there: a kernel with kprobes, a call that it does not have.
    bpf_map_delete_elem(bpf_map__fd(maps.i386_entries), &number);
    bpf_map_delete_elem(bpf_map__fd(maps.i386_returns), &number);
  }
}

}  // namespace nsw::kernel
