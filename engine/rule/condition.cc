// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/condition.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace nsw::rule {
namespace {

using event::Presence;
using event::Value;
using Kind = ConditionTree::Kind;

constexpr uint32_t kAncestorsMax = 64;
constexpr uint64_t kConnect = 1ULL << NSW_EVENT_CONNECT;
// Where the steps end.
constexpr uint32_t kFails = ~0U - 1;
constexpr uint32_t kHolds = ~0U;

// An "and" holds where all do, and fails where one does; an "or" the other way round.
Limits JoinLimits(const Limits& a, const Limits& b, bool is_and) {
  if (is_and) {
    return {Both(a.names, b.names),
            {Both(a.ports.if_true, b.ports.if_true), Either(a.ports.if_false, b.ports.if_false)}};
  }
  return {Either(a.names, b.names),
          {Either(a.ports.if_true, b.ports.if_true), Both(a.ports.if_false, b.ports.if_false)}};
}

// What may be one check with others of its field: in an "or" a check, in an "and" a check turned
// round. Null for anything else.
FieldTest* Joinable(ConditionTree& tree, bool is_and) {
  if (is_and != (tree.kind == Kind::kNot)) return nullptr;
  ConditionTree& check = is_and ? tree.children.front() : tree;
  const bool joins =
      check.kind == Kind::kField && !check.field.negated && check.field.predicate->joins();
  return joins ? &check.field : nullptr;
}

// The checks of one field's text become one: a path is looked at once, not for each of its names.
void JoinChecks(std::vector<ConditionTree>& children, bool is_and) {
  struct Group {
    size_t first;  // in `kept`
    std::vector<const Predicate*> others;
  };
  std::map<std::tuple<const event::Field*, uint32_t, bool>, Group> groups;
  std::vector<ConditionTree> kept;
  std::vector<ConditionTree> taken_in;  // keeps what `others` point to
  for (ConditionTree& child : children) {
    const FieldTest* test = Joinable(child, is_and);
    if (test != nullptr) {
      const auto [group, is_new] = groups.try_emplace(
          {test->field, test->index, test->any_ancestor}, Group{kept.size(), {}});
      if (!is_new) {
        group->second.others.push_back(test->predicate.get());
        ConditionTree& into = kept[group->second.first];
        into.cost += child.cost;
        into.limits = JoinLimits(into.limits, child.limits, is_and);
        taken_in.push_back(std::move(child));
        continue;
      }
    }
    kept.push_back(std::move(child));
  }
  for (const auto& [of, group] : groups) {
    if (group.others.empty()) continue;
    FieldTest& test = *Joinable(kept[group.first], is_and);
    test.predicate = test.predicate->Or(group.others);
  }
  children = std::move(kept);
}

// What can hold for no such act needs none of them.
ConditionTree Bounded(ConditionTree tree, Limits limits) {
  if ((tree.may_be_true & NSW_WANT_READS) == 0) limits.names.emplace();
  if ((tree.may_be_true & kConnect) == 0) limits.ports.if_true = {};
  if ((tree.may_be_false & kConnect) == 0) limits.ports.if_false = {};
  tree.limits = std::move(limits);
  return tree;
}

Limits LimitsOfAll(const std::vector<ConditionTree>& children, bool is_and) {
  Limits limits = children.front().limits;
  for (size_t i = 1; i < children.size(); i++)
    limits = JoinLimits(limits, children[i].limits, is_and);
  return limits;
}

// "and" and "or" are one, seen in a mirror: `kind` decides which constant ends it and which drops
// out.
ConditionTree Join(Kind kind, std::vector<ConditionTree> children) {
  const bool is_and = kind == Kind::kAnd;
  ConditionTree tree;
  tree.kind = kind;
  for (ConditionTree& child : children) {
    if (child.kind == Kind::kConstant) {
      if (child.constant != is_and) return ConditionTree::Constant(!is_and);
    } else if (child.kind == kind) {
      std::ranges::move(child.children, std::back_inserter(tree.children));
    } else {
      tree.children.push_back(std::move(child));
    }
  }
  if (tree.children.empty()) return ConditionTree::Constant(is_and);
  Limits limits = LimitsOfAll(tree.children, is_and);
  JoinChecks(tree.children, is_and);
  if (tree.children.size() == 1) {
    tree.children.front().limits = std::move(limits);
    return std::move(tree.children.front());
  }
  // What is soon done goes first; but in an "and" exceptions ("and not ...") last: most often they
  // hold, and end nothing.
  std::ranges::stable_sort(tree.children, {}, [&](const ConditionTree& child) {
    return std::pair(is_and && child.kind == Kind::kNot, child.cost);
  });
  tree.may_be_true = is_and ? kAllEvents : 0;
  tree.may_be_false = is_and ? 0 : kAllEvents;
  for (const ConditionTree& child : tree.children) {
    tree.may_be_true =
        is_and ? tree.may_be_true & child.may_be_true : tree.may_be_true | child.may_be_true;
    tree.may_be_false =
        is_and ? tree.may_be_false | child.may_be_false : tree.may_be_false & child.may_be_false;
    tree.cost += child.cost;
  }
  return Bounded(std::move(tree), std::move(limits));
}

}  // namespace

ConditionTree ConditionTree::Constant(bool value) {
  ConditionTree tree;
  tree.constant = value;
  tree.may_be_true = value ? kAllEvents : 0;
  tree.may_be_false = value ? 0 : kAllEvents;
  return Bounded(std::move(tree), {});
}

ConditionTree ConditionTree::And(std::vector<ConditionTree> children) {
  return Join(Kind::kAnd, std::move(children));
}
ConditionTree ConditionTree::Or(std::vector<ConditionTree> children) {
  return Join(Kind::kOr, std::move(children));
}

ConditionTree ConditionTree::Negate(ConditionTree child) {
  if (child.kind == Kind::kConstant) return Constant(!child.constant);
  if (child.kind == Kind::kNot) return std::move(child.children.front());
  ConditionTree tree;
  tree.kind = Kind::kNot;
  tree.may_be_true = child.may_be_false;
  tree.may_be_false = child.may_be_true;
  tree.cost = child.cost;
  Limits limits{.names = {}, .ports = {child.limits.ports.if_false, child.limits.ports.if_true}};
  tree.children.push_back(std::move(child));
  return Bounded(std::move(tree), std::move(limits));
}

ConditionTree ConditionTree::OfField(FieldTest test, int cost, Limits limits) {
  ConditionTree tree;
  tree.kind = Kind::kField;
  tree.may_be_true = test.field->events;
  tree.may_be_false = kAllEvents;
  tree.cost = cost;
  tree.field = std::move(test);
  if (tree.field.negated) limits.names.reset();
  return Bounded(std::move(tree), std::move(limits));
}

ConditionTree ConditionTree::OfType(const TypeMatch& match) {
  ConditionTree tree;
  tree.kind = Kind::kType;
  tree.types = match.set;
  tree.may_be_true = match.may_match;
  tree.may_be_false = match.may_differ;
  return Bounded(std::move(tree), {});
}

// An open that asks to write, and one that does not, are two bits. One that asks for neither (3)
// counts as the first.
ConditionTree ConditionTree::OfOpenWrite(FieldTest test, int cost) {
  const uint64_t opens = test.field->events;
  const bool reading = test.predicate->Test(Value::Number(0)) != test.negated;
  ConditionTree tree = OfField(std::move(test), cost);
  tree.may_be_true = reading ? opens : opens & ~NSW_WANT_READS;
  if (reading) tree.may_be_false &= ~NSW_WANT_READS;
  return Bounded(std::move(tree), {});
}

ConditionTree ConditionTree::For(unsigned event) const {
  const uint64_t bits = event::EventBits(static_cast<event::Type>(event));
  if ((may_be_true & bits) == 0) return Constant(false);
  if ((may_be_false & bits) == 0) return Constant(true);
  if (children.empty()) return *this;
  std::vector<ConditionTree> parts;
  for (const ConditionTree& child : children) parts.push_back(child.For(event));
  if (kind == Kind::kNot) return Negate(std::move(parts.front()));
  return Join(kind, std::move(parts));
}

Truth FieldTest::EvalAncestors(ValueReader& reader) const {
  Truth truth = Truth::kFalse;
  for (uint32_t n = 1; n <= kAncestorsMax && truth != Truth::kTrue; n++) {
    const Value& value = reader.Get(*field, n);
    if (value.presence == Presence::kAbsent) break;
    truth = std::max(truth, Judge(value));
  }
  return truth;
}

Condition::Condition(ConditionTree tree) { first_ = Place(std::move(tree), false, kHolds, kFails); }

// From the last check to the first, so that each knows where the next one is. Returns where to
// begin.
uint32_t Condition::Place(ConditionTree&& tree, bool inverted, uint32_t if_true,
                          uint32_t if_false) {
  switch (tree.kind) {
    case Kind::kConstant:
      return tree.constant != inverted ? if_true : if_false;
    case Kind::kNot:
      return Place(std::move(tree.children.front()), !inverted, if_true, if_false);
    case Kind::kField:
    case Kind::kType:
      return PlaceCheck(std::move(tree), inverted, if_true, if_false);
    case Kind::kAnd:
    case Kind::kOr:
      break;
  }
  // An "or" turned round is an "and" of what is turned round.
  const bool all = (tree.kind == Kind::kAnd) != inverted;
  uint32_t next = all ? if_true : if_false;
  for (auto child = tree.children.rbegin(); child != tree.children.rend(); ++child) {
    next = all ? Place(std::move(*child), inverted, next, if_false)
               : Place(std::move(*child), inverted, if_true, next);
  }
  return next;
}

uint32_t Condition::PlaceCheck(ConditionTree&& tree, bool inverted, uint32_t if_true,
                               uint32_t if_false) {
  Step step{.test = std::move(tree.field),
            .inverted = inverted,
            .if_true = if_true,
            .if_false = if_false};
  if (tree.kind == Kind::kType) {
    step.types = static_cast<uint32_t>(types_.size());
    types_.push_back(tree.types);
  }
  steps_.push_back(std::move(step));
  return static_cast<uint32_t>(steps_.size() - 1);
}

// In two values, `what_is_unknown` standing for those checks that cannot be decided; `unknown`: one
// was met.
bool Condition::Holds(ValueReader& reader, bool what_is_unknown, bool& unknown) const {
  uint32_t at = first_;
  while (at < kFails) {
    const Step& step = steps_[at];
    Truth truth = Truth::kFalse;
    if (step.types == kNoTypes) {
      truth = step.test.Eval(reader);
    } else if (types_[step.types].Contains(reader.event())) {
      truth = Truth::kTrue;
    }
    if (step.inverted) truth = Not(truth);
    unknown = unknown || truth == Truth::kUnknown;
    const bool holds = truth == Truth::kTrue || (truth == Truth::kUnknown && what_is_unknown);
    at = holds ? step.if_true : step.if_false;
  }
  return at == kHolds;
}

// More checks that hold never make a condition fail, with "not" standing at the checks. So it fails
// in three values where it fails at best, and holds where it holds at worst.
Truth Condition::Eval(ValueReader& reader) const {
  bool unknown = false;
  if (!Holds(reader, true, unknown)) return Truth::kFalse;
  if (!unknown || Holds(reader, false, unknown)) return Truth::kTrue;
  return Truth::kUnknown;
}

}  // namespace nsw::rule
