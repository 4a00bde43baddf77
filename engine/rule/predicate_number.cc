// SPDX-License-Identifier: Apache-2.0
// Predicates on numbers, booleans and addresses.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "engine/event/address.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/predicate.h"
#include "engine/rule/string_set.h"

namespace nsw::rule {

std::optional<int64_t> ParseNumber(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  // Inode and device numbers, flags: 64 bits without a sign, as Value has them.
  return static_cast<int64_t>(negative ? 0 - number : number);
}

namespace {

using event::FieldType;
using event::Value;

std::optional<int64_t> ParseOperand(FieldType type, const std::string& text) {
  if (type == FieldType::kNumber || type == FieldType::kNamed) return ParseNumber(text);
  if (text == "true" || text == "1") return 1;
  return text == "false" || text == "0" ? std::optional<int64_t>(0) : std::nullopt;
}

std::optional<int64_t> Operand(FieldType type, Words words, size_t i, OperandError& error) {
  const auto number = ParseOperand(type, words[i].text);
  if (!number) {
    error = {i, Quoted(words[i].text) + " is not " + std::string(TypeName(type)),
             type == FieldType::kBool ? "write true or false"
                                      : "the field is a number: write 42, -1 or 0x2a"};
  }
  return number;
}

class NumberSet final : public Predicate {
 public:
  explicit NumberSet(std::vector<int64_t> numbers) : numbers_(std::move(numbers)) {
    std::ranges::sort(numbers_);
  }
  bool Test(const Value& value) const override {
    return std::ranges::binary_search(numbers_, value.number);
  }

 private:
  std::vector<int64_t> numbers_;
};

class NamedSet final : public Predicate {
 public:
  explicit NamedSet(Words words) {
    for (const Word& word : words) {
      if (const auto number = ParseNumber(word.text)) {
        numbers_.push_back(*number);
      } else {
        names_.Insert(word.text);
      }
    }
  }
  bool Test(const Value& value) const override {
    return names_.Contains(value.text) ||
           std::ranges::find(numbers_, value.number) != numbers_.end();
  }

 private:
  StringSet names_;
  std::vector<int64_t> numbers_;
};

template <typename Compare>
class NumberTest final : public Predicate {
 public:
  explicit NumberTest(int64_t operand) : operand_(operand) {}
  bool Test(const Value& value) const override { return Compare{}(value.number, operand_); }

 private:
  int64_t operand_;
};

template <typename Compare>
PredicatePtr MakeNumberTest(FieldType type, Words words, OperandError& error) {
  const auto number = Operand(type, words, 0, error);
  return number ? std::make_unique<NumberTest<Compare>>(*number) : nullptr;
}

class AddressSet final : public Predicate {
 public:
  explicit AddressSet(std::vector<event::Network> networks) : networks_(std::move(networks)) {}
  bool Test(const Value& value) const override {
    return std::ranges::any_of(
        networks_, [&](const auto& network) { return network.Contains(value.address); });
  }

 private:
  std::vector<event::Network> networks_;
};

std::string AddressHint(std::string_view text) {
  const bool name = text.find_first_not_of("0123456789abcdefABCDEF.:/") != std::string_view::npos;
  if (name)
    return "write an address, 10.0.0.1 or 2001:db8::1, or a block, 10.0.0.0/8: names change what "
           "they mean";
  return "write an address, 10.0.0.1 or 2001:db8::1, or a block, 10.0.0.0/8";
}

}  // namespace

PredicatePtr MakeNumberSet(FieldType type, Words words, OperandError& error) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < words.size(); i++) {
    const auto number = Operand(type, words, i, error);
    if (!number) return nullptr;
    numbers.push_back(*number);
  }
  return std::make_unique<NumberSet>(std::move(numbers));
}

PredicatePtr MakeNamedSet(FieldType, Words words, OperandError&) {
  return std::make_unique<NamedSet>(words);
}

PredicatePtr MakeAddressSet(FieldType, Words words, OperandError& error) {
  std::vector<event::Network> networks;
  for (size_t i = 0; i < words.size(); i++) {
    const auto network = event::ParseNetwork(words[i].text);
    if (!network) {
      error = {i, Quoted(words[i].text) + " is not an address", AddressHint(words[i].text)};
      return nullptr;
    }
    networks.push_back(*network);
  }
  return std::make_unique<AddressSet>(std::move(networks));
}

PredicatePtr MakeLess(FieldType type, Words words, OperandError& error) {
  return MakeNumberTest<std::less<>>(type, words, error);
}
PredicatePtr MakeLessEqual(FieldType type, Words words, OperandError& error) {
  return MakeNumberTest<std::less_equal<>>(type, words, error);
}
PredicatePtr MakeGreater(FieldType type, Words words, OperandError& error) {
  return MakeNumberTest<std::greater<>>(type, words, error);
}
PredicatePtr MakeGreaterEqual(FieldType type, Words words, OperandError& error) {
  return MakeNumberTest<std::greater_equal<>>(type, words, error);
}

}  // namespace nsw::rule
