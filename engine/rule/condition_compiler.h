// SPDX-License-Identifier: Apache-2.0
// From the syntax tree of a condition to its compiled form: macros and lists are put in, fields
// looked up, values checked against the fields' types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/rule/ast.h"
#include "engine/rule/condition.h"
#include "engine/rule/definitions.h"
#include "engine/rule/diagnostics.h"

namespace nsw::rule {

class ConditionCompiler {
 public:
  /// `falco`: of a plain Falco file, in which what Falco has and nswarden has not is no mistake:
  /// see missing().
  ConditionCompiler(const Definitions& definitions, bool falco, bool skip_unknown,
                    Diagnostics& diagnostics)
      : definitions_(definitions),
        falco_(falco),
        skip_unknown_(skip_unknown),
        diagnostics_(diagnostics) {}

  /// Nothing after a mistake, which is told, or when something is missing.
  std::optional<ConditionTree> Compile(const Expr& expr);
  /// For a macro that is checked by itself.
  std::optional<ConditionTree> CompileMacro(const Macro& macro);

  /// What the rule cannot be had without, and is to be skipped for: "the field proc.sid". Nothing
  /// when all is there.
  struct Missing {
    Where where;
    std::string what;
  };
  [[nodiscard]] const std::optional<Missing>& missing() const { return missing_; }
  /// Whether something was asked that the acting process cannot make up: beyond the kind of event
  /// and the container, a field that is not untrusted.
  [[nodiscard]] bool has_ground() const { return has_ground_; }
  /// Compiled so far, macros counted as often as they are used.
  [[nodiscard]] size_t checks() const { return checks_; }
  /// What the kernel must be told for its fields: bits of nsw_settings.wanted.
  [[nodiscard]] uint64_t wants() const { return wants_; }

 private:
  using Result = std::optional<ConditionTree>;

  Result Fail(const Where& where, std::string message, std::string hint = {});
  Result Miss(const Where& where, std::string what);
  Result Joined(const Expr& expr);
  Result MacroUse(const Expr& expr);
  Result Check(const Expr& expr);
  Result NoField(const Expr& expr);
  Result BadOperand(const Expr& expr, const std::vector<Word>& words, const OperandError& error);
  Result CheckTypes(const Expr& expr, const std::vector<Word>& words, const Predicate& predicate);
  bool TakeKey(const Expr& expr, std::string_view key, FieldTest& test);
  bool TakeIndex(const Expr& expr, const event::Field& field, FieldTest& test);
  bool CheckNames(const Expr& expr, const event::Field& field, const std::vector<Word>& words);
  bool CheckList(const Expr& expr, const std::vector<Word>& words);

  const Definitions& definitions_;
  bool falco_;
  bool skip_unknown_;
  Diagnostics& diagnostics_;
  std::vector<const Macro*> stack_;  // macros that are being put in
  uint64_t wants_ = 0;
  size_t checks_ = 0;  // beyond kConditionSizeMax: given up
  std::optional<Missing> missing_;
  bool has_ground_ = false;
};

}  // namespace nsw::rule
