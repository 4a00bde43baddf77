// SPDX-License-Identifier: Apache-2.0
// The parser of conditions: Falco's grammar, by recursive descent.
//
//   or    := and ("or" and)*            and := not ("and" not)*            not := "not"* check
//   check := "(" or ")" | MACRO | FIELD ["[" ARGUMENT "]"] operator [value | "(" value, ... ")" |
//   LIST]
#pragma once

#include "engine/rule/ast.h"
#include "engine/rule/diagnostics.h"

namespace nsw::rule {

inline constexpr size_t kConditionDepthMax = 100;    ///< parentheses and nots within each other
inline constexpr size_t kConditionSizeMax = 50'000;  ///< checks in one condition, macros expanded

/// Null after a mistake, which is told. `text` must outlive the tree.
ExprPtr ParseCondition(const Text& text, Diagnostics& diagnostics);

}  // namespace nsw::rule
