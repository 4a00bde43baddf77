// SPDX-License-Identifier: Apache-2.0
// Reads Falco's items (list, macro, rule, and what goes with them) into the IR, from `rules:` of a
// policy or from a plain Falco file.
#pragma once

#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::rule {

/// `falco`: a plain Falco file, in which keys that only tune Falco are passed over with a warning,
/// and a name that is given anew replaces the old one; in a policy that is a mistake. `items`
/// grows: several Falco files share one.
void ReadItems(const YamlNode& sequence, bool falco, ItemsIr& items, Diagnostics& diagnostics);

}  // namespace nsw::rule
