// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/ring_source.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "bpf/abi.h"

namespace nsw::kernel {
namespace {

/// Records handed over by one Poll, so that a flood does not keep its caller from its other work.
constexpr size_t kPollLimit = 16384;

bool WellFormed(std::span<const std::byte> record) {
  nsw_header header;
  if (record.size() < sizeof header) return false;
  std::memcpy(&header, record.data(), sizeof header);
  return header.size == record.size() && header.type > NSW_EVENT_NONE &&
         header.type < NSW_EVENT_COUNT;
}

/// A malformed record counts as the oldest, to be done with it.
uint64_t TimeOf(std::span<const std::byte> record) {
  uint64_t time = 0;
  if (record.size() < sizeof(nsw_header)) return 0;
  std::memcpy(&time, record.data() + offsetof(nsw_header, time_ns), sizeof time);
  return time;
}

Status Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    return FailErrno("waiting for a ring buffer", errno);
  return {};
}

}  // namespace

std::optional<size_t> RingMerger::Oldest() {
  std::optional<size_t> oldest;
  uint64_t time = std::numeric_limits<uint64_t>::max();
  const auto consider = [&](size_t i) {
    const auto head = rings_[i].Head();
    if (!head) return false;
    const uint64_t its = TimeOf(*head);
    if (!oldest || its < time) {
      oldest = i;
      time = its;
    }
    return true;
  };
  uint32_t empty = 0;
  for (size_t i = 0; i < rings_.size(); ++i) {
    if (!consider(i)) empty |= 1U << i;
  }
  if (!oldest) return oldest;
  for (size_t i = 0; i < rings_.size(); ++i) {
    if ((empty & 1U << i) != 0) consider(i);
  }
  return oldest;
}

size_t RingMerger::Drain(size_t limit, const Handler& handler) {
  size_t handed = 0;
  while (handed < limit) {
    const std::optional<size_t> next = Oldest();
    if (!next) break;
    const auto record = rings_[*next].Head();
    if (record && WellFormed(*record)) {
      handler(*record);
      ++handed;
    } else {
      ++malformed_;
    }
    rings_[*next].Pop();
  }
  return handed;
}

Result<RingSource> RingSource::Open(const std::vector<Map>& maps) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !wake.valid()) return FailErrno("making a poll descriptor", errno);
  if (Status status = Watch(epoll.get(), wake.get()); !status)
    return tl::unexpected(status.error());
  std::vector<Ring> rings;
  rings.reserve(maps.size());
  for (const Map& map : maps) {
    Result<Ring> ring = Ring::Map(map.fd, map.size);
    if (!ring) return tl::unexpected(ring.error());
    rings.push_back(std::move(*ring));
    if (Status status = Watch(epoll.get(), map.fd); !status) return tl::unexpected(status.error());
  }
  return RingSource(RingMerger(std::move(rings)), std::move(epoll), std::move(wake));
}

size_t RingSource::Poll(int timeout_ms, const RingMerger::Handler& handler) {
  if (const size_t handed = merger_.Drain(kPollLimit, handler); handed > 0) return handed;
  epoll_event events[8];
  const int ready = epoll_wait(epoll_.get(), events, 8, timeout_ms);
  for (int i = 0; i < ready; ++i) {
    uint64_t count = 0;
    if (events[i].data.fd == wake_.get() && read(wake_.get(), &count, sizeof count) < 0) continue;
  }
  return merger_.Drain(kPollLimit, handler);
}

void RingSource::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

}  // namespace nsw::kernel
