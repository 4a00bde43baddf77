// SPDX-License-Identifier: Apache-2.0
// Several policies' plans as one, and what becomes of it where nothing can be refused. Pure.
#pragma once

#include "engine/rule/deny_plan.h"

namespace nsw::rule {

/// Adds what one policy refuses and permits; groups that are there already are shared.
void AppendPlan(DenyPlan& into, const DenyPlan& one);

/// Brings the entries into the order in which they speak: those that kill, the enforcing, the
/// auditing, else as they are.
void OrderPlan(DenyPlan& plan);

/// What is left of a plan where a refusal means the process's end: only the policies that say
/// `fallback: kill` enforce, the others audit.
[[nodiscard]] DenyPlan KillingPlan(DenyPlan plan);

}  // namespace nsw::rule
