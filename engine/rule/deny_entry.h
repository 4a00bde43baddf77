// SPDX-License-Identifier: Apache-2.0
// Deny entries as written, lowered to what the kernel's maps hold. What cannot be lowered exactly
// is refused with a hint, never made weaker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi.h"
#include "engine/rule/deny_plan.h"

namespace nsw::rule {

/// Why an entry was refused; `at`: the byte of the entry where the trouble is.
struct EntryError {
  size_t at = 0;
  std::string message;
  std::string hint;
};

/// The entries that a text stands for, `rule` and `mode` not set; empty with `error` set when there
/// is a mistake. A literal, "dir/**", "dir/" or "**/name".
std::vector<DenyEntry> ParsePathEntry(std::string_view text, nsw_class deny_class,
                                      EntryError& error);
/// "IP", "CIDR", ":PORT", "CIDR:PORT", "CIDR:LOW-HIGH", each with "/tcp" or "/udp"; IPv6 with a
/// port in brackets.
std::vector<DenyEntry> ParseNetEntry(std::string_view text, EntryError& error);
std::vector<DenyEntry> ParseEntry(std::string_view text, nsw_class deny_class, EntryError& error);

/// "exec", "read", "write", "connect".
std::string_view ClassName(nsw_class deny_class);

}  // namespace nsw::rule
