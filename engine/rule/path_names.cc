// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/path_names.h"

#include <algorithm>

namespace nsw::rule {
namespace {

constexpr size_t kNameMax = 255;  // NAME_MAX

// What is known of where a word stands in the path: whether something may come before or after it.
// And whether it may be a pattern.
struct Fragment {
  std::string_view op;
  bool begins;
  bool ends;
  bool patterns = false;
};

constexpr Fragment kFragments[] = {
    {"=", true, true},           {"==", true, true},
    {"in", true, true},          {"pmatch", true, true, true},
    {"startswith", true, false}, {"endswith", false, true},
    {"contains", false, false},
};

// The last whole component of a fragment that is a name, not a pattern; "" if it has none.
std::string_view LastName(std::string_view text, const Fragment& fragment) {
  std::string_view found;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    const bool whole = (begin > 0 || fragment.begins) && (end < text.size() || fragment.ends);
    const bool pattern = fragment.patterns && name.find_first_of("*?[\\") != name.npos;
    if (whole && !pattern && !name.empty() && name != "." && name != ".." &&
        name.size() <= kNameMax)
      found = name;
    begin = end + 1;
  }
  return found;
}

}  // namespace

PathNames NamesOf(std::string_view field, std::string_view op, std::span<const Word> words) {
  if (field != "fd.name" && field != "fd.directory" && field != "fd.filename") return {};
  const auto* fragment = std::ranges::find(kFragments, op, &Fragment::op);
  if (fragment == std::end(kFragments)) return {};
  std::set<std::string> names;
  for (const Word& word : words) {
    const std::string_view name = LastName(word.text, *fragment);
    if (name.empty()) return {};
    names.emplace(name);
  }
  return names;
}

PathNames Both(const PathNames& a, const PathNames& b) {
  if (!a || !b) return a ? a : b;
  return a->size() <= b->size() ? a : b;
}

PathNames Either(const PathNames& a, const PathNames& b) {
  if (!a || !b) return {};
  PathNames all = a;
  all->insert(b->begin(), b->end());
  return all;
}

}  // namespace nsw::rule
