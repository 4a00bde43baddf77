// SPDX-License-Identifier: Apache-2.0
// What the kernel programs refuse without an entry of any policy, as alerts and the history call
// it.
#pragma once

#include "engine/rule/rule.h"

namespace nsw::rule {

const RuleInfo& UnresolvedRule();  ///< an object that cannot be resolved
const RuleInfo& QuarantineRule();
const RuleInfo& UnboundRule();  ///< id NSW_RULE_UNBOUND: an exec before anybody decided
const RuleInfo& OwnRule();      ///< id NSW_RULE_OWN: an act against the engine

}  // namespace nsw::rule
