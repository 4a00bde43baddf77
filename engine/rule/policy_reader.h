// SPDX-License-Identifier: Apache-2.0
// Reads a policy file's YAML into the IR: the keys of POLICY files, or a plain Falco file (a
// sequence).
#pragma once

#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::rule {

/// False: no policy could be made of it; why is in `diagnostics`. True with errors in
/// `diagnostics`: the rest was read, so that its mistakes are found, too.
bool ReadPolicy(const Source& source, const YamlDocument& document, PolicyIr& policy,
                Diagnostics& diagnostics);

}  // namespace nsw::rule
