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

bool HasName(const Enumeration& names, std::string_view word) {
  while (names.flags && word.find('|') != std::string_view::npos) {
    if (!HasName(names, word.substr(0, word.find('|')))) return false;
    word.remove_prefix(word.find('|') + 1);
  }
  return std::ranges::find(names.values, word, &NamedValue::name) != names.values.end();
}

}  // namespace nsw::event
