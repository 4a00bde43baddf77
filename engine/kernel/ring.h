// SPDX-License-Identifier: Apache-2.0
// Ring: the consumer's side of one BPF ring buffer, mapped into memory. libbpf's own consumer calls
// back for each record as it takes it; merging three rings by time wants to look at a head without
// taking it.
//
// One thread. The bytes of a head stay valid until Pop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/result.h"

namespace nsw::kernel {

/// The two positions and the data of a ring, wherever they lie: BPF's memory, or a test's.
struct RingMemory {
  unsigned long* consumer = nullptr;        ///< bytes taken so far
  const unsigned long* producer = nullptr;  ///< bytes reserved so far
  const std::byte* data = nullptr;          ///< mapped twice in a row, so that no record wraps
  uint32_t size = 0;                        ///< bytes, a power of two
};

class Ring {
 public:
  static Result<Ring> Map(int fd, uint32_t size);
  explicit Ring(const RingMemory& memory) : memory_(memory) {}
  Ring(Ring&& other) noexcept;
  Ring& operator=(Ring&&) = delete;
  Ring(const Ring&) = delete;
  ~Ring();

  /// The oldest record, if it is complete; `nullopt` for none, or one that is still being written.
  std::optional<std::span<const std::byte>> Head();
  /// Takes the head that Head() gave.
  void Pop();

 private:
  RingMemory memory_;
  void* consumer_page_ = nullptr;
  void* producer_pages_ = nullptr;
  size_t producer_bytes_ = 0;
};

}  // namespace nsw::kernel
