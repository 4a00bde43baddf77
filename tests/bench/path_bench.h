// SPDX-License-Identifier: Apache-2.0
// Benchmarks of the hot path over a corpus, and the proof that it matches what it should.
#pragma once

#include <filesystem>

#include "tests/bench/corpus.h"

namespace nsw::bench {

/// Compares the matches of every event with those of the naive evaluator and prints what the corpus
/// holds. Errors: they differ, or too little of the corpus matches to say anything.
[[nodiscard]] Status Verify(const Corpus& corpus, const std::filesystem::path& policies);

/// Registers Decode, DecodeBind and DecodeBindMatch. Both arguments must outlive the run.
void RegisterPath(const Corpus& corpus, const std::filesystem::path& policies);

/// Registers the history's insertion. Files are made in `folder`.
void RegisterHistory(const std::filesystem::path& folder);

}  // namespace nsw::bench
