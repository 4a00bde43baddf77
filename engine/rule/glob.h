// SPDX-License-Identifier: Apache-2.0
// Glob patterns. Matching allocates nothing and takes time of at most pattern times text.
#pragma once

#include <string_view>

namespace nsw::rule {

enum class GlobStyle {
  kFnmatch,  ///< as fnmatch(3) without flags: * ? [...] and backslash; nothing is special about /
  kSimple,   ///< * and ? alone, as selectors have them
};

/// Whether the whole of `text` is what `pattern` describes. Bytes; `fold`: the case of ASCII
/// letters does not matter.
bool GlobMatch(std::string_view pattern, std::string_view text,
               GlobStyle style = GlobStyle::kFnmatch, bool fold = false);

}  // namespace nsw::rule
