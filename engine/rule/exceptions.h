// SPDX-License-Identifier: Apache-2.0
// Exceptions of a rule, as Falco means them: the rule's condition, and not any of the combinations
// of values.
#pragma once

#include "engine/rule/ast.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"

namespace nsw::rule {

/// `condition` with the rule's exceptions taken out. Null after a mistake.
ExprPtr ApplyExceptions(ExprPtr condition, const RuleIr& rule, Diagnostics& diagnostics);

}  // namespace nsw::rule
