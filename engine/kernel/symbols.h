// SPDX-License-Identifier: Apache-2.0
// The kernel's own table of symbols (/proc/kallsyms), its global functions alone. A probe that is
// put on an address needs no search by the kernel, which by name walks up to the whole table, for
// each probe again: with some 400 of them that is most of the start on kernels before 6.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nsw::kernel {

/// Address of the kernel's global function of that name; 0 where the kernel hides addresses
/// (kptr_restrict), or where there are several functions of that name. Nothing: there is none.
std::optional<uint64_t> FindSymbol(std::string_view function);

}  // namespace nsw::kernel
