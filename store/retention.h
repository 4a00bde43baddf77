// SPDX-License-Identifier: Apache-2.0
// Retention: deletes the oldest rows, by age and by the file's size, a little at a time, so that
// writing never waits for it. Called on the writer's thread after batches and when idle.
#pragma once

#include <cstdint>

#include "store/sql.h"

namespace nsw::store {

struct RetentionLimits {
  uint64_t age_ns;
  uint64_t max_bytes;
};

struct RetentionStep {
  int64_t deleted_to = 0;  ///< events up to that id are gone; 0: none were deleted
  bool more = false;       ///< there may be more to delete
};

/// One step, in a transaction of its own: at most `rows` rows of each table.
Result<RetentionStep> ApplyRetention(Database& database, const RetentionLimits& limits,
                                     uint64_t now_ns, int64_t rows);

}  // namespace nsw::store
