// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/ring_source.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstring>
#include <memory>
#include <vector>

#include "bpf/abi.h"

namespace nsw::kernel {
namespace {

/// A ring in plain memory, written as the kernel writes it.
class FakeRing {
 public:
  static constexpr uint32_t kSize = 4096;

  RingMemory memory() { return {&consumer_, &producer_, bytes_.data(), kSize}; }

  void Add(uint64_t time, uint32_t pid, uint32_t bits = 0) {
    nsw_header header{};
    header.size = sizeof header;
    header.type = NSW_EVENT_EXIT;
    header.time_ns = time;
    header.pid = pid;
    AddRaw(&header, sizeof header, bits);
  }

  void AddRaw(const void* data, uint32_t length, uint32_t bits = 0) {
    const uint32_t word = length | bits;
    Put(producer_, &word, sizeof word);
    Put(producer_ + BPF_RINGBUF_HDR_SZ, data, length);
    last_ = producer_;
    producer_ += (BPF_RINGBUF_HDR_SZ + length + 7) & ~7UL;
  }

  void CommitLast(uint32_t length) { Put(last_, &length, sizeof length); }
  [[nodiscard]] bool drained() const { return consumer_ == producer_; }

 private:
  /// Both halves of the double mapping.
  void Put(unsigned long at, const void* from, size_t length) {
    for (size_t i = 0; i < length; ++i) {
      const std::byte value = static_cast<const std::byte*>(from)[i];
      bytes_[(at + i) % kSize] = value;
      bytes_[(at + i) % kSize + kSize] = value;
    }
  }

  unsigned long consumer_ = 0;
  unsigned long producer_ = 0;
  unsigned long last_ = 0;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(2UL * kSize);
};

class RingMergerTest : public ::testing::Test {
 protected:
  RingMergerTest() : merger_(Rings()) {}

  std::vector<Ring> Rings() {
    std::vector<Ring> rings;
    rings.emplace_back(files_.memory());
    rings.emplace_back(events_.memory());
    return rings;
  }

  std::vector<uint64_t> Drain(const std::function<void()>& during = nullptr, size_t limit = 100) {
    std::vector<uint64_t> times;
    merger_.Drain(limit, [&](std::span<const std::byte> record) {
      nsw_header header;
      std::memcpy(&header, record.data(), sizeof header);
      times.push_back(header.time_ns);
      if (during) during();
    });
    return times;
  }

  FakeRing files_;
  FakeRing events_;
  RingMerger merger_;
};

using Times = std::vector<uint64_t>;

TEST_F(RingMergerTest, MergesByTime) {
  for (uint64_t t : {2, 3, 7}) files_.Add(t, 1);
  for (uint64_t t : {1, 5, 8}) events_.Add(t, 1);
  EXPECT_EQ(Drain(), (Times{1, 2, 3, 5, 7, 8}));
  EXPECT_TRUE(files_.drained());
  EXPECT_TRUE(events_.drained());
}

TEST_F(RingMergerTest, SeesWhatComesWhileItHandsOver) {
  events_.Add(1, 1);
  events_.Add(9, 1);
  bool added = false;
  EXPECT_EQ(Drain([&] {
              if (!added) files_.Add(5, 1);
              added = true;
            }),
            (Times{1, 5, 9}));
}

TEST_F(RingMergerTest, WaitsForARecordThatIsBeingWritten) {
  files_.Add(1, 1, BPF_RINGBUF_BUSY_BIT);
  EXPECT_EQ(Drain(), Times{});
  files_.CommitLast(sizeof(nsw_header));
  EXPECT_EQ(Drain(), Times{1});
}

TEST_F(RingMergerTest, PassesOverWhatWasDiscarded) {
  files_.Add(1, 1, BPF_RINGBUF_DISCARD_BIT);
  files_.Add(2, 1);
  EXPECT_EQ(Drain(), Times{2});
}

TEST_F(RingMergerTest, CountsWhatIsNoRecord) {
  nsw_header lying{};
  lying.size = 4000;
  lying.type = NSW_EVENT_EXIT;
  files_.AddRaw(&lying, sizeof lying);
  files_.AddRaw("short", 5);
  lying.size = sizeof lying;
  lying.type = NSW_EVENT_COUNT;
  files_.AddRaw(&lying, sizeof lying);
  files_.Add(2, 1);
  EXPECT_EQ(Drain(), Times{2});
  EXPECT_EQ(merger_.malformed(), 3U);
}

TEST_F(RingMergerTest, GoesAroundTheEnd) {
  for (uint64_t t = 1; t < 200; ++t) {
    files_.Add(t, 1);
    EXPECT_EQ(Drain(), Times{t});
  }
}

TEST_F(RingMergerTest, StopsAtTheLimit) {
  for (uint64_t t : {1, 2, 3}) files_.Add(t, 1);
  EXPECT_EQ(Drain(nullptr, 2), (Times{1, 2}));
  EXPECT_EQ(Drain(), Times{3});
}

}  // namespace
}  // namespace nsw::kernel
