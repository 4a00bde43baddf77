// SPDX-License-Identifier: Apache-2.0
// Verdicts: the kernel's answers by themselves. Loads the programs that answer, attaches none,
// binds one made-up home to sets, and asks. Needs root, and no more of a kernel than that it runs
// BPF: it works where no LSM program does. Ends the process where it cannot go on.
#pragma once

#include <bpf/bpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "enforce.skel.h"
#include "engine/base/unique_fd.h"
#include "engine/kernel/deny_map_driver.h"
#include "engine/kernel/enforcer.h"
#include "engine/kernel/hurry.h"
#include "engine/kernel/programs.h"
#include "tests/vm/entries.h"

namespace nsw::test {

inline constexpr uint64_t kHome = 0x1234'0000'0005;
inline constexpr uint64_t kSeed = 0x0123'4567'89ab'cdef;

[[noreturn]] inline void Die(const std::string& why) {
  fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  exit(1);
}

inline void Done(int result, const std::string& what) {
  if (result != 0) Die(what + ": " + strerror(errno));
}

/// What the kernel answers; `rule` 0 and `mode` 0: permitted.
struct Answer {
  uint32_t rule = 0;
  uint32_t mode = 0;
  bool unresolved = false;
  bool kill = false;
};

struct Deleter {
  void operator()(enforce* skeleton) const { enforce__destroy(skeleton); }
};

class Verdicts {
 public:
  Verdicts() : skeleton_(enforce__open()) {
    kernel::CaptureLibbpfLog();
    if (!skeleton_) Die("opening the object");
    for (const char* name :
         {"nsw_set_home", "nsw_resolve", "nsw_judge_file", "nsw_judge_address", "nsw_judge_key"}) {
      kernel::Want(skeleton_->obj, name);
    }
    if (enforce__load(skeleton_.get()) != 0) Die("loading: " + kernel::TakeLibbpfLog());
    nsw_settings settings{};
    settings.seed = kSeed;
    const uint32_t zero = 0;
    bpf_map_update_elem(bpf_map__fd(skeleton_->maps.settings), &zero, &settings, BPF_ANY);
    driver_ = MakeDriver();
  }

  kernel::DenyMapDriver& driver() { return *driver_; }

  /// One more on the same maps.
  std::unique_ptr<kernel::DenyMapDriver> MakeDriver() {
    const kernel::DenyMapFds fds = kernel::DenyMapFdsOf(skeleton_.get());
    return std::make_unique<kernel::DenyMapDriver>(
        fds, kSeed, bpf_map__max_entries(skeleton_->maps.sets), ~0U, kernel::Enforcement::kRefuses,
        [](const kernel::Refusals&) { return Status(); });  // they are asked, and not attached
  }

  /// Puts entries in force, in place of those before.
  void Use(const std::vector<std::string>& entries, bool resolve = true) {
    rule::DenyPlan plan;
    for (const std::string& entry : entries) {
      if (Status status = AddEntry(entry, plan); !status) Die(status.error().message);
    }
    Use(plan, resolve);
  }

  void Use(const rule::DenyPlan& plan, bool resolve) {
    const Result<uint32_t> slot = driver_->BuildSet(plan);
    if (!slot) Die(slot.error().message);
    if (Status status = driver_->Bind(kHome, *slot, plan, resolve ? getpid() : 0); !status)
      Die(status.error().message);
    driver_->FreeSet(slot_);
    slot_ = *slot;
    plan_ = plan;
  }

  /// As when more is known of a container than when it was bound.
  void BindAgain() {
    if (Status status = driver_->Bind(kHome, slot_, plan_, getpid()); !status)
      Die(status.error().message);
    driver_->Settle();
  }

  Answer File(const std::string& path, uint32_t classes, uint32_t label = 0) {
    const UniqueFd fd(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) Die(path + ": " + strerror(errno));
    return Ask("nsw_judge_file", {kHome, classes, label, static_cast<uint64_t>(fd.get())});
  }

  Answer Descriptor(int fd, uint32_t classes) {
    return Ask("nsw_judge_file", {kHome, classes, 0, static_cast<uint64_t>(fd)});
  }

  Answer Address(const std::array<uint8_t, 16>& address, uint16_t port, uint8_t protocol,
                 uint32_t classes) {
    uint64_t half[2];
    std::memcpy(half, address.data(), sizeof half);
    return Ask("nsw_judge_address",
               {kHome, classes, 0, half[0], half[1], uint64_t{port} << 8 | protocol});
  }

  Answer Key(uint32_t kind, uint64_t hash, uint32_t classes) {
    return Ask("nsw_judge_key", {kHome, classes, 0, kind, hash});
  }

  void SetPhases(uint32_t phases) {
    const int fd = bpf_map__fd(skeleton_->maps.homes);
    nsw_home home{};
    bpf_map_lookup_elem(fd, &kHome, &home);
    home.phases = phases;
    bpf_map_update_elem(fd, &kHome, &home, BPF_ANY);
  }

 private:
  int Program(const char* name) {
    return bpf_program__fd(kernel::FindProgram(skeleton_->obj, name));
  }

  Answer Ask(const char* program, std::initializer_list<uint64_t> arguments) {
    const Result<uint32_t> failed = kernel::RunProgram(Program(program), arguments);
    if (!failed) Die(failed.error().message);
    if (*failed != 0) Die(std::string(program) + " could not be asked");
    uint64_t raw = 0;
    const uint32_t zero = 0;
    bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.verdict), &zero, &raw);
    return {static_cast<uint32_t>(raw), static_cast<uint32_t>(raw >> 32 & 3), (raw >> 40 & 1) != 0,
            (raw >> 41 & 1) != 0};
  }

  kernel::Hurry hurry_;  // each set that is built or let go waits for grace periods
  std::unique_ptr<enforce, Deleter> skeleton_;
  std::unique_ptr<kernel::DenyMapDriver> driver_;
  uint32_t slot_ = 0;
  rule::DenyPlan plan_;
};

}  // namespace nsw::test
