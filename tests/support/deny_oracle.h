// SPDX-License-Identifier: Apache-2.0
// The oracle of deny and allow lists: judges acts straight from what a policy says, as
// policies/README.md words it. It shares nothing with the engine: paths are compared component by
// component against the entry's text, addresses as numbers, and nothing is looked up.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nsw::test {

using Bits128 = unsigned __int128;

/// An address block with ports, and how an entry writes it.
struct OracleNet {
  Bits128 address = 0;
  int bits = 0;
  bool v4 = false;  ///< mapped; else of IPv6, of which the mapped ones are none
  bool any = false;
  unsigned low = 0, high = 65535;
  unsigned protocol = 0;
};

struct OracleCondition {
  std::vector<std::string> by, ancestor, when;
};

struct OracleExcept {
  std::vector<std::string> objects;  ///< as written
  OracleCondition condition;
};

struct OracleEntry {
  bool allow = false;
  std::string list;  ///< "exec", "write", ...
  std::string text;
  OracleCondition condition;
  std::vector<OracleExcept> except;
  bool kill = false;
};

struct OraclePolicy {
  std::string name;
  bool enforce = false;
  bool startup = false;
  std::vector<std::string> allow_lists;  ///< also empty ones
  std::vector<OracleEntry> entries;
};

struct OracleAct {
  std::vector<std::string> asked;  ///< finest classes: "read", "modify", "create", ...
  std::string path;
  std::string abstract;
  std::optional<Bits128> address;
  unsigned port = 0;
  unsigned protocol = 0;
  std::string name;  ///< of a capability or operation
  std::string exe;
  std::vector<std::string> ancestors;
  bool joined = false;
  std::vector<bool> running;  ///< by policy
};

struct OracleVerdict {
  std::string rule;  ///< "": permitted
  bool enforce = false;
  bool kill = false;
};

/// `nets`: what the address entries that are written so mean.
OracleVerdict Judge(const std::vector<OraclePolicy>& policies,
                    const std::map<std::string, OracleNet>& nets, const OracleAct& act);

/// The policy as a file.
std::string YamlOf(const OraclePolicy& policy);

}  // namespace nsw::test
