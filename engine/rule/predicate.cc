// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/predicate.h"

#include <algorithm>
#include <array>

namespace nsw::rule {
namespace {

using event::FieldType;
using Shape = Operator::Shape;

constexpr unsigned kText = TypeBit(FieldType::kString) | TypeBit(FieldType::kNamed);
constexpr unsigned kNumber = TypeBit(FieldType::kNumber) | TypeBit(FieldType::kNamed);
constexpr unsigned kAny =
    kText | kNumber | TypeBit(FieldType::kBool) | TypeBit(FieldType::kAddress);

// THE table of operators.
constexpr Operator kOperators[] = {
    {"exists", Shape::kNone, kAny, false, 1, MakeExists},
    {"=", Shape::kOne, kAny, false, 1, MakeIn},
    {"==", Shape::kOne, kAny, false, 1, MakeIn},
    {"!=", Shape::kOne, kAny, true, 1, MakeIn},
    {"<", Shape::kOne, kNumber, false, 1, MakeLess},
    {"<=", Shape::kOne, kNumber, false, 1, MakeLessEqual},
    {">", Shape::kOne, kNumber, false, 1, MakeGreater},
    {">=", Shape::kOne, kNumber, false, 1, MakeGreaterEqual},
    {"in", Shape::kList, kAny, false, 2, MakeIn},
    {"intersects", Shape::kList, kAny, false, 2, MakeIn},
    {"contains", Shape::kOne, kText, false, 4, MakeContains},
    {"icontains", Shape::kOne, kText, false, 6, MakeContainsNoCase},
    {"startswith", Shape::kOne, kText, false, 1, MakeStartsWith},
    {"endswith", Shape::kOne, kText, false, 1, MakeEndsWith},
    {"glob", Shape::kOne, kText, false, 5, MakeGlob},
    {"iglob", Shape::kOne, kText, false, 5, MakeGlobNoCase},
    {"pmatch", Shape::kList, kText, false, 3, MakePathPrefix},
    {"regex", Shape::kOne, kText, false, 8, MakeRegex},
};

class Exists final : public Predicate {
 public:
  bool Test(const event::Value&) const override { return true; }
};

}  // namespace

PredicatePtr Predicate::Or(std::span<const Predicate* const>) const { return nullptr; }

PredicatePtr MakeExists(FieldType, Words, OperandError&) { return std::make_unique<Exists>(); }

PredicatePtr MakeIn(FieldType type, Words words, OperandError& error) {
  if (type == FieldType::kString) return MakeTextSet(type, words, error);
  if (type == FieldType::kNamed) return MakeNamedSet(type, words, error);
  return type == FieldType::kAddress ? MakeAddressSet(type, words, error)
                                     : MakeNumberSet(type, words, error);
}

const Operator* FindOperator(std::string_view name) {
  const auto* found = std::ranges::find(kOperators, name, &Operator::name);
  return found == std::end(kOperators) ? nullptr : found;
}

std::span<const std::string_view> OperatorNames() {
  static const auto names = [] {
    std::array<std::string_view, std::size(kOperators)> all;
    std::ranges::transform(kOperators, all.begin(), &Operator::name);
    return all;
  }();
  return names;
}

std::string_view TypeName(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "text";
    case FieldType::kNumber:
      return "a number";
    case FieldType::kBool:
      return "true or false";
    case FieldType::kAddress:
      return "an address";
    case FieldType::kNamed:
      return "a name or a number";
  }
  return "";
}

}  // namespace nsw::rule
