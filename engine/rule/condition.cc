// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/condition.h"

#include <algorithm>

#include "engine/rule/value.h"

namespace nsw::rule {
namespace {

using event::Presence;
using event::Value;
using Kind = ConditionTree::Kind;

constexpr uint32_t kAncestorsMax = 64;

Truth Judge(const FieldTest& test, const Value& value) {
  if (value.presence == Presence::kAbsent) return Truth::kFalse;
  if (value.presence == Presence::kUnknown) return Truth::kUnknown;
  return test.predicate->Test(value) != test.negated ? Truth::kTrue : Truth::kFalse;
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
  if (tree.children.size() == 1) return std::move(tree.children.front());
  std::ranges::stable_sort(tree.children, {}, &ConditionTree::cost);
  tree.may_be_true = is_and ? kAllEvents : 0;
  tree.may_be_false = is_and ? 0 : kAllEvents;
  for (const ConditionTree& child : tree.children) {
    tree.may_be_true =
        is_and ? tree.may_be_true & child.may_be_true : tree.may_be_true | child.may_be_true;
    tree.may_be_false =
        is_and ? tree.may_be_false | child.may_be_false : tree.may_be_false & child.may_be_false;
    tree.cost += child.cost;
  }
  return tree;
}

}  // namespace

ConditionTree ConditionTree::Constant(bool value) {
  ConditionTree tree;
  tree.constant = value;
  tree.may_be_true = value ? kAllEvents : 0;
  tree.may_be_false = value ? 0 : kAllEvents;
  return tree;
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
  tree.children.push_back(std::move(child));
  return tree;
}

ConditionTree ConditionTree::OfField(FieldTest test, int cost) {
  ConditionTree tree;
  tree.kind = Kind::kField;
  tree.may_be_true = test.field->events;
  tree.may_be_false = kAllEvents;
  tree.cost = cost;
  tree.field = std::move(test);
  return tree;
}

ConditionTree ConditionTree::OfType(const TypeMatch& match) {
  ConditionTree tree;
  tree.kind = Kind::kType;
  tree.types = match.set;
  tree.may_be_true = match.may_match;
  tree.may_be_false = match.may_differ;
  return tree;
}

ConditionTree ConditionTree::For(unsigned event) const {
  if ((may_be_true >> event & 1) == 0) return Constant(false);
  if ((may_be_false >> event & 1) == 0) return Constant(true);
  if (children.empty()) return *this;
  std::vector<ConditionTree> parts;
  for (const ConditionTree& child : children) parts.push_back(child.For(event));
  if (kind == Kind::kNot) return Negate(std::move(parts.front()));
  return Join(kind, std::move(parts));
}

Truth FieldTest::Eval(const event::Event& event, event::Scratch& scratch) const {
  if (!any_ancestor) return Judge(*this, ValueOf(*field, event, index, scratch));
  Truth truth = Truth::kFalse;
  for (uint32_t n = 1; n <= kAncestorsMax && truth != Truth::kTrue; n++) {
    const Value value = ValueOf(*field, event, n, scratch);
    if (value.presence == Presence::kAbsent) break;
    truth = std::max(truth, Judge(*this, value));
  }
  return truth;
}

Condition::Condition(ConditionTree tree) {
  nodes_.resize(1);
  Place(0, std::move(tree));
}

// Puts a tree at nodes_[at], its children at the end, side by side.
void Condition::Place(size_t at, ConditionTree tree) {
  Node node{tree.kind, tree.constant, 0, static_cast<uint32_t>(tree.children.size())};
  if (tree.kind == Kind::kField) {
    node.first = static_cast<uint32_t>(fields_.size());
    fields_.push_back(std::move(tree.field));
  } else if (tree.kind == Kind::kType) {
    node.first = static_cast<uint32_t>(types_.size());
    types_.push_back(tree.types);
  } else if (node.count > 0) {
    node.first = static_cast<uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + node.count);
    for (uint32_t i = 0; i < node.count; i++) Place(node.first + i, std::move(tree.children[i]));
  }
  nodes_[at] = node;
}

Truth Condition::EvalNode(const Node& node, const event::Event& event,
                          event::Scratch& scratch) const {
  switch (node.kind) {
    case Kind::kConstant:
      return node.constant ? Truth::kTrue : Truth::kFalse;
    case Kind::kField:
      return fields_[node.first].Eval(event, scratch);
    case Kind::kType:
      return types_[node.first].Contains(event) ? Truth::kTrue : Truth::kFalse;
    case Kind::kNot:
      return Not(EvalNode(nodes_[node.first], event, scratch));
    case Kind::kAnd: {
      Truth truth = Truth::kTrue;
      for (uint32_t i = 0; i < node.count && truth != Truth::kFalse; i++) {
        truth = std::min(truth, EvalNode(nodes_[node.first + i], event, scratch));
      }
      return truth;
    }
    case Kind::kOr: {
      Truth truth = Truth::kFalse;
      for (uint32_t i = 0; i < node.count && truth != Truth::kTrue; i++) {
        truth = std::max(truth, EvalNode(nodes_[node.first + i], event, scratch));
      }
      return truth;
    }
  }
  return Truth::kFalse;
}

}  // namespace nsw::rule
