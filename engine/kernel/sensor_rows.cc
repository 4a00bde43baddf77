// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/sensor_rows.h"

#include <algorithm>
#include <string_view>

namespace nsw::kernel {

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

struct SocketCall {
  uint32_t number;
  std::string_view call;
};

constexpr SocketCall kSocketCalls[] = {
#define SOCKETCALL(number, name) {number, #name},
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
  if (std::ranges::find(kSocketCalls, name, &SocketCall::call) != std::end(kSocketCalls))
    add(kSocketCallFunction);
  return functions;
}

std::vector<uint32_t> Sensor::Row::CompatNumbers() const {
  std::vector<uint32_t> numbers;
  if (i386 != 0) numbers.push_back(i386);
  for (const Door& door : kDoors) {
    if (door.call == name && door.i386 != 0) numbers.push_back(door.i386);
  }
  for (const SocketCall& one : kSocketCalls) {
    if (one.call == name) numbers.push_back(NSW_I386_CALLS + one.number);
  }
  return numbers;
}

}  // namespace nsw::kernel
