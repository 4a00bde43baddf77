// SPDX-License-Identifier: Apache-2.0
// PathNames: names of which one stands, as a whole component, in every path that a check can hold
// for. What the kernel leaves out opens by. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "engine/rule/ast.h"

namespace nsw::rule {

/// Nothing: any path. An empty set: none.
using PathNames = std::optional<std::set<std::string>>;

/// Of a check of the path of a file, by the operator's name and its words. Nothing where it says
/// too little of any component, or the field is no such path.
PathNames NamesOf(std::string_view field, std::string_view op, std::span<const Word> words);

/// Of checks that hold together: those of the one that says most.
PathNames Both(const PathNames& a, const PathNames& b);
/// Of checks of which one holds.
PathNames Either(const PathNames& a, const PathNames& b);

}  // namespace nsw::rule
