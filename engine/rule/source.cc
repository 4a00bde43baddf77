// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/source.h"

#include <algorithm>
#include <utility>

namespace nsw::rule {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Past a tag or an anchor, which stand before the scalar proper.
size_t SkipProperties(std::string_view raw, size_t at) {
  while (at < raw.size() && (raw[at] == '!' || raw[at] == '&')) {
    while (at < raw.size() && !IsBlank(raw[at])) at++;
    while (at < raw.size() && IsBlank(raw[at])) at++;
  }
  return at;
}

// Length in the file of a double-quoted scalar's escape.
size_t EscapeLength(std::string_view raw, size_t at) {
  const char kind = at + 1 < raw.size() ? raw[at + 1] : '\0';
  const size_t length = kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
  return std::min(length, raw.size() - at);
}

// A backslash at the end of a line of a double-quoted scalar: stands for nothing.
bool JoinsLines(std::string_view raw, size_t at, char quote) {
  return quote == '"' && raw[at] == '\\' && at + 1 < raw.size() &&
         (raw[at + 1] == '\n' || raw[at + 1] == '\r');
}

// Folding and indenting change nothing but blanks, so the n-th character of the value that is not
// blank is the n-th one in the file. An escape stands for whatever the value has next.
size_t Align(std::string_view raw, size_t at, std::string_view value, size_t index, char quote) {
  size_t begin = at;
  for (size_t i = 0; i <= index && i < value.size(); i++) {
    if (IsBlank(value[i]) && (quote != '"' || at >= raw.size() || raw[at] != '\\')) {
      begin = at;
      continue;
    }
    while (at < raw.size() && (IsBlank(raw[at]) || JoinsLines(raw, at, quote))) at++;
    begin = at;
    if (at >= raw.size()) break;
    if (quote == '"' && raw[at] == '\\') {
      at += EscapeLength(raw, at);
      while (i + 1 <= index && i + 1 < value.size() && IsContinuation(value[i + 1])) i++;
    } else {
      at += quote == '\'' && raw[at] == '\'' ? 2 : 1;
    }
  }
  return std::min(index < value.size() ? begin : at, raw.size());
}

}  // namespace

Source::Source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)), lines_{0} {
  for (size_t i = 0; i < text_.size(); i++) {
    if (text_[i] == '\n') lines_.push_back(i + 1);
  }
}

Position Source::At(size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const auto line = static_cast<int>(after - lines_.begin());
  const auto* begin = text_.data() + *(after - 1);
  const auto column =
      std::count_if(begin, text_.data() + offset, [](char c) { return !IsContinuation(c); });
  return {line, static_cast<int>(column) + 1};
}

Place Text::At(size_t index) const {
  if (place.source == nullptr) return {};
  const std::string_view raw = place.source->text();
  size_t at = SkipProperties(raw, place.offset);
  char quote = '\0';
  if (!plain && at < raw.size()) {
    if (raw[at] == '|' || raw[at] == '>') {
      at = std::min(raw.find('\n', at), raw.size());
    } else if (raw[at] == '"' || raw[at] == '\'') {
      quote = raw[at++];
    }
  }
  return {place.source, Align(raw, at, value, index, quote)};
}

}  // namespace nsw::rule
