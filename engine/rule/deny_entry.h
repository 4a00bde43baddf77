// SPDX-License-Identifier: Apache-2.0
// Deny and allow entries as written, lowered to the keys that the plan has. What cannot be lowered
// exactly is refused with a hint, never made weaker. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule/deny_plan.h"

namespace nsw::rule {

/// Why an entry was refused; `at`: the byte of the entry where the trouble is.
struct EntryError {
  size_t at = 0;
  std::string message;
  std::string hint;
};

// Each gives the keys that a text stands for; empty with `error` set when there is a mistake.
using EntryParser = std::vector<DenyKey> (*)(std::string_view text, EntryError& error);

/// A literal, "dir/**", "dir/", "**/name", "**/*.suffix", one "*" component in the middle.
std::vector<DenyKey> ParsePathEntry(std::string_view text, EntryError& error);
/// The same, and "origin:NAME" with a name of bpf/deny.def.
std::vector<DenyKey> ParseExecEntry(std::string_view text, EntryError& error);
/// "IP", "CIDR", ":PORT", "CIDR:PORT", "CIDR:LOW-HIGH", each with "/tcp" or "/udp"; IPv6 with a
/// port in brackets; "unix:" and a path in any form, or "unix:@name".
std::vector<DenyKey> ParseNetEntry(std::string_view text, EntryError& error);
/// "FAMILY", "FAMILY/TYPE", "*/TYPE": "packet", "inet/raw".
std::vector<DenyKey> ParseSocketEntry(std::string_view text, EntryError& error);
/// "sys_admin", "CAP_SYS_ADMIN".
std::vector<DenyKey> ParseCapabilityEntry(std::string_view text, EntryError& error);
/// A name of bpf/deny.def.
std::vector<DenyKey> ParseOperationEntry(std::string_view text, EntryError& error);

/// What stands under `deny:` and `allow:`.
struct ListKey {
  std::string_view name;  ///< "exec"
  uint32_t classes;       ///< bit per DenyClass
  std::string_view what;  ///< key of an entry that is a map: "path", "to", "name"
  EntryParser parse;
  std::string_view output;  ///< of an alert, unless the entry has its own
};
std::span<const ListKey> ListKeys();
/// Null when there is none of that name.
const ListKey* FindListKey(std::string_view name);
/// Their names, for hints.
std::span<const std::string_view> ListKeyNames();

}  // namespace nsw::rule
