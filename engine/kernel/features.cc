// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/features.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>

#include "engine/base/unique_fd.h"
#include "engine/kernel/pool_kretprobe.h"
#include "engine/kernel/programs.h"
#include "probe.skel.h"

namespace nsw::kernel {
namespace {

struct ProbeDeleter {
  void operator()(probe* skeleton) const { probe__destroy(skeleton); }
};
using Object = std::unique_ptr<probe, ProbeDeleter>;

/// Loads one program of the trial object alone. `function`: where it is put, null: as it is.
Result<Object> LoadAlone(const char* name, const char* function = nullptr) {
  Object object(probe__open());
  if (!object) return FailProgram(name, "opening the trial object", errno);
  object->rodata->trial_tid = static_cast<uint32_t>(gettid());
  Want(object->obj, name);
  if (function != nullptr) {
    if (Status put = PutOnFunction(FindProgram(object->obj, name), function); !put)
      return tl::unexpected(put.error());
  }
  if (const int error = probe__load(object.get()); error != 0)
    return FailProgram(function == nullptr ? name : function, "loading", -error);
  return object;
}

void OpenSomething() { const UniqueFd file(open("/proc/self/stat", O_RDONLY | O_CLOEXEC)); }

Status TryAttached(const char* name, const std::function<void()>& act) {
  Result<Object> object = LoadAlone(name);
  if (!object) return tl::unexpected(object.error());
  Result<Link> link = Attach(FindProgram((*object)->obj, name));
  if (!link) return tl::unexpected(link.error());
  if (!act) return {};
  act();
  if ((*object)->bss->hits == 0) return Fail(std::string(name) + ": attached, but was not called");
  return {};
}

Status TryPool() {
  Result<Object> object = LoadAlone("try_kretprobe");
  if (!object) return tl::unexpected(object.error());
  Result<PoolKretprobe> pool = PoolKretprobe::Attach(
      bpf_program__fd((*object)->progs.try_kretprobe), "__x64_sys_openat", PoolKretprobe::kLarge);
  if (!pool) return tl::unexpected(pool.error());
  OpenSomething();
  if ((*object)->bss->hits == 0) return Fail("attached, but was not called");
  return {};
}

Status TryMulti() {
  Result<Object> object = LoadAlone("try_kretprobe_multi");
  if (!object) return tl::unexpected(object.error());
  Result<Link> link = AttachMulti((*object)->progs.try_kretprobe_multi, "__x64_sys_openat");
  if (!link) return tl::unexpected(link.error());
  OpenSomething();
  if ((*object)->bss->hits == 0) return Fail("attached, but was not called");
  // Before, a return waited in a pool of a few for each processor.
  if (!HasBtfFunction("fprobe_return")) return Fail("returns have room for a few at a time only");
  return {};
}

std::string ActiveLsms() {
  std::ifstream file("/sys/kernel/security/lsm");
  std::string active;
  std::getline(file, active);
  return active;
}

/// What the usual advice asks for may be there already.
const char* LsmRemedy() {
  if (("," + ActiveLsms() + ",").find(",bpf,") == std::string::npos)
    return "a kernel with CONFIG_BPF_LSM, booted with bpf in its lsm= list";
  return "bpf is in this kernel's lsm= list already; something else keeps such programs from being "
         "loaded: look for a sandbox or virtual machine that forbids it";
}

/// A denial that must really be seen.
Status TryRefusing(const char* function) {
  Result<Object> object = LoadAlone("try_lsm", function);
  if (!object) return tl::unexpected(object.error());
  Result<Link> link = Attach((*object)->progs.try_lsm);
  if (!link) return tl::unexpected(link.error());
  const UniqueFd canary(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  if (!canary.valid() && errno == EPERM) return {};
  const std::string active = ActiveLsms();
  return Fail("the program attaches, but its refusal has no effect; active LSMs: " +
              (active.empty() ? "unknown" : active));
}

Status TryRing() {
  const UniqueFd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "nsw_trial", 0, 0, 4096, nullptr));
  if (!ring.valid()) return FailErrno("making a ring buffer", errno);
  return {};
}

Status TryRoot() {
  const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "nsw_trial", 4, 4, 1, nullptr));
  if (!map.valid()) return FailErrno("making a BPF map", errno);
  return {};
}

Status TryBtf() {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return FailErrno("/sys/kernel/btf/vmlinux", errno);
  return {};
}

struct Trial {
  const char* name;
  bool Features::*slot;
  std::function<Status()> run;
  const char* consequence;
  const char* remedy;
};

std::vector<Trial> Trials() {
  return {
      {"BPF", &Features::root, TryRoot, "nswarden cannot run at all",
       "run as root, with CAP_BPF and CAP_PERFMON"},
      {"BTF", &Features::btf, TryBtf, "nswarden cannot run at all",
       "a kernel with CONFIG_DEBUG_INFO_BTF"},
      {"ring buffer", &Features::ring_buffer, TryRing, "nswarden cannot run at all",
       "Linux 5.10 or later"},
      {"BTF tracepoints", &Features::tracing, [] { return TryAttached("try_tp_btf", nullptr); },
       "nswarden cannot run at all", "Linux 5.10 or later"},
      {"task iterator", &Features::iterator,
       [] {
         Result<Object> object = LoadAlone("try_iterator");
         return object ? Status() : tl::unexpected(object.error());
       },
       "containers that run already are seen only from their next exec on", "Linux 5.10 or later"},
      {"kprobe", &Features::kprobe,
       [] { return TryAttached("try_kprobe", [] { syscall(SYS_getppid); }); },
       "calls are watched by tracepoints; where fexit is missing, too, objects are taken from "
       "descriptors, failed calls show the caller's text, and io_uring is not watched",
       "a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS"},
      {"kretprobe with a pool", &Features::kretprobe_pool, TryPool,
       "returns of many calls that sleep at once can be lost (and are counted)",
       "a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS; mount tracefs on "
       "/sys/kernel/tracing"},
      {"kretprobe without a pool", &Features::kretprobe_multi, TryMulti,
       "returns of calls that sleep are taken by fexit, or by kretprobes with a pool",
       "Linux 6.14 or later with CONFIG_FPROBE"},
      {"fexit", &Features::fexit, [] { return TryAttached("try_fexit", OpenSomething); },
       "returns of calls that sleep are taken by kretprobes, with or without a pool",
       "a kernel with CONFIG_FUNCTION_TRACER and BPF trampolines"},
      {"system call tracepoints", &Features::syscall_tracepoint,
       [] { return TryAttached("try_tracepoint", OpenSomething); },
       "no substitute where kprobes are missing",
       "a kernel with CONFIG_FTRACE_SYSCALLS; mount tracefs on /sys/kernel/tracing"},
      {"BPF-LSM", &Features::lsm, [] { return TryRefusing(nullptr); },
       "policies can alert, but nothing is refused; `fallback: kill` kills", LsmRemedy()},
      {"fmod_ret", &Features::modify_return, [] { return TryRefusing("security_file_open"); },
       "without BPF-LSM, `fallback: kill` kills from user space, after the act",
       "a kernel with CONFIG_FUNCTION_TRACER and BPF trampolines"},
  };
}

}  // namespace

Features ProbeFeatures() {
  CaptureLibbpfLog();
  Features features;
  for (const Trial& trial : Trials()) {
    const Status status = trial.run();
    TakeLibbpfLog();
    features.*trial.slot = status.has_value();
    Feature line{trial.name, status.has_value(), "", "", ""};
    if (!status)
      line = {trial.name, false, status.error().message, trial.consequence, trial.remedy};
    features.table.push_back(std::move(line));
  }
  features.fentry_structure = features.fexit && LoadAlone("try_fentry_structure").has_value();
  TakeLibbpfLog();
  return features;
}

}  // namespace nsw::kernel
