// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace nsw::kernel {
namespace {

template <typename T>
T Acquire(const T* from) {
  return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

constexpr uint32_t kLengthMask = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

unsigned long Step(uint32_t length) {
  return (static_cast<unsigned long>(length) + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
}

}  // namespace

Result<Ring> Ring::Map(int fd, uint32_t size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer == MAP_FAILED) return FailErrno("mapping a ring buffer", errno);
  const size_t bytes = page + 2 * static_cast<size_t>(size);
  void* producer = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page));
  if (producer == MAP_FAILED) {
    const int code = errno;
    munmap(consumer, page);
    return FailErrno("mapping the data of a ring buffer", code);
  }
  Ring ring({static_cast<unsigned long*>(consumer), static_cast<const unsigned long*>(producer),
             static_cast<const std::byte*>(producer) + page, size});
  ring.consumer_page_ = consumer;
  ring.producer_pages_ = producer;
  ring.producer_bytes_ = bytes;
  return ring;
}

Ring::Ring(Ring&& other) noexcept
    : memory_(other.memory_),
      consumer_page_(std::exchange(other.consumer_page_, nullptr)),
      producer_pages_(std::exchange(other.producer_pages_, nullptr)),
      producer_bytes_(other.producer_bytes_) {}

Ring::~Ring() {
  if (consumer_page_ != nullptr) munmap(consumer_page_, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  if (producer_pages_ != nullptr) munmap(producer_pages_, producer_bytes_);
}

std::optional<std::span<const std::byte>> Ring::Head() {
  for (;;) {
    const unsigned long at = *memory_.consumer;
    if (at >= Acquire(memory_.producer)) return std::nullopt;
    const std::byte* head = memory_.data + (at & (memory_.size - 1));
    const uint32_t word = Acquire(reinterpret_cast<const uint32_t*>(head));
    if ((word & BPF_RINGBUF_BUSY_BIT) != 0) return std::nullopt;
    const uint32_t length = word & kLengthMask;
    if ((word & BPF_RINGBUF_DISCARD_BIT) == 0) return std::span(head + BPF_RINGBUF_HDR_SZ, length);
    __atomic_store_n(memory_.consumer, at + Step(length), __ATOMIC_RELEASE);
  }
}

void Ring::Pop() {
  const unsigned long at = *memory_.consumer;
  const std::byte* head = memory_.data + (at & (memory_.size - 1));
  const uint32_t length = Acquire(reinterpret_cast<const uint32_t*>(head)) & kLengthMask;
  // Sequentially consistent: the kernel wakes us only for a record at which we have arrived, so it
  // must see this before we look for the next one.
  __atomic_store_n(memory_.consumer, at + Step(length), __ATOMIC_SEQ_CST);
}

}  // namespace nsw::kernel
