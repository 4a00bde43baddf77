// SPDX-License-Identifier: Apache-2.0
#include "engine/held_records.h"

#include <cstring>

namespace nsw {

bool HeldRecords::Hold(uint64_t home, std::span<const std::byte> record) {
  const size_t words = 1 + Words(record.size());
  if (used_ + words * sizeof(uint64_t) > limit_) return false;
  std::vector<uint64_t>& list = held_[home];
  const size_t at = list.size();
  list.resize(at + words);
  list[at] = record.size();
  std::memcpy(list.data() + at + 1, record.data(), record.size());
  used_ += words * sizeof(uint64_t);
  records_++;
  return true;
}

}  // namespace nsw
