// SPDX-License-Identifier: Apache-2.0
// The one implementation of PolicySet: selection, matching, deny plans over compiled policies.
#pragma once

#include <memory>
#include <vector>

#include "engine/rule/compiler.h"
#include "engine/rule/rule.h"

namespace nsw::rule {

std::shared_ptr<const PolicySet> MakePolicySet(std::vector<CompiledPolicy> policies);

}  // namespace nsw::rule
