// SPDX-License-Identifier: Apache-2.0
// nsw_bench: what tools/bench runs.
//   nsw_bench capture CORPUS CONTAINERS EVENTS   (root) makes a corpus from this host's kernel
//   nsw_bench verify CORPUS POLICIES             the engine's matches against the naive evaluator's
//   nsw_bench run CORPUS POLICIES FOLDER [--benchmark_...]
//   nsw_bench crowd CONTAINERS PROCESSES         (root) holds them until its input ends
//   nsw_bench flood SECONDS                      (root) opens files in a container, prints how many
//   nsw_bench alert TIMES PAUSE_MS               (root) does in a container what raises an alert
//   nsw_bench cost                               (root, in a guest that counts instructions)
//   nsw_bench verdict-cost                       (likewise) the part of it that is about verdicts
//   nsw_bench act|act-idle|act-flood|act-alert   what the containers run
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/actor.h"
#include "tests/bench/capture.h"
#include "tests/bench/cost.h"
#include "tests/bench/crowd.h"
#include "tests/bench/path_bench.h"
#include "tests/bench/verdict_cost.h"

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

int HoldCrowd(unsigned containers, const char* processes) {
  Crowd crowd;
  if (const Status made = crowd.Make(containers); !made) return Say(made);
  crowd.Start({"act-idle", processes});
  while (getchar() != EOF) {
  }
  return 0;
}

int RunInContainer(const std::vector<std::string>& arguments) {
  Crowd crowd;
  if (const Status made = crowd.Make(1); !made) return Say(made);
  const auto outcome = crowd.Run(arguments);
  if (!outcome) return Say(tl::unexpected(outcome.error()));
  printf("%s", outcome->output.c_str());
  return outcome->status;
}

int VerdictCost() {
  const auto kept = MeasureVerdictCost();
  return kept ? !*kept : Say(tl::unexpected(kept.error()));
}

int Cost() {
  const auto kept = MeasureCost();
  if (!kept) return Say(tl::unexpected(kept.error()));
  const int verdicts = VerdictCost();
  return *kept ? verdicts : 1;
}

int WithCorpus(std::string_view verb, int argc, char** argv) {
  const auto corpus = Corpus::Read(argv[2]);
  if (!corpus) return Say(tl::unexpected(corpus.error()));
  if (verb == "verify") return Say(Verify(*corpus, argv[3]));
  return Run(*corpus, argv[3], argv[4], argc - 4, argv + 4);
}

int Main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "act-idle" && argc == 4) return Idle(Number(argv[2]));
  if (verb == "act-flood" && argc == 3) return Flood(Number(argv[2]));
  if (verb == "act-alert" && argc == 4) return Alert(Number(argv[2]), Number(argv[3]));
  if (verb == "act" && argc == 4) return Act(Number(argv[3]), Number(argv[2]));
  if (verb == "cost" && argc == 2) return Cost();
  if (verb == "verdict-cost" && argc == 2) return VerdictCost();
  if (verb == "crowd" && argc == 4) return HoldCrowd(Number(argv[2]), argv[3]);
  if (verb == "flood" && argc == 3) return RunInContainer({"act-flood", argv[2]});
  if (verb == "alert" && argc == 4) return RunInContainer({"act-alert", argv[2], argv[3]});
  if (verb == "capture" && argc == 5) return CaptureTo(argv[2], Number(argv[3]), Number(argv[4]));
  if ((verb == "verify" && argc == 4) || (verb == "run" && argc >= 5))
    return WithCorpus(verb, argc, argv);
  fprintf(stderr, "usage: see the head of tests/bench/main.cc\n");
  return 2;
}

}  // namespace
}  // namespace nsw::bench

int main(int argc, char** argv) { return nsw::bench::Main(argc, argv); }
