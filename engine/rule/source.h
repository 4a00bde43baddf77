// SPDX-License-Identifier: Apache-2.0
// Source: the text of a policy file, and where in it things stand. Text: a scalar of it that
// remembers its place, so that every later stage can point at the very token that is wrong.
//
// Used by all stages of loading; a Source outlives the IR made from it. Immutable, no failure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nsw::rule {

struct Position {
  int line = 0;    ///< from 1
  int column = 0;  ///< from 1, in characters
};

class Source {
 public:
  Source(std::string name, std::string text);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  /// Of a byte; past the end: of the end.
  [[nodiscard]] Position At(size_t offset) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<size_t> lines_;  // offset of each line's first byte
};

/// A byte of a source. Null source: no place is known.
struct Place {
  const Source* source = nullptr;
  size_t offset = 0;
};

/// A YAML scalar: its value, and where it begins in the file.
struct Text {
  std::string value;
  Place place;
  bool plain = true;  ///< written without quotes, not as a block

  [[nodiscard]] bool empty() const { return value.empty(); }
  /// The place in the file of byte `index` of the value, through quotes, escapes, folding and
  /// indentation.
  [[nodiscard]] Place At(size_t index) const;
};

/// A byte of a Text. What syntax trees carry: turned into a Place only when there is something to
/// say.
struct Where {
  const Text* text = nullptr;
  size_t index = 0;
  [[nodiscard]] Place place() const { return text == nullptr ? Place{} : text->At(index); }
};

}  // namespace nsw::rule
