// SPDX-License-Identifier: Apache-2.0
// How the filters of a query are compared. Pure functions, called from SQL for each row or, where
// rows share a container or a program, for each of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/event/address.h"

namespace nsw::store {

/// Exact, or with * (any bytes, / too) and ? (one character) a glob. Case counts.
bool GlobMatch(std::string_view pattern, std::string_view text);
[[nodiscard]] bool IsGlob(std::string_view pattern);

/// An image as people write it against a reference: "nginx" matches docker.io/library/nginx with
/// any tag or digest, "nginx:1.25" that tag. A glob is compared with the reference as given, its
/// familiar and its full name.
bool ImageMatch(std::string_view pattern, std::string_view reference);

/// A container's name or id, a beginning of its id (from 4 characters on), or a glob of either.
bool ContainerMatch(std::string_view pattern, std::string_view name, std::string_view id);

/// A program's path, its name, the last part of its path.
bool ProcessMatch(std::string_view pattern, std::string_view exe, std::string_view name);

/// Whether an event, an evt.type, or an operation can have that name, or one that fits the glob.
/// Error: names the known ones.
Status CheckEventFilter(std::string_view text);

struct AddressFilter {
  std::optional<event::Network> network;  ///< none: any
  std::optional<uint16_t> port;           ///< none: any
};
/// IP, CIDR, IP:PORT, [IP6]:PORT, CIDR:PORT, :PORT. Error: says what is accepted.
Result<AddressFilter> ParseAddressFilter(std::string_view text);
/// `object` as the history has it: "10.0.0.1:443", "[::1]:443". Anything else does not match.
bool AddressMatch(const AddressFilter& filter, std::string_view object);

}  // namespace nsw::store
