// SPDX-License-Identifier: Apache-2.0
// Capturing: containers of namespaces alone act on this host, and what the kernel's programs say of
// it becomes a corpus.
#pragma once

#include <cstddef>

#include "tests/bench/corpus.h"

namespace nsw::bench {

/// At least `events` records from `containers` containers. Needs root. Errors: the kernel refuses
/// the programs, the containers cannot be made, records were lost.
Result<Corpus> Capture(size_t containers, size_t events);

}  // namespace nsw::bench
