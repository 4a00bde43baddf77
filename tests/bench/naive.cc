// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/naive.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <regex>

#include "engine/event/field.h"
#include "engine/rule/condition_parser.h"
#include "engine/rule/policy_file.h"
#include "engine/rule/policy_reader.h"
#include "engine/rule/predicate.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::bench {
namespace {

using event::FieldType;
using event::Value;
using rule::Expr;
using rule::Word;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(tolower(c));
  return text;
}

// "10.0.0.0/8" as sixteen bytes (IPv4 mapped) and how many bits of them count.
bool InNetwork(const nsw_addr& address, const std::string& network) {
  const size_t slash = network.find('/');
  const std::string base = network.substr(0, slash);
  std::array<unsigned char, 16> bytes{};
  int bits = 128;
  if (inet_pton(AF_INET6, base.c_str(), bytes.data()) != 1) {
    bytes[10] = bytes[11] = 0xff;
    inet_pton(AF_INET, base.c_str(), bytes.data() + 12);
    if (slash != std::string::npos) bits = 96 + std::stoi(network.substr(slash + 1));
  } else if (slash != std::string::npos) {
    bits = std::stoi(network.substr(slash + 1));
  }
  for (int bit = 0; bit < bits; bit++) {
    const int mask = 0x80 >> bit % 8;
    if ((address.b[bit / 8] & mask) != (bytes[static_cast<size_t>(bit / 8)] & mask)) return false;
  }
  return true;
}

bool Equal(FieldType type, const Value& value, const std::string& word) {
  switch (type) {
    case FieldType::kString:
      return value.text == word;
    case FieldType::kNamed:
      return value.text == word || std::to_string(value.number) == word;
    case FieldType::kNumber:
      return value.number == std::stoll(word);
    case FieldType::kBool:
      return (value.number != 0) == (word == "true");
    case FieldType::kAddress:
      return InNetwork(value.address, word);
  }
  return false;
}

bool Below(const std::string& path, std::string directory) {
  while (directory.ends_with('/')) directory.pop_back();
  return path == directory || path.starts_with(directory + "/");
}

bool Compare(const Expr& expr, FieldType type, const Value& value, const std::string& word) {
  const std::string_view op = expr.op->name;
  const std::string text(value.text);
  if (op == "=" || op == "==" || op == "!=" || op == "in") return Equal(type, value, word);
  if (op == ">=") return value.number >= std::stoll(word);
  if (op == ">") return value.number > std::stoll(word);
  if (op == "<") return value.number < std::stoll(word);
  if (op == "<=") return value.number <= std::stoll(word);
  if (op == "contains") return Contains(text, word);
  if (op == "icontains") return Contains(Lower(text), Lower(word));
  if (op == "startswith") return text.starts_with(word);
  if (op == "endswith") return text.ends_with(word);
  if (op == "pmatch") return Below(text, word);
  if (op == "regex") return std::regex_match(text, std::regex(word));
  abort();  // a shipped policy uses an operator that has to be added here
}

bool Check(const Expr& expr, const rule::Definitions& definitions, const event::Event& event) {
  const event::Field& field = *event::FindField(expr.name);
  event::Scratch scratch;
  if ((field.events >> event.header().type & 1) == 0) return false;
  const Value value = field.get(field, event, 0, scratch);
  if (value.presence != event::Presence::kKnown) return false;
  if (expr.op->name == "exists") return true;
  const std::vector<Word> words = expr.is_list ? definitions.Expand(expr.values) : expr.values;
  const bool any = std::ranges::any_of(
      words, [&](const Word& word) { return Compare(expr, field.type, value, word.text); });
  return any != (expr.op->name == "!=");
}

bool Holds(const Expr& expr, const rule::Definitions& definitions, const event::Event& event) {
  const auto holds = [&](const auto& child) { return Holds(*child, definitions, event); };
  switch (expr.kind) {
    case Expr::Kind::kAnd:
      return std::ranges::all_of(expr.children, holds);
    case Expr::Kind::kOr:
      return std::ranges::any_of(expr.children, holds);
    case Expr::Kind::kNot:
      return !holds(expr.children[0]);
    case Expr::Kind::kMacro:
      return holds(definitions.FindMacro(expr.name)->expr);
    case Expr::Kind::kCheck:
      return Check(expr, definitions, event);
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<NaiveEvaluator>> NaiveEvaluator::Load(
    const std::filesystem::path& directory) {
  auto all = std::make_unique<NaiveEvaluator>();
  rule::Diagnostics& diagnostics = all->diagnostics_;
  for (const auto& path : rule::ListPolicyFiles({directory}, {.check_owner = false}, diagnostics)) {
    auto text = rule::ReadPolicyFile(path, {.check_owner = false}, diagnostics);
    if (!text) continue;
    const rule::Source& source = all->sources_.emplace_back(path.string(), std::move(*text));
    rule::YamlDocument document;
    if (!rule::ReadYaml(source, document, diagnostics)) continue;
    rule::PolicyIr& policy = all->policies_.emplace_back();
    rule::ReadPolicy(source, document, policy, diagnostics);
    const auto& definitions = all->definitions_.emplace_back(policy.items, diagnostics);
    for (const auto& rule : policy.items.rules) {
      auto condition = rule::ParseCondition(rule.item.condition, diagnostics);
      all->rules_.push_back({&rule.item.name, std::move(condition), &definitions});
    }
  }
  if (diagnostics.errors() > 0) return Fail(diagnostics.Take().front().Text());
  return all;
}

std::vector<std::string> NaiveEvaluator::Match(const event::Event& event) const {
  std::vector<std::string> names;
  for (const Rule& rule : rules_) {
    if (Holds(*rule.condition, *rule.definitions, event)) names.push_back(rule.name->value);
  }
  return names;
}

}  // namespace nsw::bench
