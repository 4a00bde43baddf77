// SPDX-License-Identifier: Apache-2.0
// HeldRecords: records of containers whose metadata is on its way, kept in their order until it is
// there. Bounded: what finds no room is judged at once with what is known. Used by the pipeline's
// thread alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace nsw {

class HeldRecords {
 public:
  explicit HeldRecords(size_t limit_bytes = 8U << 20) : limit_(limit_bytes) {}

  /// False: there is no room.
  [[nodiscard]] bool Hold(uint64_t home, std::span<const std::byte> record);

  /// Hands over the records of one home in their order and forgets them.
  template <typename Handler>
  void Release(uint64_t home, Handler handle) {
    auto node = held_.extract(home);
    if (node.empty()) return;
    const std::vector<uint64_t>& words = node.mapped();
    used_ -= words.size() * sizeof(uint64_t);
    for (size_t at = 0; at < words.size();) {
      const size_t bytes = words[at++];
      records_--;
      handle(std::span(reinterpret_cast<const std::byte*>(words.data() + at), bytes));
      at += Words(bytes);
    }
  }

  [[nodiscard]] size_t bytes() const { return used_; }
  [[nodiscard]] size_t records() const { return records_; }

 private:
  static size_t Words(size_t bytes) { return (bytes + 7) / 8; }

  size_t limit_;
  size_t used_ = 0;
  size_t records_ = 0;
  // Each record is its length, then its bytes, aligned to 8 as decoding wants them.
  std::unordered_map<uint64_t, std::vector<uint64_t>> held_;
};

}  // namespace nsw
