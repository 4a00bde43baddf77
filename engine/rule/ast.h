// SPDX-License-Identifier: Apache-2.0
// The syntax tree of a condition, as written: macros and lists are names still, fields and values
// are not checked. Made by the parser (and for exceptions by the compiler), read by the compiler.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/rule/source.h"

namespace nsw::rule {

struct Operator;  // predicate.h

/// A value as written.
struct Word {
  std::string text;
  bool quoted = false;
  Where where;
};

struct Expr {
  enum class Kind { kAnd, kOr, kNot, kCheck, kMacro };
  Kind kind = Kind::kCheck;
  Where where;
  std::vector<std::unique_ptr<Expr>> children;  ///< kAnd, kOr: two or more; kNot: one
  std::string name;                             ///< of the field (kCheck) or the macro

  // kCheck
  std::string argument;  ///< "2" in proc.aname[2]
  bool has_argument = false;
  const Operator* op = nullptr;
  Where op_where;
  std::vector<Word> values;  ///< lists not expanded
  bool is_list = false;      ///< the operator takes a list
  bool is_bare = false;  ///< a list's operator has a word without parentheses: the name of a list
};
using ExprPtr = std::unique_ptr<Expr>;

}  // namespace nsw::rule
