// SPDX-License-Identifier: Apache-2.0
// libFuzzer's way into the decoder: decode_fuzz [CORPUS] (built with clang only).
#include "tests/fuzz/decode_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The size field is the one check that random bytes never pass: it is made right. Exact bounds,
  // so that the sanitizer sees what is read behind them.
  std::vector<std::byte> record(size);
  if (size != 0) std::memcpy(record.data(), data, size);
  const auto bytes = static_cast<uint32_t>(size);
  if (size >= sizeof bytes) std::memcpy(record.data(), &bytes, sizeof bytes);
  nsw::fuzz::DecodeAndAsk(record);
  return 0;
}
