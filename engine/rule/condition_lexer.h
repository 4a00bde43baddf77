// SPDX-License-Identifier: Apache-2.0
// The lexer of conditions. Falco's conditions cannot be cut into tokens without knowing what may
// come next (a bare value may hold < or ., an operator may touch its value), so the parser asks for
// what it wants: each Take* moves on only if it is there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/rule/ast.h"

namespace nsw::rule {

class ConditionLexer {
 public:
  explicit ConditionLexer(const Text& text) : text_(text), input_(text.value) {}

  [[nodiscard]] Where where() const { return {&text_, at_}; }
  void Rewind(const Where& to) { at_ = to.index; }
  [[nodiscard]] bool AtEnd() const { return at_ >= input_.size(); }
  [[nodiscard]] char Peek() const { return AtEnd() ? '\0' : input_[at_]; }
  /// What stands here, for messages: a word, or one character.
  [[nodiscard]] std::string Found() const;

  bool SkipBlanks();
  bool TakeChar(char c);
  /// `word` if it ends here: a blank, a parenthesis, a quote or the end follows.
  bool TakeKeyword(std::string_view word);
  /// A letter, then letters, digits and _. With dots in it it is a field's name.
  std::string TakeName();
  /// What stands between [ and ], after the [; nothing if the ] is missing.
  std::optional<std::string> TakeArgument();
  /// < <= > >= = == !=, or a word of small letters; "" if neither.
  std::string TakeOperator();
  /// A bare or a quoted value. Nothing if there is none; `error` tells when it is broken.
  std::optional<Word> TakeValue(std::string& error);

 private:
  std::optional<Word> TakeQuoted(std::string& error);

  const Text& text_;
  std::string_view input_;
  size_t at_ = 0;
};

/// Takes the escapes out of what stood between quotes; nothing if one is not known. `quote`: the
/// quote around it.
std::optional<std::string> Unescape(std::string_view text, char quote, std::string& error);

}  // namespace nsw::rule
