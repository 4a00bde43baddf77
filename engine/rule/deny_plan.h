// SPDX-License-Identifier: Apache-2.0
// The deny plan: what the policies that are bound to a container refuse, lowered to what the
// kernel's maps can hold. Made by the compiler, read by the deny-map driver (engine/kernel) and,
// where the kernel cannot refuse, by DenyMatcher.
//
// A value type; copying it shares nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/abi.h"

namespace nsw::rule {

enum class DenyKind : uint8_t {
  kPath,   ///< `path`: that very path, what it resolves to, and that file's inode
  kBelow,  ///< `path`: everything below that directory, itself not ("dir/**")
  kName,   ///< `path`: every path whose last component is this ("**/name")
  kNet,    ///< `net`: connections to these addresses and ports
};

/// A range of addresses and ports. IPv4 is mapped into IPv6 (prefix 96 + n).
struct NetRange {
  std::array<uint8_t, 16> address{};  ///< network order
  uint8_t prefix = 0;                 ///< bits, 0..128; an entry of only a port has 0
  uint16_t port_low = 0;              ///< inclusive; 0..65535 is any
  uint16_t port_high = 65535;
  uint8_t protocol = 0;  ///< IPPROTO_TCP, IPPROTO_UDP; 0 is any
};

struct DenyEntry {
  uint32_t rule = 0;     ///< id of the rule POLICY/CLASS/ENTRY: what the kernel's verdict carries
  uint32_t classes = 0;  ///< bit per nsw_class
  nsw_verdict_code mode = NSW_VERDICT_AUDIT;
  DenyKind kind = DenyKind::kPath;
  std::string path;  ///< normalised: absolute, no "." or "..", no doubled or trailing slash; "/" is
                     ///< the root
  NetRange net;
};

/// Entries of one set of policies. Where two speak of one object, an enforcing one goes before an
/// auditing one, then the earlier before the later.
struct DenyPlan {
  std::vector<DenyEntry> entries;
  [[nodiscard]] uint32_t classes() const {
    uint32_t all = 0;
    for (const DenyEntry& entry : entries) all |= entry.classes;
    return all;
  }
};

}  // namespace nsw::rule
