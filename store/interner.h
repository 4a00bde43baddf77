// SPDX-License-Identifier: Apache-2.0
// Gives containers and programs their rows: what many events have in common is written once.
// Called by HistoryFile, on the writer's thread, inside its transactions.
//
// What it remembers of the file is a cache: when that is dropped (it grew large, an hour went by, a
// transaction was rolled back) rows are written again under new ids. That costs some bytes and buys
// that old rows can be deleted by id, without asking who still needs them (see `epochs`).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "store/batch.h"
#include "store/sql.h"

namespace nsw::store {

class Interner {
 public:
  /// `first_id`: the first id that is free.
  static Result<Interner> Open(Database& database, int64_t first_id);

  Result<int64_t> Container(uint64_t home, const RowTexts& texts);
  Result<int64_t> Program(const RowTexts& texts, uint32_t uid, uint32_t gid);
  /// Fills in what was not known when the container's first events were written.
  Status NameContainer(uint64_t home, const RowTexts& texts);

  void Forget();
  [[nodiscard]] int64_t next_id() const { return next_id_; }
  /// Memory of the cache.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Known {
    int64_t id = 0;
    bool named = false;
    std::string key;
  };
  void MakeKey(const RowTexts& texts, size_t begin, size_t end);

  Statement add_container_, name_container_, add_program_;
  int64_t next_id_ = 1;
  size_t bytes_ = 0;
  std::string key_;
  std::unordered_map<uint64_t, Known> containers_;  // by home
  std::unordered_map<std::string, int64_t> programs_;
};

}  // namespace nsw::store
