// SPDX-License-Identifier: Apache-2.0
#include "engine/container/bolt_file.h"

#include <bit>
#include <cstring>

namespace nsw::container {
namespace {

static_assert(std::endian::native == std::endian::little, "the file has its writer's order");

constexpr uint32_t kMagic = 0xED0CDAED;
constexpr uint32_t kVersion = 2;
constexpr uint64_t kPageHeader = 16;  // number, flags, count, overflow
constexpr uint64_t kElement = 16;     // of a branch and of a leaf
constexpr uint64_t kBucketHeader = 16;
constexpr uint64_t kMetaSummed = 56;  // bytes before the checksum
constexpr uint16_t kBranch = 1;
constexpr uint16_t kLeaf = 2;
constexpr uint32_t kIsBucket = 1;
constexpr int kDepthMax = 32;

uint64_t Fnv64a(std::string_view bytes) {
  uint64_t sum = 0xcbf29ce484222325;
  for (const char c : bytes) sum = (sum ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return sum;
}

}  // namespace

BoltFile::BoltFile(std::string_view bytes) : bytes_(bytes) {
  uint32_t page_size = 0;
  if (!Get(kPageHeader + 8, page_size) || page_size < 512 || page_size > (1U << 20)) return;
  page_size_ = page_size;
  TakeMeta(0);
  TakeMeta(page_size_);
}

template <typename T>
bool BoltFile::Get(uint64_t at, T& value) const {
  const std::string_view slice = Slice(at, sizeof value);
  if (slice.empty()) return false;
  std::memcpy(&value, slice.data(), sizeof value);
  return true;
}

std::string_view BoltFile::Slice(uint64_t at, uint64_t size) const {
  if (at > bytes_.size() || size > bytes_.size() - at) return {};
  return bytes_.substr(at, size);
}

void BoltFile::TakeMeta(uint64_t page) {
  const uint64_t at = page + kPageHeader;
  uint32_t magic = 0;
  uint32_t version = 0;
  uint64_t root = 0;
  uint64_t transaction = 0;
  uint64_t sum = 0;
  const bool whole = Get(at, magic) && Get(at + 4, version) && Get(at + 16, root) &&
                     Get(at + 48, transaction) && Get(at + kMetaSummed, sum);
  if (!whole || magic != kMagic || version != kVersion) return;
  if (sum != Fnv64a(Slice(at, kMetaSummed)) || transaction < transaction_) return;
  root_ = root;
  transaction_ = transaction;
}

std::optional<std::string_view> BoltFile::Find(std::span<const std::string_view> way) const {
  if (page_size_ == 0 || root_ == 0 || root_ > bytes_.size() / page_size_) return std::nullopt;
  std::optional<uint64_t> page = root_ * page_size_;
  for (size_t i = 0; page && i < way.size(); i++) {
    const std::optional<Item> item = Search(*page, way[i]);
    const bool last = i + 1 == way.size();
    if (!item || item->is_bucket == last) return std::nullopt;
    if (last) return item->value;
    page = Below(*item);
  }
  return std::nullopt;
}

std::optional<uint64_t> BoltFile::Below(const Item& bucket) const {
  const auto at = static_cast<uint64_t>(bucket.value.data() - bytes_.data());
  uint64_t root = 0;
  if (bucket.value.size() < kBucketHeader || !Get(at, root)) return std::nullopt;
  if (root == 0) return at + kBucketHeader;
  if (root > bytes_.size() / page_size_) return std::nullopt;
  return root * page_size_;
}

std::optional<BoltFile::Item> BoltFile::Search(uint64_t page, std::string_view key) const {
  for (int depth = 0; depth < kDepthMax; depth++) {
    uint16_t flags = 0;
    if (!Get(page + 8, flags)) return std::nullopt;
    if (flags == kLeaf) return SearchLeaf(page, key);
    const auto next = flags == kBranch ? SearchBranch(page, key) : std::nullopt;
    if (!next || *next > bytes_.size() / page_size_) return std::nullopt;
    page = *next * page_size_;
  }
  return std::nullopt;
}

std::optional<BoltFile::Item> BoltFile::SearchLeaf(uint64_t page, std::string_view key) const {
  uint16_t count = 0;
  (void)Get(page + 10, count);
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t at = page + kPageHeader + i * kElement;
    uint32_t flags = 0;
    uint32_t offset = 0;
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    if (!Get(at, flags) || !Get(at + 4, offset) || !Get(at + 8, key_size) ||
        !Get(at + 12, value_size)) {
      return std::nullopt;
    }
    if (key_size != key.size() || Slice(at + offset, key_size) != key) continue;
    return Item{Slice(at + offset + key_size, value_size), flags == kIsBucket};
  }
  return std::nullopt;
}

// The last page whose first key is not above the one that is looked for.
std::optional<uint64_t> BoltFile::SearchBranch(uint64_t page, std::string_view key) const {
  uint16_t count = 0;
  (void)Get(page + 10, count);
  std::optional<uint64_t> below;
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t at = page + kPageHeader + i * kElement;
    uint32_t offset = 0;
    uint32_t key_size = 0;
    uint64_t number = 0;
    if (!Get(at, offset) || !Get(at + 4, key_size) || !Get(at + 8, number)) return std::nullopt;
    if (i > 0 && Slice(at + offset, key_size) > key) break;
    below = number;
  }
  return below;
}

}  // namespace nsw::container
