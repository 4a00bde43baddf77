// SPDX-License-Identifier: Apache-2.0
// StringSet: is this text one of those? One hash look-up at most, none where no member has that
// length and that last byte.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace nsw::rule {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class StringSet {
 public:
  void Insert(std::string text) {
    lengths_ |= LengthBit(text);
    ends_ |= EndBit(text);
    texts_.insert(std::move(text));
  }
  void Insert(const StringSet& others) {
    for (const std::string& text : others.texts_) Insert(text);
  }
  [[nodiscard]] bool Contains(std::string_view text) const {
    return (lengths_ & LengthBit(text)) != 0 && (ends_ & EndBit(text)) != 0 &&
           texts_.find(text) != texts_.end();
  }
  [[nodiscard]] bool empty() const { return texts_.empty(); }

  static uint64_t ByteBit(char byte) { return 1ULL << (static_cast<unsigned char>(byte) & 63); }

 private:
  static uint64_t LengthBit(std::string_view text) {
    return 1ULL << std::min<size_t>(text.size(), 63);
  }
  static uint64_t EndBit(std::string_view text) { return text.empty() ? 1 : ByteBit(text.back()); }

  uint64_t lengths_ = 0;  // bit n: some member has n bytes (63: 63 or more)
  uint64_t ends_ = 0;     // bit n: some member ends in a byte whose low six bits are n
  std::unordered_set<std::string, TextHash, std::equal_to<>> texts_;
};

}  // namespace nsw::rule
