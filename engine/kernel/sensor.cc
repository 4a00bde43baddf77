// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/sensor.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "engine/kernel/sensor_rows.h"

namespace nsw::kernel {
namespace {

// A program of that name fills in the object of an event: nsw_object_open, nsw_object_open_again.
constexpr std::string_view kObject = "nsw_object_";
// ... and of these those of the call of the rest of the name: nsw_k_openat.
constexpr std::string_view kEntries[] = {"nsw_k_", "nsw_t_"};
constexpr const char* kAlways[] = {"nsw_fork", "nsw_exec", "nsw_exit", "nsw_free_claim"};

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

// Whether it is one of those of AttachAlways.
bool IsGeneral(const bpf_program* program) {
  static constexpr std::string_view kOfRows[] = {"nsw_k_",  "nsw_t_",   "nsw_f_",  "nsw_kr_",
                                                 "nsw_tr_", "nsw_g_",   "nsw_gr_", "nsw_gf_",
                                                 "nsw_gx_", "nsw_ring_"};
  const std::string_view name = bpf_program__name(program);
  return ObjectOf(program) == event::Type::kNone &&
         std::ranges::none_of(kOfRows, [&](auto prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::string Sensor::FailingFunction() {
  // 6.2 on; 6.1.
  for (const char* name : {"io_req_defer_failed", "io_req_complete_failed"}) {
    if (HasBtfFunction(name)) return name;
  }
  return {};
}

Result<Sensor> Sensor::Load(const Features& features, bpf_object* shared, bool refusing,
                            uint32_t life, uint64_t events) {
  Sensor sensor(features, shared, refusing, life);
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
  object->rodata->objects_seen = features_.kprobe || ByFentry() ? 1 : 0;
#define RING(function, event) \
  if (ByFentry()) object->rodata->arguments_of_##function = BtfArguments(#function);
#include "bpf/syscalls.def"
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
    bpf_program__set_autoload(program, Possible(program) && (events >> event & 1) != 0);
  }
}

bool Sensor::Possible(const bpf_program* program) const {
  const std::string kind = KindOf(program);
  if (kind == "fentry") {
    const std::string target = TargetOf(program);
    return ByFentry() && HasBtfFunction(target) &&
           (features_.fentry_structure || !HasBtfStructure(target));
  }
  return kind == "tp_btf" || (kind == "kprobe" && features_.kprobe);
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
  if (!features_.kprobe && !ByFentry()) return;
  for (const Request& request : Requests()) {
    if ((events >> request.Index() & 1) == 0) continue;
    if (!HasBtfFunction(request.function)) continue;
    Want(object, request.Entry(ByFentry()));
    Want(object, request.Return(ByFentry()));
    if (!requests_keep_results_) Want(object, Name(kAnswered));
    if (request.Waits() && !failing_.empty()) ChooseFailing(object);
  }
}

void Sensor::ChooseFailing(bpf_object* object) {
  Want(object, Name(kFailed));
  if (ByFentry())
    bpf_program__set_attach_target(FindProgram(object, Name(kFailed)), 0, failing_.c_str());
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
    if (bpf_program* program = FindLoaded(object->obj, name)) return program;
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

}  // namespace nsw::kernel
