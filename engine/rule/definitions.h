// SPDX-License-Identifier: Apache-2.0
// Definitions: the lists and macros that the conditions of a policy (or of all plain Falco files
// together) can name. As in Falco a list or macro sees those that were defined before it; a rule
// sees all.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/rule/ast.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/ir.h"

namespace nsw::rule {

struct Macro {
  const Ordered<MacroIr>* ir = nullptr;
  ExprPtr expr;  ///< null when it did not parse
};

class Definitions {
 public:
  /// `items` must outlive this.
  Definitions(const ItemsIr& items, Diagnostics& diagnostics);

  /// Null when there is none.
  [[nodiscard]] const Macro* FindMacro(std::string_view name) const;
  [[nodiscard]] const std::vector<Macro>& macros() const { return macros_; }
  [[nodiscard]] std::string_view NearestMacro(std::string_view name) const;

  /// Words of a list in a condition, names of lists replaced by what they hold. `file` of the place
  /// that names them.
  [[nodiscard]] std::vector<Word> Expand(const std::vector<Word>& words) const;
  [[nodiscard]] bool IsList(std::string_view name) const { return lists_.contains(name); }

 private:
  void AddList(const Ordered<ListIr>& list, const ItemsIr& items, Diagnostics& diagnostics);

  std::unordered_map<std::string_view, std::vector<Word>> lists_;
  std::vector<Macro> macros_;
  std::unordered_map<std::string_view, size_t> macro_index_;
};

/// An item of a list or a value of an exception as a condition would have it: with quotes around it
/// they are taken off.
Word ItemWord(const Text& text, Diagnostics& diagnostics);

}  // namespace nsw::rule
