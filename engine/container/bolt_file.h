// SPDX-License-Identifier: Apache-2.0
// BoltFile: looks up values in a bbolt database, the format in which podman before 5 keeps what it
// knows of its containers. Reads a copy of the file, which may be torn (podman writes meanwhile) or
// hostile: whatever is not in order is not there.
//
// A tree of pages. The file begins with two meta pages, of which the one with the higher
// transaction holds; it names the page of the root bucket. Branch pages lead to leaf pages by key;
// a leaf's value may be a bucket in its turn: the number of its page, or, if small, the page
// itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nsw::container {

class BoltFile {
 public:
  /// `bytes` must outlive it.
  explicit BoltFile(std::string_view bytes);

  /// The value at the end of a way of buckets: {"ctr", ID, "config"}.
  [[nodiscard]] std::optional<std::string_view> Find(std::span<const std::string_view> way) const;

 private:
  struct Item {
    std::string_view value;
    bool is_bucket = false;
  };
  template <typename T>
  [[nodiscard]] bool Get(uint64_t at, T& value) const;
  [[nodiscard]] std::string_view Slice(uint64_t at, uint64_t size) const;
  void TakeMeta(uint64_t page);
  [[nodiscard]] std::optional<uint64_t> Below(const Item& bucket) const;
  [[nodiscard]] std::optional<Item> Search(uint64_t page, std::string_view key) const;
  [[nodiscard]] std::optional<Item> SearchLeaf(uint64_t page, std::string_view key) const;
  [[nodiscard]] std::optional<uint64_t> SearchBranch(uint64_t page, std::string_view key) const;

  std::string_view bytes_;
  uint32_t page_size_ = 0;  // 0: no such file
  uint64_t root_ = 0;
  uint64_t transaction_ = 0;
};

}  // namespace nsw::container
