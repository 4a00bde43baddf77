// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/condition_compiler.h"

#include <algorithm>
#include <charconv>

#include "engine/rule/condition_parser.h"
#include "engine/rule/event_types.h"
#include "engine/rule/falco_fields.h"

namespace nsw::rule {
namespace {

using event::Field;
using event::FieldType;

constexpr size_t kMacroDepthMax = 64;

std::string TypeHint(const Field& field) {
  switch (field.type) {
    case FieldType::kNumber:
      return "a number is compared by = != < <= > >= in";
    case FieldType::kBool:
      return "write " + std::string(field.name) + " = true";
    case FieldType::kAddress:
      return "an address is compared by = != in, with 10.0.0.1 or 10.0.0.0/8";
    case FieldType::kNamed:
      return "it is compared by its names, and by its number";
    case FieldType::kString:
      return "text is compared by = != in contains startswith endswith glob pmatch regex";
  }
  return {};
}

// Only where whole values are compared: a part of one has no form of its own.
void TakeForm(const Field& field, const Operator& op, std::vector<Word>& words) {
  constexpr std::string_view kWhole[] = {"=", "==", "!=", "in", "intersects", "startswith"};
  if (std::ranges::find(kWhole, op.name) == std::end(kWhole)) return;
  for (Word& word : words) {
    std::string form(field.form(word.text));
    if (!form.empty()) word.text = std::move(form);
  }
}

}  // namespace

ConditionCompiler::Result ConditionCompiler::Fail(const Where& where, std::string message,
                                                  std::string hint) {
  diagnostics_.Error(where, std::move(message), std::move(hint));
  return std::nullopt;
}

ConditionCompiler::Result ConditionCompiler::Miss(const Where& where, std::string what) {
  if (!missing_) missing_ = Missing{where, std::move(what)};
  return std::nullopt;
}

std::optional<ConditionTree> ConditionCompiler::CompileMacro(const Macro& macro) {
  if (macro.expr == nullptr) return std::nullopt;
  stack_.push_back(&macro);
  Result result = Compile(*macro.expr);
  stack_.pop_back();
  return result;
}

std::optional<ConditionTree> ConditionCompiler::Compile(const Expr& expr) {
  if (checks_ > kConditionSizeMax) return std::nullopt;
  switch (expr.kind) {
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr:
      return Joined(expr);
    case Expr::Kind::kNot: {
      Result child = Compile(*expr.children.front());
      if (!child) return std::nullopt;
      return ConditionTree::Negate(std::move(*child));
    }
    case Expr::Kind::kMacro:
      return MacroUse(expr);
    case Expr::Kind::kCheck:
      return Check(expr);
  }
  return std::nullopt;
}

// Goes on after a mistake in one part: the others may have theirs.
ConditionCompiler::Result ConditionCompiler::Joined(const Expr& expr) {
  std::vector<ConditionTree> children;
  bool good = true;
  for (const ExprPtr& part : expr.children) {
    Result child = Compile(*part);
    good = good && child.has_value();
    if (child) children.push_back(std::move(*child));
  }
  if (!good) return std::nullopt;
  return expr.kind == Expr::Kind::kAnd ? ConditionTree::And(std::move(children))
                                       : ConditionTree::Or(std::move(children));
}

ConditionCompiler::Result ConditionCompiler::MacroUse(const Expr& expr) {
  const Macro* macro = definitions_.FindMacro(expr.name);
  if (macro == nullptr) {
    const std::string_view near = definitions_.NearestMacro(expr.name);
    return Fail(expr.where, "there is no macro " + expr.name,
                !near.empty() ? "did you mean " + std::string(near) + "?"
                : definitions_.IsList(expr.name)
                    ? expr.name + " is a list: write FIELD in (" + expr.name + ")"
                    : "a field has a dot in its name");
  }
  if (std::ranges::find(stack_, macro) != stack_.end())
    return Fail(expr.where, "the macro " + expr.name + " comes back to itself");
  if (!stack_.empty() && macro->ir->first >= stack_.back()->ir->last) {
    return Fail(expr.where, "the macro " + expr.name + " is defined later",
                "define it before the macro that uses it");
  }
  if (stack_.size() >= kMacroDepthMax)
    return Fail(expr.where, "macros in macros, more than 64 deep");
  return CompileMacro(*macro);
}

ConditionCompiler::Result ConditionCompiler::NoField(const Expr& expr) {
  if (falco_ && IsFalcoField(expr.name))
    return Miss(expr.where, "the field " + expr.name + " is not supported yet");
  if (skip_unknown_) return Miss(expr.where, "there is no field " + expr.name);
  if (IsFalcoField(expr.name))
    return Fail(expr.where, "the field " + expr.name + " is not supported yet",
                "nswarden fields lists those that are");
  return Fail(expr.where, "there is no field " + expr.name, FieldHint(expr.name));
}

namespace {

bool IsGround(const Field& field) {
  const bool of_the_act = !field.name.starts_with("evt.") &&
                          !field.name.starts_with("container.") && !field.name.starts_with("k8s.");
  return of_the_act && !field.untrusted;
}

}  // namespace

ConditionCompiler::Result ConditionCompiler::Check(const Expr& expr) {
  if (++checks_ > kConditionSizeMax) {
    return Fail(expr.where, "the condition has more than 50000 checks, with its macros put in");
  }
  std::string_view key;
  const Field* field = event::FindField(expr.name);
  if (field == nullptr) field = event::FindKeyed(expr.name, key);
  if (field == nullptr) return NoField(expr);
  wants_ |= field->wants;
  FieldTest test{.field = field, .negated = expr.op->negated};
  if (!(field->keyed ? TakeKey(expr, key, test) : TakeIndex(expr, *field, test))) {
    return std::nullopt;
  }
  if ((expr.op->types & TypeBit(field->type)) == 0) {
    if (falco_ && expr.name.starts_with("evt.arg."))
      return Miss(expr.where, expr.name + " as a text is not supported yet");
    return Fail(expr.op_where,
                expr.name + " is " + std::string(TypeName(field->type)) + ", which " +
                    std::string(expr.op->name) + " does not compare",
                TypeHint(*field));
  }
  std::vector<Word> words = expr.is_list ? definitions_.Expand(expr.values) : expr.values;
  if (field->form != nullptr) TakeForm(*field, *expr.op, words);
  if (expr.is_list && !CheckList(expr, words)) return std::nullopt;
  if (!CheckNames(expr, *field, words)) return std::nullopt;
  OperandError error;
  PredicatePtr predicate = expr.op->make(field->type, words, error);
  if (predicate == nullptr) return BadOperand(expr, words, error);
  if (expr.name == "evt.type" || expr.name == "syscall.type")
    return CheckTypes(expr, words, *predicate);
  if (expr.name == "evt.dir") {
    return ConditionTree::Constant(predicate->Test(event::Value::Text("<")) != expr.op->negated);
  }
  Limits limits{.names = NamesOf(expr.name, expr.op->name, words),
                .ports = PortsOf(expr.name, *predicate, test.negated, words)};
  test.predicate = std::move(predicate);
  has_ground_ |= IsGround(*field);
  if (expr.name == "evt.is_open_write")
    return ConditionTree::OfOpenWrite(std::move(test), expr.op->cost);
  const int cost = expr.op->cost + (test.any_ancestor ? 20 : 0);
  return ConditionTree::OfField(std::move(test), cost, std::move(limits));
}

ConditionCompiler::Result ConditionCompiler::BadOperand(const Expr& expr,
                                                        const std::vector<Word>& words,
                                                        const OperandError& error) {
  if (falco_ && expr.name.starts_with("evt.arg."))
    return Miss(expr.where, expr.name + " as a text is not supported yet");
  return Fail(error.word < words.size() ? words[error.word].where : expr.op_where,
              expr.name + ": " + error.message, error.hint);
}

// A type that there is not would make a rule that never speaks. In Falco's own files that is not
// worth a word as long as others of the list are there.
ConditionCompiler::Result ConditionCompiler::CheckTypes(const Expr& expr,
                                                        const std::vector<Word>& words,
                                                        const Predicate& predicate) {
  const bool by_name = expr.op->name == "=" || expr.op->name == "==" || expr.op->name == "!=" ||
                       expr.op->shape == Operator::Shape::kList;
  bool good = true;
  for (const Word& word : words) {
    if (!by_name || falco_ || IsEventType(word.text)) continue;
    good = false;
    Fail(word.where, "events of type " + Quoted(word.text) + " are not supported yet",
         DidYouMean(word.text, EventTypeNames()));
  }
  if (!good) return std::nullopt;
  return ConditionTree::OfType(
      MatchTypes(predicate, expr.op->negated, expr.name == "syscall.type"));
}

// A name that there is not would never match. In Falco's own files it may be one of its many.
bool ConditionCompiler::CheckNames(const Expr& expr, const Field& field,
                                   const std::vector<Word>& words) {
  if (field.type != FieldType::kNamed || falco_) return true;
  const std::string_view op = expr.op->name;
  const bool by_name =
      op == "=" || op == "==" || op == "!=" || expr.op->shape == Operator::Shape::kList;
  const bool folded = op == "icontains";
  const bool by_part = folded || op == "contains" || op == "startswith" || op == "endswith";
  const auto known = [&](const std::string& text) {
    if (by_part) return event::KnowsPart(field, text, folded);
    return !by_name || ParseNumber(text) || event::KnowsName(field, text);
  };
  bool good = true;
  for (const Word& word : words) {
    if (known(word.text)) continue;
    good = false;
    Fail(word.where, expr.name + (by_part ? " never has " : " is never ") + Quoted(word.text),
         "its names are those of the system call's manual page; a number is taken, too");
  }
  return good;
}

bool ConditionCompiler::TakeIndex(const Expr& expr, const Field& field, FieldTest& test) {
  if (!expr.has_argument) {
    test.any_ancestor = field.indexed;
    return true;
  }
  if (!field.indexed) {
    Fail(expr.where, expr.name + " takes no [" + expr.argument + "]");
    return false;
  }
  const char* end = expr.argument.data() + expr.argument.size();
  const auto [stop, error] = std::from_chars(expr.argument.data(), end, test.index);
  if (error == std::errc{} && stop == end && !expr.argument.empty()) return true;
  Fail(expr.where, expr.name + " takes a number in [ ], not " + Quoted(expr.argument),
       "0 is the process, 1 its parent");
  return false;
}

bool ConditionCompiler::TakeKey(const Expr& expr, std::string_view key, FieldTest& test) {
  if (expr.has_argument && key.empty()) key = expr.argument;
  if (!key.empty()) {
    test.index = event::KeyNumber(key);
    return true;
  }
  if (falco_) {
    Miss(expr.where, expr.name + " without a key is not supported yet");
  } else {
    Fail(expr.where, expr.name + " takes a key in [ ]", "write " + expr.name + "[app]");
  }
  return false;
}

// Without parentheses a list's name is meant.
bool ConditionCompiler::CheckList(const Expr& expr, const std::vector<Word>& words) {
  if (expr.is_bare && !definitions_.IsList(expr.values.front().text)) {
    const Word& word = expr.values.front();
    Fail(word.where, "there is no list " + Quoted(word.text),
         "write " + std::string(expr.op->name) + " (" + word.text + ")");
    return false;
  }
  if (words.empty() && !falco_)
    diagnostics_.Warn(expr.op_where.place(), "the list is empty: this is never true");
  return true;
}

}  // namespace nsw::rule
