// SPDX-License-Identifier: Apache-2.0
// Reads `deny:` and `allow:` of a policy into the IR: the lists, their entries with conditions and
// exceptions.
#pragma once

#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::rule {

/// `lists`: what stands under `deny` or, with `allow`, under `allow`.
void ReadLists(const YamlNode& lists, bool allow, PolicyIr& policy, Diagnostics& diagnostics);

/// "deny", "kill", "quarantine"; nothing, and an error, for anything else.
std::optional<Action> ReadAction(const Text& text, Diagnostics& diagnostics);

}  // namespace nsw::rule
