// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/condition_lexer.h"

#include <charconv>

namespace nsw::rule {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
bool IsLetter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameChar(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }
bool EndsBareValue(char c) {
  return IsBlank(c) || c == '(' || c == ')' || c == ',' || c == '=' || c == '"' || c == '\'';
}

// One escape, after its backslash; moves `at` past it. False if it is none.
bool TakeEscape(std::string_view text, size_t& at, char quote, std::string& out) {
  const char c = text[at++];
  static constexpr std::string_view kLetters = "bfnrt";
  static constexpr std::string_view kMeanings = "\b\f\n\r\t";
  if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
    out += kMeanings[i];
  } else if (c == '\\' || c == '/' || c == quote) {
    out += c;
  } else if (c == ' ') {
    out += '\\';  // as Falco has it: a backslash before a blank stands for itself, and the blank is
                  // gone
  } else if (c == 'x' && at + 2 <= text.size()) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, byte, 16);
    if (error != std::errc{} || end != text.data() + at + 2) return false;
    out += static_cast<char>(byte);
    at += 2;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> Unescape(std::string_view text, char quote, std::string& error) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at++];
      continue;
    }
    const size_t begin = at++;
    if (!TakeEscape(text, at, quote, out)) {
      error = "unknown escape " + std::string(text.substr(begin, 2));
      return std::nullopt;
    }
  }
  return out;
}

bool ConditionLexer::SkipBlanks() {
  const size_t begin = at_;
  while (!AtEnd() && IsBlank(input_[at_])) at_++;
  return at_ != begin;
}

bool ConditionLexer::TakeChar(char c) {
  if (Peek() != c || AtEnd()) return false;
  at_++;
  return true;
}

bool ConditionLexer::TakeKeyword(std::string_view word) {
  if (!input_.substr(at_).starts_with(word)) return false;
  const size_t end = at_ + word.size();
  if (end < input_.size() && (IsNameChar(input_[end]) || input_[end] == '.')) return false;
  at_ = end;
  return true;
}

std::string ConditionLexer::TakeName() {
  const size_t begin = at_;
  if (!IsLetter(Peek())) return {};
  while (!AtEnd() && (IsNameChar(Peek()) ||
                      (Peek() == '.' && at_ + 1 < input_.size() && IsLetter(input_[at_ + 1]))))
    at_++;
  return std::string(input_.substr(begin, at_ - begin));
}

std::optional<std::string> ConditionLexer::TakeArgument() {
  const char quote = Peek() == '"' || Peek() == '\'' ? Peek() : '\0';
  const size_t begin = quote == '\0' ? at_ : at_ + 1;
  const size_t end = input_.find(quote == '\0' ? ']' : quote, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at_ = quote == '\0' ? end : end + 1;
  if (!TakeChar(']')) return std::nullopt;
  return std::string(input_.substr(begin, end - begin));
}

std::string ConditionLexer::TakeOperator() {
  for (const std::string_view symbol : {"<=", "<", ">=", ">", "==", "=", "!="}) {
    if (!input_.substr(at_).starts_with(symbol)) continue;
    at_ += symbol.size();
    return std::string(symbol);
  }
  const size_t begin = at_;
  while (!AtEnd() && IsLetter(Peek())) at_++;
  return std::string(input_.substr(begin, at_ - begin));
}

std::optional<Word> ConditionLexer::TakeValue(std::string& error) {
  if (Peek() == '"' || Peek() == '\'') return TakeQuoted(error);
  const size_t begin = at_;
  while (!AtEnd() && !EndsBareValue(Peek())) at_++;
  if (at_ == begin) return std::nullopt;
  return Word{std::string(input_.substr(begin, at_ - begin)), false, {&text_, begin}};
}

std::optional<Word> ConditionLexer::TakeQuoted(std::string& error) {
  const size_t begin = at_;
  const char quote = input_[at_];
  size_t end = at_ + 1;
  while (end < input_.size() && input_[end] != quote) end += input_[end] == '\\' ? 2 : 1;
  if (end >= input_.size()) {
    error = std::string("the quote ") + quote + " is never closed";
    return std::nullopt;
  }
  auto value = Unescape(input_.substr(begin + 1, end - begin - 1), quote, error);
  if (!value) return std::nullopt;
  at_ = end + 1;
  return Word{std::move(*value), true, {&text_, begin}};
}

std::string ConditionLexer::Found() const {
  if (AtEnd()) return "the end";
  size_t end = at_;
  while (end < input_.size() && !EndsBareValue(input_[end])) end++;
  return std::string(input_.substr(at_, std::max<size_t>(1, end - at_)));
}

}  // namespace nsw::rule
