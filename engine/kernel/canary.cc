// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/canary.h"

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace nsw::kernel {
namespace {

constexpr const char* kFunction = "__x64_sys_ioprio_get";
constexpr const char* kSilent =
    "programs are not called any more (see kernel.ftrace_enabled, and kprobes/enabled in "
    "debugfs): ";
constexpr int kRepetitions = 3;
constexpr auto kPause = std::chrono::milliseconds(2);
constexpr int kOneProcess = 1;  // IOPRIO_WHO_PROCESS, of which there is no header

void MakeTheCalls() {
  syscall(SYS_ioprio_get, kOneProcess, 0);
  char name[16];
  if (prctl(PR_GET_NAME, name) == 0) prctl(PR_SET_NAME, name);
}

}  // namespace

struct Canary::Row {
  const char* program;
  const char* what;
  uint32_t canary::canary__bss::*count;
  bool (*used)(const Features& features, bool lsm);
  const char* consequence;
};

const std::vector<Canary::Row>& Canary::Rows() {
  using Bss = canary::canary__bss;
  static const std::vector<Row> rows = {
      {"canary_kprobe", "kprobe", &Bss::kprobe, [](const Features& f, bool) { return f.kprobe; },
       "what containers do is not seen"},
      {"canary_return", "kretprobe", &Bss::kretprobe,
       [](const Features& f, bool) { return f.kprobe; },
       "what containers do is not seen where returns are taken by kretprobes"},
      {"canary_multi", "kretprobe.multi", &Bss::kretprobe_multi,
       [](const Features& f, bool) { return f.kretprobe_multi; },
       "what containers do is not seen where returns are taken by kretprobe.multi"},
      {"canary_fexit", "fentry and fexit", &Bss::fexit,
       [](const Features& f, bool) { return f.fexit; },
       "what containers do is not seen where returns are taken by fexit"},
      {"canary_tp_btf", "tp_btf", &Bss::tp_btf, [](const Features&, bool) { return true; },
       "processes are not seen to begin and end, nor known to be of a container"},
      {"canary_lsm", "BPF-LSM", &Bss::lsm, [](const Features&, bool lsm) { return lsm; },
       "what policies refuse is not refused"},
      {"canary_sys_enter", "tracepoint sys_enter", &Bss::sys_enter,
       [](const Features& f, bool) { return !f.kprobe && f.syscall_tracepoint; },
       "what containers do is not seen"},
      {"canary_sys_exit", "tracepoint sys_exit", &Bss::sys_exit,
       [](const Features& f, bool) { return !f.kprobe && f.syscall_tracepoint; },
       "what containers do is not seen"},
  };
  return rows;
}

Result<Canary> Canary::Load(const Features& features, bool lsm) {
  Canary made;
  made.skeleton_.reset(canary__open());
  if (!made.skeleton_) return FailProgram("canary", "opening the object", errno);
  made.pool_ = features.kretprobe_pool;
  made.skeleton_->rodata->engine = static_cast<uint32_t>(getpid());
  for (const Row& row : Rows()) {
    if (row.used(features, lsm)) Want(made.skeleton_->obj, row.program);
  }
  if (const int error = canary__load(made.skeleton_.get()); error != 0)
    return FailProgram("canary", "loading", -error);
  for (const Row& row : Rows()) {
    if (row.used(features, lsm)) made.Attach(row);
  }
  return made;
}

void Canary::Attach(const Row& row) {
  if (const Status attached = TryAttach(row); !attached) {
    spdlog::warn("nobody will notice if {} is switched off: {}", row.what,
                 attached.error().message);
    return;
  }
  listened_.push_back({&row, 0});
}

Status Canary::TryAttach(const Row& row) {
  bpf_program* program = FindProgram(skeleton_->obj, row.program);
  const bool at_return = program == skeleton_->progs.canary_return;
  if (at_return && pool_) {
    Result<PoolKretprobe> pool =
        PoolKretprobe::Attach(bpf_program__fd(program), kFunction, PoolKretprobe::kSmall);
    if (!pool) return tl::unexpected(pool.error());
    return_.emplace(std::move(*pool));
    return {};
  }
  Result<Link> link = at_return ? AttachKprobe(program, kFunction, true)
                      : program == skeleton_->progs.canary_multi ? AttachMulti(program, kFunction)
                                                                 : kernel::Attach(program);
  if (!link) return tl::unexpected(link.error());
  links_.push_back(std::move(*link));
  return {};
}

bool Canary::AllHeard() const {
  return std::ranges::all_of(listened_, [this](const Listened& one) {
    return skeleton_->bss->*one.row->count != one.heard;
  });
}

// A kprobe is passed over while a task that was preempted in work on a BPF map has not ended that:
// it is given the time.
std::vector<Sign> Canary::Listen() {
  MakeTheCalls();
  for (int again = 0; again < kRepetitions && !AllHeard(); ++again) {
    std::this_thread::sleep_for(kPause);
    MakeTheCalls();
  }
  std::vector<Sign> signs;
  for (Listened& one : listened_) {
    const uint32_t now = skeleton_->bss->*one.row->count;
    signs.push_back(
        {one.row->what, now != one.heard, false, std::string(kSilent) + one.row->consequence});
    one.heard = now;
  }
  return signs;
}

}  // namespace nsw::kernel
