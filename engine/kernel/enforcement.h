// SPDX-License-Identifier: Apache-2.0
// Enforcement: what the kernel's programs do about an act that a policy refuses.
#pragma once

#include <cstdint>

namespace nsw::kernel {

enum class Enforcement : uint8_t {
  kNone,     ///< nothing: none of them judges. What is seen is matched in user space
  kKills,    ///< without BPF-LSM: at the act, who does it is killed if its policy says
             ///< `fallback: kill`; else the act is told of
  kRefuses,  ///< the act fails
};

}  // namespace nsw::kernel
