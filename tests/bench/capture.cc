// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/capture.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "engine/kernel/kernel.h"
#include "tests/bench/crowd.h"

namespace nsw::bench {
namespace {

using kernel::Kernel;

// The containers on all processors but the first, or else on that one: what reads their records
// must keep up with all of them.
void RunOn(bool first) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const long count = first ? 1 : std::max(2L, sysconf(_SC_NPROCESSORS_ONLN));
  for (long i = first ? 0 : 1; i < count; i++) CPU_SET(static_cast<size_t>(i), &set);
  sched_setaffinity(0, sizeof set, &set);
}

uint64_t Lost(const Kernel& kernel) {
  uint64_t lost = 0;
  for (const kernel::Counter& counter : kernel.Counters()) {
    if (counter.kind == NSW_COUNT_RING_FULL) lost += counter.value;
  }
  return lost;
}

}  // namespace

Result<Corpus> Capture(size_t containers, size_t events) {
  Crowd crowd;
  RunOn(false);
  if (Status made = crowd.Make(containers); !made) return tl::unexpected(made.error());
  RunOn(true);
  auto kernel =
      Kernel::Load(kernel::ProbeFeatures(), {.enforce = false, .files_ring_bytes = 128U << 20});
  if (!kernel) return tl::unexpected(kernel.error());
  if (Status labelled = (*kernel)->LabelRunning(); !labelled)
    return tl::unexpected(labelled.error());

  Corpus corpus;
  const auto keep = [&](Record record) { corpus.Append(record); };
  while (corpus.size() < events) {
    // An act is more than one event.
    crowd.Start({"act", std::to_string((events - corpus.size()) / containers / 2 + 10)});
    while (crowd.Busy()) (*kernel)->Poll(10, keep);
    while ((*kernel)->Poll(0, keep) > 0) {
    }
    if (crowd.failed() > 0)
      return Fail(std::to_string(crowd.failed()) + " containers did not act as they should");
  }
  if (const uint64_t lost = Lost(**kernel); lost > 0)
    return Fail(std::to_string(lost) + " records were lost while capturing");
  return corpus;
}

}  // namespace nsw::bench
