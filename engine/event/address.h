// SPDX-License-Identifier: Apache-2.0
// Addresses as records and rules have them: 16 bytes in network order, IPv4 mapped into IPv6.
#pragma once

#include <netinet/in.h>

#include <optional>
#include <string>
#include <string_view>

#include "bpf/abi.h"

namespace nsw::event {

bool IsZero(const nsw_addr& address);
bool IsIpv4(const nsw_addr& address);

/// "10.0.0.1" or "2001:db8::1".
std::string AddressText(const nsw_addr& address);
/// The same without allocation, into `room`.
std::string_view AddressText(const nsw_addr& address, char (&room)[INET6_ADDRSTRLEN]);

/// An IPv4 or IPv6 address; nothing else (no names, no ports).
std::optional<nsw_addr> ParseAddress(std::string_view text);

/// An address block. `prefix` counts bits of the 16 bytes: 96 + n for IPv4.
struct Network {
  nsw_addr address;
  uint8_t prefix;
  [[nodiscard]] bool Contains(const nsw_addr& other) const;
};
/// "10.0.0.0/8", "2001:db8::/32", or a single address. Bits beyond the prefix are cleared.
std::optional<Network> ParseNetwork(std::string_view text);

}  // namespace nsw::event
