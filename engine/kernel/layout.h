// SPDX-License-Identifier: Apache-2.0
// What the maps of an object look like, as one number: two engines may share pinned maps where it
// is the same for both. Pure; used by LoadedKernel before the object is loaded.
#pragma once

#include <bpf/libbpf.h>

#include <span>
#include <string>

namespace nsw::kernel {

/// 16 hex digits of the key and value types of those maps (names, offsets and sizes of all
/// members), of `structs` that the maps hold without saying so, of the records, and of the version
/// of what is pinned.
std::string LayoutOf(const bpf_object* object, std::span<const char* const> maps,
                     std::span<const char* const> structs);

}  // namespace nsw::kernel
