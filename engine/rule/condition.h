// SPDX-License-Identifier: Apache-2.0
// Condition: a condition compiled for one event, as a line of checks with jumps. Its answer is that
// of Kleene's three values.
//
// Made by the compiler through ConditionTree; immutable; Eval allocates nothing and may run in any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/event/event.h"
#include "engine/event/field.h"
#include "engine/rule/event_types.h"
#include "engine/rule/path_names.h"
#include "engine/rule/ports.h"
#include "engine/rule/predicate.h"
#include "engine/rule/value.h"

namespace nsw::rule {

/// Ordered, so that "and" is the least, "or" the greatest, and "not" the mirror image.
enum class Truth : uint8_t { kFalse = 0, kUnknown = 1, kTrue = 2 };
constexpr Truth Not(Truth t) { return static_cast<Truth>(2 - static_cast<uint8_t>(t)); }

/// A field, and what is asked of its value.
struct FieldTest {
  const event::Field* field = nullptr;
  uint32_t index = 0;
  bool any_ancestor =
      false;             ///< an indexed field without its index: some ancestor, from the parent up
  bool negated = false;  ///< the answer is turned round where there is a value
  std::shared_ptr<const Predicate> predicate;

  [[nodiscard]] Truth Eval(ValueReader& reader) const {
    return any_ancestor ? EvalAncestors(reader) : Judge(reader.Get(*field, index));
  }

 private:
  [[nodiscard]] Truth Judge(const event::Value& value) const {
    if (value.presence == event::Presence::kAbsent) return Truth::kFalse;
    if (value.presence == event::Presence::kUnknown) return Truth::kUnknown;
    return predicate->Test(value) != negated ? Truth::kTrue : Truth::kFalse;
  }
  [[nodiscard]] Truth EvalAncestors(ValueReader& reader) const;
};

/// Of the two most frequent kinds of acts, which of them matter to a condition.
struct Limits {
  /// Of opens that do not ask to write: it can hold for those whose path has one of these names.
  PathNames names;
  PortLimits ports;  ///< of connects
};

/// What the compiler builds. Simplified while it grows: constants vanish, chains flatten.
struct ConditionTree {
  enum class Kind : uint8_t { kConstant, kAnd, kOr, kNot, kField, kType };
  Kind kind = Kind::kConstant;
  bool constant = false;
  std::vector<ConditionTree> children;
  FieldTest field;
  TypeSet types;
  uint64_t may_be_true = 0;   ///< set of events (EventBits): not surely false there
  uint64_t may_be_false = 0;  ///< set of events: not surely true there
  Limits limits;
  int cost = 0;

  static ConditionTree Constant(bool value);
  static ConditionTree And(std::vector<ConditionTree> children);
  static ConditionTree Or(std::vector<ConditionTree> children);
  static ConditionTree Negate(ConditionTree child);
  /// `limits`: what the value of the field must be for it to hold, if it is a path or a port.
  static ConditionTree OfField(FieldTest test, int cost, Limits limits = {});
  static ConditionTree OfType(const TypeMatch& match);
  /// A check of evt.is_open_write, whose answer the kernel's choice of opens rests on.
  static ConditionTree OfOpenWrite(FieldTest test, int cost);

  /// The same for one event alone: what is surely true or false there is gone.
  [[nodiscard]] ConditionTree For(unsigned event) const;
};

/// Steps, each a check with two ways on: the next check that matters, or the end. "not" is gone: it
/// stands at the checks themselves.
class Condition {
 public:
  explicit Condition(ConditionTree tree);

  [[nodiscard]] Truth Eval(ValueReader& reader) const;

 private:
  struct Step {
    FieldTest test;
    uint32_t types = kNoTypes;  // a check of the event's type: which of types_
    bool inverted = false;
    uint32_t if_true = 0;
    uint32_t if_false = 0;
  };
  static constexpr uint32_t kNoTypes = ~0U;

  uint32_t Place(ConditionTree&& tree, bool inverted, uint32_t if_true, uint32_t if_false);
  uint32_t PlaceCheck(ConditionTree&& tree, bool inverted, uint32_t if_true, uint32_t if_false);
  [[nodiscard]] bool Holds(ValueReader& reader, bool what_is_unknown, bool& unknown) const;

  std::vector<Step> steps_;
  uint32_t first_;
  std::vector<TypeSet> types_;
};

}  // namespace nsw::rule
