// SPDX-License-Identifier: Apache-2.0
// nsw_bench: what tools/bench runs.
//   nsw_bench capture CORPUS CONTAINERS EVENTS   (root) makes a corpus from this host's kernel
//   nsw_bench verify CORPUS POLICIES             the engine's matches against the naive evaluator's
//   nsw_bench run CORPUS POLICIES FOLDER [--benchmark_...]
//   nsw_bench act NUMBER ACTS                    what the containers of a capture run
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/bench/actor.h"
#include "tests/bench/capture.h"
#include "tests/bench/path_bench.h"

namespace nsw::bench {
namespace {

int Say(const Status& status) {
  if (status) return 0;
  fprintf(stderr, "nsw_bench: %s\n", status.error().message.c_str());
  return 1;
}

unsigned Number(const char* text) { return static_cast<unsigned>(strtoul(text, nullptr, 10)); }

int CaptureTo(const char* path, unsigned containers, unsigned events) {
  const auto corpus = Capture(containers, events);
  return Say(corpus ? corpus->Write(path) : tl::unexpected(corpus.error()));
}

int Run(const Corpus& corpus, const std::filesystem::path& policies,
        const std::filesystem::path& folder, int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  RegisterPath(corpus, policies);
  RegisterHistory(folder);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

int Main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "act" && argc == 4) return Act(Number(argv[2]), Number(argv[3]));
  if (verb == "capture" && argc == 5) return CaptureTo(argv[2], Number(argv[3]), Number(argv[4]));
  if ((verb == "verify" && argc == 4) || (verb == "run" && argc >= 5)) {
    const auto corpus = Corpus::Read(argv[2]);
    if (!corpus) return Say(tl::unexpected(corpus.error()));
    if (verb == "verify") return Say(Verify(*corpus, argv[3]));
    return Run(*corpus, argv[3], argv[4], argc - 4, argv + 4);
  }
  fprintf(stderr, "usage: see the head of tests/bench/main.cc\n");
  return 2;
}

}  // namespace
}  // namespace nsw::bench

int main(int argc, char** argv) { return nsw::bench::Main(argc, argv); }
