// SPDX-License-Identifier: Apache-2.0
// RingSource hands over the records of all rings as one stream in the order of time. Used by
// Kernel::Poll; one thread, but for Wake.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"
#include "engine/kernel/ring.h"

namespace nsw::kernel {

/// Merges rings by the time of their records.
///
/// The acts of one process come in their order, whichever rings they are in: once a record is seen,
/// all that its process did before is visible too. So after the oldest head is found, the rings
/// that were empty are looked at once more, and only then is it handed over.
class RingMerger {
 public:
  using Handler = std::function<void(std::span<const std::byte>)>;

  explicit RingMerger(std::vector<Ring> rings) : rings_(std::move(rings)) {}

  /// Hands over what is there, at most `limit` records. Returns how many.
  size_t Drain(size_t limit, const Handler& handler);
  /// Records that were no records: shorter than a header, or of another length than they say.
  [[nodiscard]] uint64_t malformed() const { return malformed_; }

 private:
  [[nodiscard]] std::optional<size_t> Oldest();

  std::vector<Ring> rings_;
  uint64_t malformed_ = 0;
};

class RingSource {
 public:
  struct Map {
    int fd;
    uint32_t size;
  };

  static Result<RingSource> Open(const std::vector<Map>& maps);

  /// Waits at most `timeout_ms` (-1: for ever) for records and hands over those that are there.
  size_t Poll(int timeout_ms, const RingMerger::Handler& handler);
  /// Ends a Poll that waits; from any thread, also from a signal handler.
  void Wake() const;
  [[nodiscard]] uint64_t malformed() const { return merger_.malformed(); }

 private:
  RingSource(RingMerger merger, UniqueFd epoll, UniqueFd wake)
      : merger_(std::move(merger)), epoll_(std::move(epoll)), wake_(std::move(wake)) {}

  RingMerger merger_;
  UniqueFd epoll_;
  UniqueFd wake_;
};

}  // namespace nsw::kernel
