// SPDX-License-Identifier: Apache-2.0
// Killing a process that a record named, and never another that has its number now.
#pragma once

#include <cstdint>

#include "engine/base/result.h"
#include "engine/event/process.h"

namespace nsw {

/// SIGKILL to the process `pid` that started at `start_ns` (CLOCK_BOOTTIME). Errors: it is gone, or
/// it is the machine's first process or this one.
[[nodiscard]] Status KillProcess(uint32_t pid, uint64_t start_ns,
                                 const event::ProcessReader& reader = event::ProcReader());

}  // namespace nsw
