// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/glob.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace nsw::rule {
namespace {

unsigned char Byte(char c, bool fold) {
  const auto byte = static_cast<unsigned char>(c);
  return fold && byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte | 32) : byte;
}

bool InClass(std::string_view name, unsigned char c) {
  if (c > 127) return false;
  if (name == "alpha") return isalpha(c) != 0;
  if (name == "digit") return isdigit(c) != 0;
  if (name == "alnum") return isalnum(c) != 0;
  if (name == "upper") return isupper(c) != 0;
  if (name == "lower") return islower(c) != 0;
  if (name == "space") return isspace(c) != 0;
  if (name == "blank") return c == ' ' || c == '\t';
  if (name == "punct") return ispunct(c) != 0;
  if (name == "cntrl") return iscntrl(c) != 0;
  if (name == "graph") return isgraph(c) != 0;
  if (name == "print") return isprint(c) != 0;
  return name == "xdigit" && isxdigit(c) != 0;
}

struct Step {
  size_t length;  // of the pattern's element
  bool matches;
};

// One member of a bracket at `at`: a class, a range or a character. Moves past it.
bool MatchMember(std::string_view pattern, size_t& at, unsigned char c, bool fold) {
  if (pattern.substr(at).starts_with("[:")) {
    const size_t end = pattern.find(":]", at + 2);
    if (end != std::string_view::npos) {
      const bool in = InClass(pattern.substr(at + 2, end - at - 2), c);
      at = end + 2;
      return in;
    }
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size()) at++;
  const unsigned char low = Byte(pattern[at++], fold);
  unsigned char high = low;
  if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
    at++;
    if (pattern[at] == '\\' && at + 1 < pattern.size()) at++;
    high = Byte(pattern[at++], fold);
  }
  return low <= c && c <= high;
}

// A bracket that begins at `at`. One that is never closed is a plain '['.
Step MatchBracket(std::string_view pattern, size_t at, unsigned char c, bool fold) {
  const size_t begin = at++;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) at++;
  bool in = false;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) return {at + 1 - begin, in != negated};
    if (MatchMember(pattern, at, c, fold)) in = true;
  }
  return {1, c == '['};
}

// Any element but a star.
Step MatchOne(std::string_view pattern, size_t at, char text, GlobStyle style, bool fold) {
  const unsigned char c = Byte(text, fold);
  if (pattern[at] == '?') return {1, true};
  if (style == GlobStyle::kFnmatch) {
    if (pattern[at] == '[') return MatchBracket(pattern, at, c, fold);
    if (pattern[at] == '\\' && at + 1 < pattern.size())
      return {2, Byte(pattern[at + 1], fold) == c};
  }
  return {1, Byte(pattern[at], fold) == c};
}

// Where, from `at` on, what follows a star can begin: a plain character is looked for at once.
size_t NextStart(std::string_view pattern, size_t p, std::string_view text, size_t at,
                 GlobStyle style, bool fold) {
  const bool plain = p < pattern.size() && pattern[p] != '?' && pattern[p] != '*' &&
                     (style == GlobStyle::kSimple || (pattern[p] != '[' && pattern[p] != '\\'));
  if (!plain || fold) return at;
  return std::min(text.find(pattern[p], at), text.size());
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, GlobStyle style, bool fold) {
  size_t p = 0;
  size_t t = 0;
  size_t star =
      std::string_view::npos;  // the last star met, and where the text that it stands for ends
  size_t star_end = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
      continue;
    }
    const Step step =
        p < pattern.size() ? MatchOne(pattern, p, text[t], style, fold) : Step{0, false};
    if (step.matches) {
      p += step.length;
      t++;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = star_end = NextStart(pattern, p, text, star_end + 1, style, fold);
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

}  // namespace nsw::rule
