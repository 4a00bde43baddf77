// SPDX-License-Identifier: Apache-2.0
// What bpf/syscalls.def says of each call, and of each function by which io_uring does an act: for
// the two halves of Sensor.
#pragma once

#include <string>
#include <vector>

#include "engine/event/event.h"
#include "engine/kernel/sensor.h"

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
  /// The numbers by which they call it; from NSW_I386_CALLS on those that socketcall(2) has.
  [[nodiscard]] std::vector<uint32_t> CompatNumbers() const;
};

/// A function by which io_uring does an act.
struct Sensor::Request {
  std::string function;
  event::Type event;

  [[nodiscard]] size_t Index() const { return static_cast<size_t>(event); }
  /// May be given up between two tries.
  [[nodiscard]] bool Waits() const { return event == event::Type::k_connect; }
  [[nodiscard]] std::string Entry(bool fentry) const {
    return (fentry ? "nsw_gf_" : "nsw_g_") + function;
  }
  [[nodiscard]] std::string Return(bool fexit) const {
    return (fexit ? "nsw_gx_" : "nsw_gr_") + function;
  }
};

// By it 32-bit callers come to several calls, some of which may sleep for ever.
constexpr const char* kSocketCallFunction = "__ia32_compat_sys_socketcall";

// How a request of io_uring ends, beside its function's return.
constexpr const char* kAnswered = "nsw_ring_answered";
constexpr const char* kFailed = "nsw_ring_failed";

}  // namespace nsw::kernel
