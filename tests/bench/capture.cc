// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/capture.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernel/kernel.h"
#include "tools/demo_container.h"

namespace nsw::bench {
namespace {

namespace fs = std::filesystem;
using kernel::Kernel;

// Containers, each with a child of ours that waits for its acts to end.
class Crowd {
 public:
  Status Make(size_t count) {
    char name[] = "/tmp/nswarden-bench.XXXXXX";
    if (mkdtemp(name) == nullptr) return FailErrno("a temporary directory", errno);
    folder_ = name;  // each container's root is mounted there in its own namespace
    for (size_t i = 0; i < count; i++) {
      auto container = tools::DemoContainer::Start(folder_);
      if (!container) return tl::unexpected(container.error());
      containers_.push_back(std::move(*container));
    }
    return {};
  }

  void Act(size_t acts) {
    for (size_t i = 0; i < containers_.size(); i++) {
      const pid_t child = fork();
      if (child == 0) {
        const auto outcome = containers_[i].Run(
            {tools::kDemoProgram, "act", std::to_string(i), std::to_string(acts)});
        _exit(outcome && outcome->status == 0 ? 0 : 1);
      }
      if (child > 0) left_++;
    }
  }

  // Whether some still act.
  bool Busy() {
    int status = 0;
    while (left_ > 0 && waitpid(-1, &status, WNOHANG) > 0) {
      left_--;
      failed_ += status != 0;
    }
    return left_ > 0;
  }

  [[nodiscard]] size_t failed() const { return failed_; }

  ~Crowd() {
    containers_.clear();
    std::error_code error;
    if (!folder_.empty()) fs::remove(folder_, error);
  }

 private:
  fs::path folder_;
  std::vector<tools::DemoContainer> containers_;
  size_t left_ = 0;
  size_t failed_ = 0;
};

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
    crowd.Act((events - corpus.size()) / containers / 2 + 10);  // an act is more than one event
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
