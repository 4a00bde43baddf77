// SPDX-License-Identifier: Apache-2.0
// kSlowness: by how much a test that measures time must be patient. A busy machine and sanitizers
// are slow; what hangs for ever still fails.
#pragma once

namespace nsw::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kSlowness = 10;
#else
constexpr int kSlowness = 3;
#endif

}  // namespace nsw::test
