// SPDX-License-Identifier: Apache-2.0
// Names of Falco's fields, so that a Falco file which uses one that nswarden does not have can be
// told from one with a slip.
#pragma once

#include <string_view>

namespace nsw::rule {

/// Falco has a field of that name (without [argument]); nswarden may or may not.
bool IsFalcoField(std::string_view name);

}  // namespace nsw::rule
