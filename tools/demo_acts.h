// SPDX-License-Identifier: Apache-2.0
// What the demo does in its container, and the policy that has a word to say about each.
#pragma once

#include <string>
#include <vector>

namespace nsw::tools {

struct Act {
  const char* what;                                ///< for people
  std::vector<std::vector<std::string>> commands;  ///< the last one is what the policy speaks of
  const char* rule;                                ///< of the alert that must come; "" for none
  bool is_deny = false;                            ///< whether that rule refuses
};

/// Six acts of an intruder, and last one that is nobody's business.
const std::vector<Act>& DemoActs();

/// For that container alone, so that whatever else runs on this host is left in peace.
std::string DemoPolicy(const std::string& container);

/// Connects to an IPv4 ADDRESS:PORT, as a program in the container. Returns its exit status.
int DemoConnect(const std::string& to);

}  // namespace nsw::tools
