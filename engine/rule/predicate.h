// SPDX-License-Identifier: Apache-2.0
// Predicates: what a check of a condition asks of one value. THE table of operators is in
// predicate.cc; a new one is a row there and a class in predicate_*.cc. Made once when a policy is
// loaded; Test allocates nothing and may run in any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/event/field.h"
#include "engine/rule/ast.h"

namespace nsw::rule {

class Predicate {
 public:
  virtual ~Predicate() = default;
  /// Of a value that is known.
  [[nodiscard]] virtual bool Test(const event::Value& value) const = 0;
  /// Whether Or() is for this one.
  [[nodiscard]] virtual bool joins() const { return false; }
  /// One predicate that holds where this one or any of `others` does; all of them join.
  [[nodiscard]] virtual std::unique_ptr<Predicate> Or(
      std::span<const Predicate* const> others) const;
};

/// Why an operand was refused: which of the words, and what to tell.
struct OperandError {
  size_t word = 0;
  std::string message;
  std::string hint;
};

struct Operator {
  enum class Shape { kNone, kOne, kList };
  /// Null with `error` set when a word does not suit the field's type.
  using Make = std::unique_ptr<Predicate> (*)(event::FieldType type, std::span<const Word> words,
                                              OperandError& error);

  std::string_view name;
  Shape shape;
  unsigned types;  ///< bit per event::FieldType that it compares
  bool negated;    ///< the predicate's answer is turned round: != is = turned round
  int cost;        ///< roughly; cheaper checks of an "and" go first
  Make make;
};

/// Null when there is none of that name.
const Operator* FindOperator(std::string_view name);
std::span<const std::string_view> OperatorNames();

constexpr unsigned TypeBit(event::FieldType type) { return 1U << static_cast<unsigned>(type); }
/// A number as conditions write it: 42, -1, 0x2a.
std::optional<int64_t> ParseNumber(std::string_view text);
/// "text", "a number", ... for messages.
std::string_view TypeName(event::FieldType type);

// Makers, by file.
using Words = std::span<const Word>;
using PredicatePtr = std::unique_ptr<Predicate>;
PredicatePtr MakeExists(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeIn(event::FieldType type, Words words, OperandError& error);
// predicate_number.cc: numbers, booleans, addresses
PredicatePtr MakeNumberSet(event::FieldType type, Words words, OperandError& error);
// Names, or numbers where the operand is one.
PredicatePtr MakeNamedSet(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeAddressSet(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeLess(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeLessEqual(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeGreater(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeGreaterEqual(event::FieldType type, Words words, OperandError& error);
// predicate_text.cc
PredicatePtr MakeTextSet(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeContains(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeContainsNoCase(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeStartsWith(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeEndsWith(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeGlob(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakeGlobNoCase(event::FieldType type, Words words, OperandError& error);
PredicatePtr MakePathPrefix(event::FieldType type, Words words, OperandError& error);
// predicate_regex.cc
PredicatePtr MakeRegex(event::FieldType type, Words words, OperandError& error);

}  // namespace nsw::rule
