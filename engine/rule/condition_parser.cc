// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/condition_parser.h"

#include <algorithm>
#include <array>

#include "engine/rule/condition_lexer.h"
#include "engine/rule/predicate.h"

namespace nsw::rule {
namespace {

constexpr std::array<std::string_view, 8> kTransformers{"tolower", "toupper", "b64",    "basename",
                                                        "len",     "join",    "concat", "getopt"};

class Parser {
 public:
  Parser(const Text& text, Diagnostics& diagnostics) : lexer_(text), diagnostics_(diagnostics) {}

  ExprPtr Parse() {
    lexer_.SkipBlanks();
    if (lexer_.AtEnd()) return Fail(lexer_.where(), "the condition is empty");
    ExprPtr expr = Or();
    if (expr == nullptr || lexer_.AtEnd()) return expr;
    return Fail(lexer_.where(), "expected and, or, or the end, and found " + Quoted(lexer_.Found()),
                Stray());
  }

 private:
  ExprPtr Fail(const Where& where, std::string message, std::string hint = {}) {
    diagnostics_.Error(where, std::move(message), std::move(hint));
    return nullptr;
  }

  // Why there may be something where a condition should go on.
  [[nodiscard]] std::string Stray() const {
    const std::string found = lexer_.Found();
    if (found == "AND" || found == "OR" || found == "NOT" || found == "&&" || found == "||") {
      return "write and, or and not in small letters";
    }
    if (found == ")") return "there is one ) too many";
    return "a value that holds blanks, = , ( ) or quotes must be quoted";
  }

  static ExprPtr Make(Expr::Kind kind, const Where& where) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->where = where;
    return expr;
  }

  // `next`, joined by `word` as often as it is there.
  ExprPtr Chain(Expr::Kind kind, std::string_view word, ExprPtr (Parser::*next)()) {
    ExprPtr chain = Make(kind, lexer_.where());
    do {
      ExprPtr part = (this->*next)();
      if (part == nullptr) return nullptr;
      chain->children.push_back(std::move(part));
      lexer_.SkipBlanks();
    } while (lexer_.TakeKeyword(word));
    return chain->children.size() == 1 ? std::move(chain->children.front()) : std::move(chain);
  }

  ExprPtr Or() { return Chain(Expr::Kind::kOr, "or", &Parser::And); }
  ExprPtr And() { return Chain(Expr::Kind::kAnd, "and", &Parser::Not); }

  ExprPtr Not() {
    lexer_.SkipBlanks();
    const Where where = lexer_.where();
    bool negated = false;
    while (lexer_.TakeKeyword("not")) {
      negated = !negated;
      lexer_.SkipBlanks();
    }
    ExprPtr check = Check();
    if (check == nullptr || !negated) return check;
    ExprPtr expr = Make(Expr::Kind::kNot, where);
    expr->children.push_back(std::move(check));
    return expr;
  }

  ExprPtr Parenthesis(const Where& where) {
    if (++depth_ > kConditionDepthMax) return Fail(where, "parentheses nested deeper than 100");
    ExprPtr expr = Or();
    depth_--;
    if (expr == nullptr) return nullptr;
    lexer_.SkipBlanks();
    if (lexer_.TakeChar(')')) return expr;
    return Fail(lexer_.where(), "expected ), and found " + Quoted(lexer_.Found()),
                lexer_.AtEnd() ? "the ( at " + At(where) + " is never closed" : Stray());
  }

  static std::string At(const Where& where) {
    const Place place = where.place();
    if (place.source == nullptr) return "the beginning";
    const Position position = place.source->At(place.offset);
    return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
  }

  ExprPtr Check() {
    lexer_.SkipBlanks();
    const Where where = lexer_.where();
    if (lexer_.TakeChar('(')) return Parenthesis(where);
    const std::string name = lexer_.TakeName();
    if (name.empty()) {
      return Fail(where, "expected a field, a macro or (, and found " + Quoted(lexer_.Found()),
                  lexer_.AtEnd() ? "something must follow and, or, not" : Stray());
    }
    if (name == "and" || name == "or")
      return Fail(where, "expected a field, a macro or (, and found " + Quoted(name));
    if (lexer_.Peek() == '(' && std::ranges::find(kTransformers, name) != kTransformers.end()) {
      return Fail(where, name + "() is not supported yet",
                  "compare the field itself; icontains takes no heed of case");
    }
    if (name.find('.') == std::string::npos) return Macro(name, where);
    return FieldCheck(name, where);
  }

  ExprPtr Macro(const std::string& name, const Where& where) {
    ExprPtr expr = Make(Expr::Kind::kMacro, where);
    expr->name = name;
    return expr;
  }

  ExprPtr FieldCheck(const std::string& name, const Where& where) {
    ExprPtr expr = Make(Expr::Kind::kCheck, where);
    expr->name = name;
    if (lexer_.TakeChar('[')) {
      auto argument = lexer_.TakeArgument();
      if (!argument) return Fail(lexer_.where(), "the [ after " + name + " is never closed");
      expr->argument = std::move(*argument);
      expr->has_argument = true;
    }
    lexer_.SkipBlanks();
    expr->op_where = lexer_.where();
    if (!TakeOperator(*expr)) return nullptr;
    lexer_.SkipBlanks();
    if (expr->op->shape == Operator::Shape::kNone) return expr;
    const bool good = expr->op->shape == Operator::Shape::kList ? List(*expr) : One(*expr);
    return good ? std::move(expr) : nullptr;
  }

  bool TakeOperator(Expr& expr) {
    const std::string found = lexer_.Found();
    const std::string name = lexer_.TakeOperator();
    expr.op = FindOperator(name);
    if (expr.op == nullptr) {
      Fail(expr.op_where,
           "expected an operator after " + expr.name + ", and found " +
               Quoted(name.empty() ? found : name),
           DidYouMean(name, OperatorNames()));
      return false;
    }
    return expr.op->shape != Operator::Shape::kOne || !HasModifier();
  }

  // "startswith anyof (...)"; an error.
  bool HasModifier() {
    lexer_.SkipBlanks();
    const Where where = lexer_.where();
    for (const std::string_view modifier : {"oneof", "anyof", "allof"}) {
      if (!lexer_.TakeKeyword(modifier)) continue;
      lexer_.SkipBlanks();
      if (lexer_.Peek() == '(') {
        Fail(where, std::string(modifier) + " is not supported yet",
             "join the comparisons by or, or by and");
        return true;
      }
      lexer_.Rewind(where);
    }
    return false;
  }

  bool One(Expr& expr) {
    const Where where = lexer_.where();
    std::string error;
    auto word = lexer_.TakeValue(error);
    if (!word) {
      const bool list = lexer_.Peek() == '(';
      Fail(where,
           error.empty() ? "expected a value after " + std::string(expr.op->name) + ", and found " +
                               Quoted(lexer_.Found())
                         : error,
           list ? "a list goes with in, intersects or pmatch" : "");
      return false;
    }
    if (!word->quoted && word->text == "val" && lexer_.Peek() == '(') {
      Fail(where, "comparing two fields is not supported yet");
      return false;
    }
    expr.values.push_back(std::move(*word));
    return true;
  }

  bool List(Expr& expr) {
    expr.is_list = true;
    if (lexer_.TakeChar('(')) return Items(expr);
    std::string error;
    const Where where = lexer_.where();
    auto word = lexer_.TakeValue(error);
    if (word) {
      expr.values.push_back(std::move(*word));
      expr.is_bare = true;
      return true;
    }
    Fail(where,
         error.empty() ? "expected ( after " + std::string(expr.op->name) + ", and found " +
                             Quoted(lexer_.Found())
                       : error,
         "write " + std::string(expr.op->name) + " (a, b)");
    return false;
  }

  bool Items(Expr& expr) {
    lexer_.SkipBlanks();
    if (lexer_.TakeChar(')')) return true;
    for (;;) {
      lexer_.SkipBlanks();
      const Where where = lexer_.where();
      std::string error;
      auto word = lexer_.TakeValue(error);
      if (!word) {
        Fail(where, error.empty()
                        ? "expected a value in the list, and found " + Quoted(lexer_.Found())
                        : error);
        return false;
      }
      expr.values.push_back(std::move(*word));
      lexer_.SkipBlanks();
      if (lexer_.TakeChar(')')) return true;
      if (lexer_.TakeChar(',')) continue;
      Fail(lexer_.where(), "expected , or ) in the list, and found " + Quoted(lexer_.Found()),
           "a value that holds blanks, = , ( ) or quotes must be quoted");
      return false;
    }
  }

  ConditionLexer lexer_;
  Diagnostics& diagnostics_;
  size_t depth_ = 0;
};

}  // namespace

ExprPtr ParseCondition(const Text& text, Diagnostics& diagnostics) {
  return Parser(text, diagnostics).Parse();
}

}  // namespace nsw::rule
