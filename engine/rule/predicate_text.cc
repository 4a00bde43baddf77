// SPDX-License-Identifier: Apache-2.0
// Predicates on text. Bytes are compared, whatever their encoding.
#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/rule/glob.h"
#include "engine/rule/predicate.h"
#include "engine/rule/string_set.h"

namespace nsw::rule {
namespace {

using event::FieldType;
using event::Value;

// The operators that are one function of the value's text and the operand.
template <bool (*Compare)(std::string_view text, std::string_view operand)>
class TextTest final : public Predicate {
 public:
  explicit TextTest(std::string operand) : operand_(std::move(operand)) {}
  bool Test(const Value& value) const override { return Compare(value.text, operand_); }

 private:
  std::string operand_;
};

template <bool (*Compare)(std::string_view, std::string_view)>
PredicatePtr MakeTest(Words words) {
  return std::make_unique<TextTest<Compare>>(words[0].text);
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }

// These look at the operand's last byte first: paths differ there, and begin alike.
bool StartsWith(std::string_view text, std::string_view operand) {
  if (operand.empty()) return true;
  return text.size() >= operand.size() && text[operand.size() - 1] == operand.back() &&
         text.starts_with(operand);
}
bool EndsWith(std::string_view text, std::string_view operand) {
  if (operand.empty()) return true;
  return text.size() >= operand.size() && text.back() == operand.back() && text.ends_with(operand);
}
bool Equal(std::string_view text, std::string_view operand) {
  return text.size() == operand.size() && EndsWith(text, operand);
}
bool Contains(std::string_view text, std::string_view operand) {
  return memmem(text.data(), text.size(), operand.data(), operand.size()) != nullptr;
}
bool ContainsNoCase(std::string_view text, std::string_view operand) {
  const auto same = [](char a, char b) { return Lower(a) == Lower(b); };
  return std::search(text.begin(), text.end(), operand.begin(), operand.end(), same) !=
             text.end() ||
         operand.empty();
}
bool Glob(std::string_view text, std::string_view operand) { return GlobMatch(operand, text); }
bool GlobNoCase(std::string_view text, std::string_view operand) {
  return GlobMatch(operand, text, GlobStyle::kFnmatch, true);
}

class TextSet final : public Predicate {
 public:
  explicit TextSet(Words words) {
    for (const Word& word : words) set_.Insert(word.text);
  }
  bool Test(const Value& value) const override { return set_.Contains(value.text); }

 private:
  StringSet set_;
};

using Components = std::vector<std::string_view>;

// Calls `visit` with each component of a path until it says false.
template <typename Visit>
void ForEachComponent(std::string_view path, Visit visit) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (!component.empty() && !visit(component)) return;
  }
}

// pmatch: one of the operands is the value, or a directory above it. A component with * ? [ is a
// glob.
class PathPrefix final : public Predicate {
 public:
  explicit PathPrefix(Words words) {
    for (const Word& word : words) Add(word.text);
  }

  bool Test(const Value& value) const override {
    const std::string_view text = value.text;
    if (everything_) return true;
    for (size_t at = 1; at <= text.size(); at++) {
      if ((at == text.size() || text[at] == '/') && plain_.Contains(text.substr(0, at)))
        return true;
    }
    return std::ranges::any_of(globs_, [&](const auto& glob) { return MatchGlobs(glob, text); });
  }

 private:
  void Add(const std::string& operand) {
    std::string path;
    std::vector<std::string> parts;
    ForEachComponent(operand, [&](std::string_view part) {
      path.append("/").append(part);
      parts.emplace_back(part);
      return true;
    });
    if (parts.empty()) {
      everything_ = true;  // "/"
    } else if (path.find_first_of("*?[") != std::string::npos) {
      globs_.push_back(std::move(parts));
    } else {
      plain_.Insert(std::move(path));
    }
  }

  static bool MatchGlobs(const std::vector<std::string>& globs, std::string_view path) {
    size_t matched = 0;
    ForEachComponent(path, [&](std::string_view component) {
      if (matched == globs.size() || !GlobMatch(globs[matched], component)) return false;
      matched++;
      return true;
    });
    return matched == globs.size();
  }

  StringSet plain_;  // "/a/b"
  std::vector<std::vector<std::string>> globs_;
  bool everything_ = false;
};

}  // namespace

PredicatePtr MakeTextEqual(FieldType, Words words, OperandError&) { return MakeTest<Equal>(words); }
PredicatePtr MakeContains(FieldType, Words words, OperandError&) {
  return MakeTest<Contains>(words);
}
PredicatePtr MakeContainsNoCase(FieldType, Words words, OperandError&) {
  return MakeTest<ContainsNoCase>(words);
}
PredicatePtr MakeStartsWith(FieldType, Words words, OperandError&) {
  return MakeTest<StartsWith>(words);
}
PredicatePtr MakeEndsWith(FieldType, Words words, OperandError&) {
  return MakeTest<EndsWith>(words);
}
PredicatePtr MakeGlob(FieldType, Words words, OperandError&) { return MakeTest<Glob>(words); }
PredicatePtr MakeGlobNoCase(FieldType, Words words, OperandError&) {
  return MakeTest<GlobNoCase>(words);
}
PredicatePtr MakeTextSet(FieldType, Words words, OperandError&) {
  return std::make_unique<TextSet>(words);
}
PredicatePtr MakePathPrefix(FieldType, Words words, OperandError&) {
  return std::make_unique<PathPrefix>(words);
}

}  // namespace nsw::rule
