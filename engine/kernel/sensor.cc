// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/sensor.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>

namespace nsw::kernel {

struct Sensor::Row {
  std::string name;
  std::string event;
  bool late;
};

const std::vector<Sensor::Row>& Sensor::Rows() {
#define SYSCALL(name, event, late) {#name, #event, (late) != 0},
  static const std::vector<Row> rows = {
#include "bpf/syscalls.def"
  };
  return rows;
}

namespace {

std::string Function(const std::string& call) { return "__x64_sys_" + call; }

/// Programs of this object that need kprobes, and those that are wanted in either mode.
constexpr const char* kObjectProbes[] = {"nsw_object_open", "nsw_object_exec",
                                         "nsw_object_connect"};
constexpr const char* kAlways[] = {"nsw_fork", "nsw_exec", "nsw_exit", "nsw_free_claim"};

}  // namespace

Result<Sensor> Sensor::Load(const Features& features, bpf_object* shared, bool lsm) {
  Sensor sensor(features);
  if (Status status = sensor.Open(shared, lsm); !status) return tl::unexpected(status.error());
  sensor.AttachOthers();
  for (const Row& row : Rows()) sensor.AttachRow(row);
  return sensor;
}

Status Sensor::Open(bpf_object* shared, bool lsm) {
  skeleton_.reset(sensor__open());
  if (!skeleton_) return FailProgram("sensor", "opening the object", errno);
  skeleton_->rodata->lsm_attached = lsm ? 1 : 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) {
    const char* name = bpf_map__name(map);
    if (std::strchr(name, '.') != nullptr) continue;  // each object's own data
    bpf_map* same = bpf_object__find_map_by_name(shared, name);
    if (same == nullptr) continue;
    if (const int error = bpf_map__reuse_fd(map, bpf_map__fd(same)); error != 0) {
      return FailProgram("sensor", std::string("sharing map ") + name, -error);
    }
  }
  Choose();
  if (const int error = sensor__load(skeleton_.get()); error != 0)
    return FailProgram("sensor", "loading", -error);
  return {};
}

void Sensor::Choose() {
  bpf_object* object = skeleton_->obj;
  for (const char* name : kAlways) Want(object, name);
  if (!features_.fexit)
    Want(object, features_.kprobe ? "nsw_switch_kprobe" : "nsw_switch_tracepoint");
  if (features_.kprobe) {
    for (const char* name : kObjectProbes) Want(object, name);
    if (!features_.lsm) Want(object, "nsw_seed_kprobe");
  }
  for (const Row& row : Rows()) {
    if (features_.kprobe) {
      Want(object, "nsw_k_" + row.name);
      Want(object, "nsw_kr_" + row.event);
      if (row.late && features_.fexit && HasBtfFunction(Function(row.name)))
        Want(object, "nsw_f_" + row.name);
    } else {
      Want(object, "nsw_t_" + row.name);
      Want(object, "nsw_tr_" + row.event);
    }
  }
}

bpf_program* Sensor::Find(const std::string& name) const {
  bpf_program* program = FindProgram(skeleton_->obj, name);
  return program != nullptr && bpf_program__autoload(program) ? program : nullptr;
}

bool Sensor::Keep(Result<Link> link, const std::string& what) {
  if (!link) {
    spdlog::warn("{}", link.error().message);
    attachments_.push_back(what + ": not watched: " + link.error().message);
    return false;
  }
  links_.push_back(std::move(*link));
  return true;
}

void Sensor::AttachOthers() {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    const std::string name = bpf_program__name(program);
    const std::string section = bpf_program__section_name(program);
    const bool of_row = name.starts_with("nsw_k_") || name.starts_with("nsw_t_") ||
                        name.starts_with("nsw_f_") || name.starts_with("nsw_kr_") ||
                        name.starts_with("nsw_tr_");
    if (of_row || !bpf_program__autoload(program)) continue;
    const std::string what = section.substr(section.find('/') + 1);
    if (Keep(Attach(program), what))
      attachments_.push_back(what + ": " + section.substr(0, section.find('/')));
  }
}

void Sensor::AttachRow(const Row& row) {
  if (features_.kprobe) {
    AttachByKprobe(row);
  } else {
    AttachByTracepoint(row);
  }
}

bool Sensor::AttachByKprobe(const Row& row) {
  // The return first: an entry whose return is not seen leaves an entry behind.
  const std::string how = AttachReturn(row);
  if (how.empty()) return false;
  bpf_program* entry = Find("nsw_k_" + row.name);
  if (entry == nullptr || !Keep(AttachKprobe(entry, Function(row.name), false), row.name))
    return false;
  attachments_.push_back(row.name + ": kprobe + " + how);
  return true;
}

std::string Sensor::AttachReturn(const Row& row) {
  if (bpf_program* late = Find("nsw_f_" + row.name); late != nullptr) {
    if (Keep(Attach(late), row.name)) return "fexit";
  }
  bpf_program* program = Find("nsw_kr_" + row.event);
  if (program == nullptr) return {};
  if (features_.kretprobe_pool) {
    Result<PoolKretprobe> pool =
        PoolKretprobe::Attach(bpf_program__fd(program), Function(row.name));
    if (pool) {
      pools_.push_back(std::move(*pool));
      return "kretprobe (pool " + std::to_string(PoolKretprobe::kPool) + ")";
    }
    spdlog::warn("{}: {}; the kernel's default pool is used, and returns may be lost", row.name,
                 pool.error().message);
  }
  return Keep(AttachKprobe(program, Function(row.name), true), row.name)
             ? "kretprobe (default pool)"
             : "";
}

bool Sensor::AttachByTracepoint(const Row& row) {
  bpf_program* entry = Find("nsw_t_" + row.name);
  bpf_program* exit = Find("nsw_tr_" + row.event);
  if (entry == nullptr || exit == nullptr) return false;
  if (!Keep(AttachTracepoint(exit, "syscalls", "sys_exit_" + row.name), row.name)) return false;
  if (!Keep(AttachTracepoint(entry, "syscalls", "sys_enter_" + row.name), row.name)) return false;
  attachments_.push_back(row.name + ": tracepoints sys_enter + sys_exit (degraded)");
  return true;
}

}  // namespace nsw::kernel
