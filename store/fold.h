// SPDX-License-Identifier: Apache-2.0
// The fold table: which row of the history an act belongs to, by what the act is and who did it.
// Pipeline's thread alone. A look-up that hits allocates nothing.
//
// It is a cache of fixed size, in sets of eight: what was not used longest makes room. A row that
// is dropped from it is closed, and the next such act begins a new one; nothing is lost by it,
// since counts are never kept here. Keys are hashed with a secret seed and compared in full.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/alert/alert.h"
#include "engine/event/event.h"

namespace nsw::store {

/// The bytes that two acts must share to be one row, and their hash. Reused from act to act.
class FoldKey {
 public:
  FoldKey();
  void Make(const event::Event& event, alert::Verdict verdict, const rule::RuleInfo* rule);
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] uint64_t hash() const { return hash_; }

 private:
  void Add(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  void AddText(std::string_view text);

  uint64_t seed_;
  uint64_t hash_ = 0;
  std::string bytes_;
};

class FoldTable {
 public:
  struct Slot {
    int64_t row = 0;        ///< 0: none
    uint64_t first_ns = 0;  ///< of the row
    uint64_t batch = 0;     ///< which batch has a count of the row, and where
    uint32_t count_at = 0;

   private:
    friend class FoldTable;
    uint64_t hash_ = 0;
    uint64_t used_ = 0;
    std::string key_;
  };

  explicit FoldTable(size_t rows);
  /// The slot of that key (its hash and its bytes); null if there is none.
  Slot* Find(uint64_t hash, std::string_view key);
  /// A slot for a new row of that key. Null when the key is long and the memory for such is used
  /// up: the act is then a row of its own.
  Slot* Claim(uint64_t hash, std::string_view key);
  /// Bytes of all keys.
  [[nodiscard]] size_t key_bytes() const { return key_bytes_; }

 private:
  static constexpr size_t kWays = 8;
  static constexpr size_t kUsualKey = 512;  // longer ones share a budget

  Slot* Set(uint64_t hash) { return &slots_[(hash & mask_) * kWays]; }

  std::vector<Slot> slots_;
  uint64_t mask_;
  uint64_t clock_ = 0;
  size_t key_bytes_ = 0;
  size_t key_budget_;
};

}  // namespace nsw::store
