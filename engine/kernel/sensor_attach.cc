// SPDX-License-Identifier: Apache-2.0
// How Sensor attaches what is loaded.
#include <bpf/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/kernel/sensor.h"
#include "engine/kernel/sensor_rows.h"

namespace nsw::kernel {
namespace {

constexpr const char* kNoRequest =
    ": not on this kernel: of such an act by io_uring no result is known";
constexpr const char* kNotHere = ": not watched: this kernel has no such call";

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
  const std::string target = TargetOf(program);
  if (KindOf(program) == "kprobe" && !HasBtfFunction(target)) {
    probes.lines.push_back(target + ": not on this kernel");
    return;
  }
  if (Keep(nsw::kernel::Attach(program), probes.entries, target, probes.lines))
    probes.lines.push_back(target + ": " + KindOf(program));
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
  // The return first: an entry whose return is not seen leaves an entry behind. Calls of one event
  // that 32-bit callers make by one function return together.
  std::string& how = probes.returning[function];
  if (how.empty()) how = AttachReturn(row, function, probes);
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
  const bool sleeps = row.late != 0 || function == kSocketCallFunction;
  const int size = sleeps ? PoolKretprobe::kLarge : PoolKretprobe::kSmall;
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
  if (!features_.kprobe && !ByFentry()) return;
  for (const Request& request : Requests()) {
    if ((events >> request.Index() & 1) == 0) continue;
    const auto has = [&](const Object& object) {
      return FindLoaded(object->obj, request.Entry(ByFentry()));
    };
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
  const auto attach = [&](bpf_program* program, const std::string& function) {
    return ByFentry() ? nsw::kernel::Attach(program) : AttachKprobe(program, function, false);
  };
  // Of several events. By fentry 5.10 attaches a program once: it stays.
  if (bpf_program* answered = FindLoaded(object, Name(kAnswered)); answered != nullptr) {
    Probes& owner = ByFentry() ? probes_[0] : probes;
    if (!ByFentry() || staying_.insert(answered).second)
      Keep(attach(answered, TargetOf(answered)), owner.entries, kAnswered, owner.lines);
  }
  if (bpf_program* failed = FindLoaded(object, Name(kFailed)); failed != nullptr && request.Waits())
    Keep(attach(failed, failing_), probes.entries, kFailed, probes.lines);
  const std::string how = AttachRequestReturn(object, request);
  bpf_program* entry = FindLoaded(object, request.Entry(ByFentry()));
  if (!how.empty() &&
      Keep(attach(entry, request.function), probes.entries, request.function, probes.lines))
    probes.lines.push_back(request.function + ": " + how);
}

// How both are taken; "" where the return could not be attached.
std::string Sensor::AttachRequestReturn(bpf_object* object, const Request& request) {
  Probes& probes = probes_[request.Index()];
  bpf_program* program = FindLoaded(object, request.Return(ByFentry()));
  if (ByFentry())
    return Keep(nsw::kernel::Attach(program), probes.returns, request.function, probes.lines)
               ? "fentry + fexit"
               : "";
  const std::string how = AttachKretprobe(program, request.function, PoolKretprobe::kLarge, probes);
  return how.empty() ? "" : "kprobe + " + how;
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
