// SPDX-License-Identifier: Apache-2.0
#include "engine/event/enumeration.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace nsw::event {
namespace {

// Text that is put together in a room of fixed size; what does not fit is left out.
class Writer {
 public:
  explicit Writer(std::span<char> room) : room_(room) {}

  void Add(std::string_view name) {
    const size_t separator = used_ == 0 ? 0 : 1;
    if (used_ + separator + name.size() > room_.size()) return;
    if (separator != 0) room_[used_++] = '|';
    std::memcpy(room_.data() + used_, name.data(), name.size());
    used_ += name.size();
  }
  void AddHex(uint64_t bits) {
    char text[24] = {'0', 'x'};
    const auto end = std::to_chars(text + 2, text + sizeof text, bits, 16).ptr;
    Add({text, static_cast<size_t>(end - text)});
  }
  [[nodiscard]] std::string_view text() const { return {room_.data(), used_}; }

 private:
  std::span<char> room_;
  size_t used_ = 0;
};

std::string_view Decimal(int64_t number, std::span<char> room) {
  const auto end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
  return {room.data(), static_cast<size_t>(end - room.data())};
}

std::string_view Exact(const Enumeration& names, int64_t number, std::span<char> room) {
  const auto found =
      std::ranges::find(names.values, static_cast<uint64_t>(number), &NamedValue::value);
  return found == names.values.end() ? Decimal(number, room) : found->name;
}

std::string_view Joined(const Enumeration& names, uint64_t number, std::span<char> room) {
  Writer out(room);
  uint64_t rest = number;
  for (const NamedValue& one : names.values) {
    // A name of several bits stands before those of its single bits, and takes them.
    const bool holds = one.value == 0 ? (number & one.mask) == 0 : (rest & one.mask) == one.value;
    if (!holds) continue;
    out.Add(one.name);
    rest &= ~one.mask;
  }
  if (rest != 0) out.AddHex(rest);
  return out.text().empty() ? "0" : out.text();
}

}  // namespace

std::string_view NameOf(const Enumeration* names, int64_t number, std::span<char> room) {
  if (names == nullptr) return Decimal(number, room);
  return names->flags ? Joined(*names, static_cast<uint64_t>(number), room)
                      : Exact(*names, number, room);
}

namespace {

std::optional<uint64_t> NumberOfOne(const Enumeration& names, std::string_view word) {
  const auto found = std::ranges::find(names.values, word, &NamedValue::name);
  if (found != names.values.end()) return found->value;
  const bool hex = word.starts_with("0x");
  if (hex) word.remove_prefix(2);
  const bool negative = !hex && word.starts_with('-');
  if (negative) word.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), number, hex ? 16 : 10);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return negative ? 0 - number : number;
}

}  // namespace

std::optional<int64_t> NumberOf(const Enumeration& names, std::string_view text) {
  uint64_t number = 0;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = names.flags ? std::min(text.find('|', begin), text.size()) : text.size();
    const auto one = NumberOfOne(names, text.substr(begin, end - begin));
    if (!one) return std::nullopt;
    number |= *one;
    begin = end + 1;
  }
  return static_cast<int64_t>(number);
}

bool HasName(const Enumeration& names, std::string_view word) {
  while (names.flags && word.find('|') != std::string_view::npos) {
    if (!HasName(names, word.substr(0, word.find('|')))) return false;
    word.remove_prefix(word.find('|') + 1);
  }
  return std::ranges::find(names.values, word, &NamedValue::name) != names.values.end();
}

bool HasPart(const Enumeration& names, std::string_view part, bool folded) {
  while (names.flags && part.find('|') != std::string_view::npos) {
    if (!HasPart(names, part.substr(0, part.find('|')), folded)) return false;
    part.remove_prefix(part.find('|') + 1);
  }
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
  const auto same = [&](char a, char b) { return a == b || (folded && lower(a) == lower(b)); };
  // Bits without a name, and numbers without one.
  if (part.find_first_not_of("-0123456789abcdefx") == std::string_view::npos) return true;
  return std::ranges::any_of(names.values, [&](const NamedValue& one) {
    return !std::ranges::search(one.name, part, same).empty();
  });
}

}  // namespace nsw::event
