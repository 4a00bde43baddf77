// SPDX-License-Identifier: Apache-2.0
// The path hash of bpf/abi.h, as the engine computes it. Pure; any thread; cannot fail.
#pragma once

#include <cstdint>
#include <string_view>

namespace nsw::kernel {

struct PathHash {
  uint64_t hash = 0;   ///< 0 is the root
  uint32_t depth = 0;  ///< components
};

/// Hash of one component, at most 255 bytes (longer ones cannot exist, and hash to 0 as in the
/// kernel).
uint64_t NameHash(std::string_view name, uint64_t seed);

inline constexpr uint32_t kNoHole = UINT32_MAX;

/// Hash of an absolute path; empty components count for nothing. Component number `hole`, from 0,
/// is any, and its hash 0.
PathHash HashPath(std::string_view path, uint64_t seed, uint32_t hole = kNoHole);

/// That of `rest` below a path whose hash is known.
PathHash HashBelow(PathHash above, std::string_view rest, uint64_t seed);

}  // namespace nsw::kernel
