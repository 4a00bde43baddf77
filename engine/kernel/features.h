// SPDX-License-Identifier: Apache-2.0
// What this kernel gives, each found by trial and never by version: every program type is loaded
// and attached once and taken away again. Called at start and by `nswarden probe`. Needs root;
// takes about a second.
#pragma once

#include <string>
#include <vector>

#include "engine/kernel/enforcement.h"

namespace nsw::kernel {

/// One line of `nswarden probe`.
struct Feature {
  std::string name;  ///< "kprobe", "BPF-LSM", ...
  bool works = false;
  std::string why;  ///< the trial's own words when it does not work: errno and what was tried
  std::string consequence;  ///< what follows for the user
  std::string remedy;       ///< how to get it, "" where nothing is missing
};

struct Features {
  bool root = false;  ///< may load BPF at all
  bool btf = false;
  bool ring_buffer = false;
  bool tracing = false;   ///< tp_btf
  bool iterator = false;  ///< iter/task
  bool kprobe = false;
  bool kretprobe_pool = false;   ///< kretprobe with a pool of our size, by tracefs
  bool kretprobe_multi = false;  ///< and a return has room on its task's own stack
  bool fexit = false;
  bool fentry_structure = false;  ///< fentry, also on functions that take a structure
  bool syscall_tracepoint = false;
  bool lsm =
      false;  ///< BPF-LSM loads, `bpf` is in the active list and a canary denial was seen to work
  bool modify_return = false;  ///< a canary denial by fmod_ret on the function that calls the hook
  std::vector<Feature> table;

  [[nodiscard]] Enforcement enforcement() const {
    if (lsm) return Enforcement::kRefuses;
    return modify_return ? Enforcement::kKills : Enforcement::kNone;
  }
};

Features ProbeFeatures();

}  // namespace nsw::kernel
