// SPDX-License-Identifier: Apache-2.0
// Valid records with random damage: whatever decodes must also be safe to ask for every field. The
// seed is fixed; AddressSanitizer watches the bounds. tests/fuzz has the same for libFuzzer.
#include <gtest/gtest.h>

#include <random>

#include "tests/fuzz/decode_fuzz.h"
#include "tests/support/record_builder.h"

namespace nsw::event {
namespace {

using test::Bytes;

std::vector<Bytes> Seeds() {
  return {test::HomeRecord().Home(7).Build(),
          test::ForkRecord(200, 42).Build(),
          test::ExecRecord("/usr/bin/dash", {"sh", "-c", "id"}).Build(),
          test::ExitRecord().Build(),
          test::OpenRecord("/etc/passwd").Build(),
          test::ConnectRecord().Text(&nsw_event_connect::path, "/run/docker.sock").Build()};
}

class Mutator {
 public:
  void Damage(Bytes& bytes) {
    switch (Below(4)) {
      case 0:  // a byte anywhere
        if (!bytes.empty()) bytes[Below(bytes.size())] = static_cast<std::byte>(Below(256));
        break;
      case 1:  // a 16-bit word of the texts' bounds, with values near the limits
        if (bytes.size() > sizeof(nsw_header) + 2) Word(bytes);
        break;
      case 2:
        bytes.resize(Below(bytes.size() + 1));
        break;
      default:
        bytes.resize(bytes.size() + Below(64), std::byte{0x2f});
        break;
    }
  }
  // Nearly always the size is right, or nothing behind it would be tried.
  void Mend(Bytes& bytes) {
    const auto size = static_cast<__u32>(bytes.size());
    if (bytes.size() >= sizeof size && Below(16) != 0)
      std::memcpy(bytes.data(), &size, sizeof size);
  }
  size_t Below(size_t limit) { return random_() % limit; }

 private:
  void Word(Bytes& bytes) {
    const uint16_t size = static_cast<uint16_t>(bytes.size());
    const uint16_t values[] = {0,
                               1,
                               size,
                               static_cast<uint16_t>(size - 1),
                               NSW_TEXT_MAX,
                               NSW_TEXT_MAX + 1,
                               0xffff,
                               sizeof(nsw_header)};
    const uint16_t value = values[Below(std::size(values))];
    const size_t at = sizeof(nsw_header) + Below((bytes.size() - sizeof(nsw_header)) / 2) * 2;
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
  std::mt19937 random_{20260131};
};

TEST(DecodeMutation, DamagedRecordsAreRefusedOrSafe) {
  constexpr int kRounds = 200'000;
  const std::vector<Bytes> seeds = Seeds();
  Mutator mutator;
  int decoded = 0;
  for (int i = 0; i < kRounds; i++) {
    Bytes bytes = seeds[mutator.Below(seeds.size())];
    for (size_t n = 1 + mutator.Below(4); n > 0; n--) mutator.Damage(bytes);
    mutator.Mend(bytes);
    bytes.shrink_to_fit();
    decoded += fuzz::DecodeAndAsk(bytes);
  }
  EXPECT_GT(decoded, kRounds / 20) << "the damage is too great to try anything behind the size";
  EXPECT_LT(decoded, kRounds) << "nothing was refused";
}

}  // namespace
}  // namespace nsw::event
