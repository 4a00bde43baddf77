// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/exceptions.h"

#include "engine/rule/condition_lexer.h"
#include "engine/rule/definitions.h"
#include "engine/rule/predicate.h"

namespace nsw::rule {
namespace {

class Builder {
 public:
  explicit Builder(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  [[nodiscard]] bool good() const { return good_; }

  // Null when the exception has no values.
  ExprPtr Build(const ExceptionIr& exception) {
    if (!exception.fields.is_list) return BuildSingle(exception);
    if (exception.comps && (!exception.comps->is_list ||
                            exception.comps->items.size() != exception.fields.items.size())) {
      return Fail(*exception.comps, "comps must be a list as long as fields");
    }
    ExprPtr any = Make(Expr::Kind::kOr, exception.fields);
    for (const ExceptionValue& tuple : exception.values) {
      if (!tuple.is_list || tuple.items.size() != exception.fields.items.size()) {
        return Fail(tuple, "an entry of values must be a list as long as fields",
                    "each entry has one value for each field");
      }
      ExprPtr all = BuildTuple(exception, tuple);
      if (all == nullptr) return nullptr;
      any->children.push_back(std::move(all));
    }
    return any->children.empty() ? nullptr : std::move(any);
  }

 private:
  ExprPtr Fail(const ExceptionValue& at, std::string message, std::string hint = {}) {
    good_ = false;
    diagnostics_.Error(at.item.place, std::move(message), std::move(hint));
    return nullptr;
  }

  static ExprPtr Make(Expr::Kind kind, const ExceptionValue& at) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->where = {&at.item, 0};
    return expr;
  }

  // "fields: proc.name": its values together make one list.
  ExprPtr BuildSingle(const ExceptionIr& exception) {
    const ExceptionValue& in = exception.comps ? *exception.comps : exception.fields;
    const std::string comp = exception.comps ? exception.comps->item.value : "in";
    ExprPtr check = Check(exception.fields, in, comp);
    if (check == nullptr) return nullptr;
    if (check->op->shape != Operator::Shape::kList) {
      return Fail(in,
                  "an exception of one field compares with in, intersects or pmatch, not " + comp);
    }
    check->is_list = true;
    for (const ExceptionValue& value : exception.values) {
      if (value.is_list)
        return Fail(value, "an entry of values is a single value, since fields is one",
                    "or write fields: [...]");
      check->values.push_back(ItemWord(value.item, diagnostics_));
    }
    return exception.values.empty() ? nullptr : std::move(check);
  }

  ExprPtr BuildTuple(const ExceptionIr& exception, const ExceptionValue& tuple) {
    ExprPtr all = Make(Expr::Kind::kAnd, tuple);
    for (size_t i = 0; i < tuple.items.size(); i++) {
      const ExceptionValue& field = exception.fields.items[i];
      const std::string comp = exception.comps ? exception.comps->items[i].item.value : "=";
      ExprPtr check = Check(field, exception.comps ? exception.comps->items[i] : field, comp);
      if (check == nullptr || !AddValues(*check, tuple.items[i])) return nullptr;
      all->children.push_back(std::move(check));
    }
    return all;
  }

  bool AddValues(Expr& check, const ExceptionValue& value) {
    check.is_list = check.op->shape == Operator::Shape::kList;
    if (!value.is_list) {
      check.values.push_back(ItemWord(value.item, diagnostics_));
      return true;
    }
    if (!check.is_list) {
      Fail(value, std::string(check.op->name) + " compares with a single value, not a list",
           "use in in comps");
      return false;
    }
    for (const ExceptionValue& item : value.items)
      check.values.push_back(ItemWord(item.item, diagnostics_));
    return true;
  }

  ExprPtr Check(const ExceptionValue& field, const ExceptionValue& comp_at, std::string_view comp) {
    ExprPtr expr = Make(Expr::Kind::kCheck, field);
    if (field.is_list || field.item.empty()) return Fail(field, "a field's name is needed here");
    ConditionLexer lexer(field.item);
    expr->name = lexer.TakeName();
    if (lexer.TakeChar('[')) {
      expr->argument = lexer.TakeArgument().value_or("?");
      expr->has_argument = true;
    }
    if (!lexer.AtEnd() || expr->name.empty())
      return Fail(field, Quoted(field.item.value) + " is not a field's name");
    while (comp.starts_with(' ')) comp.remove_prefix(1);
    while (comp.ends_with(' ')) comp.remove_suffix(1);
    expr->op = FindOperator(comp);
    expr->op_where = {&comp_at.item, 0};
    if (expr->op == nullptr || expr->op->shape == Operator::Shape::kNone) {
      return Fail(comp_at, Quoted(comp) + " is not an operator that compares",
                  DidYouMean(comp, OperatorNames()));
    }
    return expr;
  }

  Diagnostics& diagnostics_;
  bool good_ = true;
};

}  // namespace

ExprPtr ApplyExceptions(ExprPtr condition, const RuleIr& rule, Diagnostics& diagnostics) {
  Builder builder(diagnostics);
  auto all = std::make_unique<Expr>();
  all->kind = Expr::Kind::kAnd;
  all->where = {&rule.condition, 0};
  for (const ExceptionIr& exception : rule.exceptions) {
    ExprPtr excepted = builder.Build(exception);
    if (excepted == nullptr) continue;
    auto negated = std::make_unique<Expr>();
    negated->kind = Expr::Kind::kNot;
    negated->where = excepted->where;
    negated->children.push_back(std::move(excepted));
    all->children.push_back(std::move(negated));
  }
  if (!builder.good() || condition == nullptr) return nullptr;
  if (all->children.empty()) return condition;
  all->children.insert(all->children.begin(), std::move(condition));
  return all;
}

}  // namespace nsw::rule
