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

// A text to be found inside of others, looked for by that byte of it that is rarest in paths and
// command lines: most of them do not have it.
class Inside {
 public:
  explicit Inside(std::string text) : text_(std::move(text)) {
    static constexpr std::string_view kCommonFirst = "/esorantilcdupmbhgyfvkw.x-0123456789_";
    const auto rank = [](char c) { return std::min(kCommonFirst.find(c), kCommonFirst.size()); };
    const auto rarest = std::ranges::max_element(text_, {}, rank);
    rarest_ = static_cast<size_t>(rarest - text_.begin());
  }

  [[nodiscard]] bool In(std::string_view text) const {
    if (text_.empty()) return true;
    if (text.size() < text_.size()) return false;
    // Where that byte can be, if all of it is to be inside.
    const char* at = text.data() + rarest_;
    const char* const end = at + (text.size() - text_.size() + 1);
    while ((at = static_cast<const char*>(memchr(at, text_[rarest_], end - at))) != nullptr) {
      if (memcmp(at - rarest_, text_.data(), text_.size()) == 0) return true;
      if (++at == end) break;
    }
    return false;
  }

 private:
  std::string text_;
  size_t rarest_;
};

// = in startswith endswith contains, any number of each: true where one of them is. Last bytes are
// looked at first: paths differ there, and begin alike.
class TextAny final : public Predicate {
 public:
  enum class How { kWhole, kStart, kEnd, kInside };

  TextAny(How how, Words words) {
    for (const Word& word : words) Add(how, word.text);
  }

  bool Test(const Value& value) const override {
    const std::string_view text = value.text;
    return whole_.Contains(text) || EndsWithAny(text) || StartsWithAny(text) ||
           std::ranges::any_of(inside_, [&](const Inside& inside) { return inside.In(text); });
  }

  bool joins() const override { return true; }
  std::unique_ptr<Predicate> Or(std::span<const Predicate* const> others) const override {
    auto all = std::make_unique<TextAny>(*this);
    for (const Predicate* other : others) all->Add(dynamic_cast<const TextAny&>(*other));
    return all;
  }

 private:
  void Add(How how, const std::string& operand) {
    switch (how) {
      case How::kWhole:
        return whole_.Insert(operand);
      case How::kStart:
        starts_.push_back(operand);
        return;
      case How::kEnd:
        ends_.push_back(operand);
        ends_mask_ |= operand.empty() ? ~0ULL : StringSet::ByteBit(operand.back());
        return;
      case How::kInside:
        inside_.emplace_back(operand);
    }
  }

  void Add(const TextAny& others) {
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    whole_.Insert(others.whole_);
    append(starts_, others.starts_);
    append(ends_, others.ends_);
    append(inside_, others.inside_);
    ends_mask_ |= others.ends_mask_;
  }

  bool EndsWithAny(std::string_view text) const {
    if (ends_.empty()) return false;
    if (!text.empty() && (ends_mask_ & StringSet::ByteBit(text.back())) == 0) return false;
    return std::ranges::any_of(ends_, [&](const auto& end) { return text.ends_with(end); });
  }

  bool StartsWithAny(std::string_view text) const {
    return std::ranges::any_of(starts_, [&](const std::string& start) {
      if (start.empty()) return true;
      return text.size() >= start.size() && text[start.size() - 1] == start.back() &&
             text.starts_with(start);
    });
  }

  StringSet whole_;
  std::vector<std::string> starts_;
  std::vector<std::string> ends_;
  std::vector<Inside> inside_;
  uint64_t ends_mask_ = 0;  // bit n: some of ends_ ends in a byte whose low six bits are n
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

PredicatePtr MakeTextSet(FieldType, Words words, OperandError&) {
  return std::make_unique<TextAny>(TextAny::How::kWhole, words);
}
PredicatePtr MakeStartsWith(FieldType, Words words, OperandError&) {
  return std::make_unique<TextAny>(TextAny::How::kStart, words);
}
PredicatePtr MakeEndsWith(FieldType, Words words, OperandError&) {
  return std::make_unique<TextAny>(TextAny::How::kEnd, words);
}
PredicatePtr MakeContains(FieldType, Words words, OperandError&) {
  return std::make_unique<TextAny>(TextAny::How::kInside, words);
}
PredicatePtr MakeContainsNoCase(FieldType, Words words, OperandError&) {
  return MakeTest<ContainsNoCase>(words);
}
PredicatePtr MakeGlob(FieldType, Words words, OperandError&) { return MakeTest<Glob>(words); }
PredicatePtr MakeGlobNoCase(FieldType, Words words, OperandError&) {
  return MakeTest<GlobNoCase>(words);
}
PredicatePtr MakePathPrefix(FieldType, Words words, OperandError&) {
  return std::make_unique<PathPrefix>(words);
}

}  // namespace nsw::rule
