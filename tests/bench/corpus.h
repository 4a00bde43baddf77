// SPDX-License-Identifier: Apache-2.0
// Corpus: records as the kernel wrote them, in their order. A file of them is each record's length
// as 8 bytes, then the record, padded to 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/base/result.h"

namespace nsw::bench {

using Record = std::span<const std::byte>;

class Corpus {
 public:
  static Result<Corpus> Read(const std::filesystem::path& path);

  void Append(Record record);
  [[nodiscard]] Status Write(const std::filesystem::path& path) const;

  [[nodiscard]] size_t size() const { return records_; }
  [[nodiscard]] size_t bytes() const { return words_.size() * sizeof(uint64_t); }

  /// Each record, aligned to 8 as decoding wants it.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t at = 0; at < words_.size();) {
      const size_t size = words_[at++];
      visit(Record(reinterpret_cast<const std::byte*>(words_.data() + at), size));
      at += Words(size);
    }
  }

 private:
  static size_t Words(size_t bytes) { return (bytes + 7) / 8; }

  std::vector<uint64_t> words_;
  size_t records_ = 0;
};

}  // namespace nsw::bench
