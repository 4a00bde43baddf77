// SPDX-License-Identifier: Apache-2.0
// The history's file as the writer's thread has it: takes batches, one transaction each, and sees
// to retention. Only that thread calls it, after Open.
//
// Failure: a batch is written whole or not at all; the caller tries again. A damaged file is moved
// aside and one that was removed is made anew by Reopen.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "store/batch.h"
#include "store/event_insert.h"
#include "store/history.h"
#include "store/interner.h"
#include "store/schema.h"
#include "store/sql.h"

namespace nsw::store {

struct LastIds {
  int64_t event = 0;
  int64_t alert = 0;
  int64_t operation = 0;
};

/// What became of a batch that was written.
struct Applied {
  /// By event type: `stored`, repetitions included; `lost_error`: repetitions of a row that is not
  /// there (its own batch was lost).
  CountsByType events;
  uint64_t rows = 0;
  uint64_t alerts = 0;
};

class HistoryFile {
 public:
  static Result<std::unique_ptr<HistoryFile>> Open(const WriterOptions& options);

  Result<Applied> Apply(const Batch& batch);

  /// Whether the last Apply failed on a file that must be begun anew.
  [[nodiscard]] bool damaged() const { return damaged_; }
  /// Whether the path still leads to this file.
  [[nodiscard]] bool IsThere() const;
  /// Closes and opens again; as OpenForWriting.
  Status Reopen();

  /// What the table `told` says, by counter.
  Result<std::map<std::string, Told>> ReadTold();

  /// Retention, in small steps, if it is due.
  Status Tidy(uint64_t now_ns);
  /// Rows up to this id were deleted by retention.
  [[nodiscard]] int64_t deleted_to() const { return deleted_to_; }
  /// The greatest ids in the file.
  [[nodiscard]] const LastIds& last_ids() const { return last_; }

 private:
  explicit HistoryFile(const WriterOptions& options) : options_(options) {}
  Status Load();
  Status PrepareAll();
  Status Write(const Batch& batch, Applied& applied);
  Status WriteNames(const Batch& batch);
  Status WriteEpoch();
  Status WriteRow(const Batch& batch, const NewRow& row, Applied& applied);
  Status WriteEvent(const Batch& batch, const NewRow& row, const event::Event& event);
  Status WriteAlert(const NewAlert& alert, const event::Event& event);
  Status WriteCounts(const Batch& batch, Applied& applied);
  Status WriteOperations(const Batch& batch);
  Status WriteTold(const Operation& operation);
  Status WriteClock();
  void NoteDrift(int64_t id, uint64_t time_ns);
  Status FindActor(const NewRow& row, const event::Event& event);

  WriterOptions options_;
  OpenFile file_;
  std::unique_ptr<Interner> interner_;
  EventInsert add_event_;
  Statement add_count_, add_alert_, add_operation_, add_rule_, add_epoch_, set_told_, set_clock_;
  LastIds last_;       // committed
  LastIds next_last_;  // of the batch at hand
  int64_t deleted_to_ = 0;
  bool damaged_ = false;
  bool epoch_due_ = true;
  bool names_due_ = false;
  bool clock_due_ = false;
  int64_t drift_ns_ = 0;  // as in table `clock`
  uint64_t epoch_ns_ = 0;
  uint64_t tidied_ns_ = 0;
  uint64_t rows_since_tidy_ = 0;
  std::map<uint32_t, RuleName> names_;
  event::Event event_;  // reused for decoding
  // Of the row at hand.
  int64_t container_ = 0, program_ = 0;
};

}  // namespace nsw::store
