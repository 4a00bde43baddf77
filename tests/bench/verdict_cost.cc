// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/verdict_cost.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "engine/kernel/kernel.h"
#include "tests/bench/measurer.h"

namespace nsw::bench {
namespace {

// In memory: a disk, or the host behind a guest's file system, would be what is measured.
constexpr const char* kFile = "/run/nsw_bench_d/lib/some/file";

void Open() {
  const int fd = open(kFile, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

void MakeFile() {
  for (const char* folder :
       {"/run/nsw_bench_d", "/run/nsw_bench_d/lib", "/run/nsw_bench_d/lib/some"})
    mkdir(folder, 0755);
  close(open(kFile, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

rule::DenyEntry Entry(rule::DenyPlan& plan, uint32_t classes) {
  rule::DenyEntry entry;
  entry.rule = static_cast<uint32_t>(plan.entries.size() + 1);
  entry.classes = classes;
  entry.mode = NSW_VERDICT_DENIED;
  return entry;
}

// Of addresses alone: no rule is about files.
rule::DenyPlan OfAddresses() {
  rule::DenyPlan plan{.policies = {{}}};
  rule::DenyEntry entry = Entry(plan, rule::ClassBit(rule::DenyClass::k_connect));
  entry.keys.push_back({.kind = rule::DenyKind::kNet});
  plan.entries.push_back(entry);
  return plan;
}

// Files and what is below directories, of depths 1 to 4; the file that is opened is none of them.
rule::DenyPlan OfFiles(size_t count) {
  rule::DenyPlan plan{.policies = {{}}};
  for (size_t i = 0; i < count; ++i) {
    rule::DenyEntry entry = Entry(plan, rule::ClassBit(rule::DenyClass::k_read));
    std::string path = "/denied" + std::to_string(i);
    for (size_t depth = 1; depth <= i % 4; ++depth) path += "/folder";
    entry.keys.push_back(
        {.kind = i % 2 == 0 ? rule::DenyKind::kPath : rule::DenyKind::kBelow, .path = path});
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

Result<std::unique_ptr<kernel::Kernel>> LoadWith(bool enforce) {
  auto loaded = kernel::Kernel::Load(kernel::ProbeFeatures(), {.wanted = 0, .enforce = enforce});
  if (!loaded) return loaded;
  if (Status status = (*loaded)->LabelRunning(); !status) return tl::unexpected(status.error());
  if (enforce && !(*loaded)->enforcing()) return Fail("this kernel cannot refuse");
  return loaded;
}

Result<double> CostUnder(kernel::Kernel& kernel, const rule::DenyPlan& plan, Measurer& measurer) {
  const auto slot = kernel.deny().BuildSet(plan);
  if (!slot) return tl::unexpected(slot.error());
  for (const kernel::HomeState& home : kernel.Homes()) {
    if (Status status = kernel.deny().Bind(home.id, *slot, plan, 0); !status)
      return tl::unexpected(status.error());
  }
  const auto costs = measurer.Measure();
  if (!costs) return tl::unexpected(costs.error());
  return costs->front();
}

bool Report(const char* what, double cost, double base, double limit) {
  const bool kept = cost <= base * limit;
  printf("%s an open in a container, %s: %.0f instructions, %.3f times %.0f (at most %.2f)\n",
         kept ? "ok" : "not ok", what, cost, cost / base, base, limit);
  return kept;
}

Result<double> Without(Measurer& measurer) {
  const auto loaded = LoadWith(false);
  if (!loaded) return tl::unexpected(loaded.error());
  const auto costs = measurer.Measure();
  if (!costs) return tl::unexpected(costs.error());
  return costs->front();
}

}  // namespace

Result<bool> MeasureVerdictCost() {
  MakeFile();
  Measurer measurer({{"open and close", Open, 200}}, true);
  const auto without = Without(measurer);
  if (!without) return tl::unexpected(without.error());
  const auto loaded = LoadWith(true);
  if (!loaded) return tl::unexpected(loaded.error());
  double cost[3];
  const rule::DenyPlan plans[3] = {OfAddresses(), OfFiles(100), OfFiles(10'000)};
  for (size_t i = 0; i < 3; ++i) {
    const auto one = CostUnder(**loaded, plans[i], measurer);
    if (!one) return tl::unexpected(one.error());
    cost[i] = *one;
  }
  const bool uncovered = Report("no rule about files", cost[0], *without, 1.06);
  const bool many = Report("10,000 entries", cost[2], *without, 1.35);
  const bool even = Report("10,000 entries, and not 100", cost[2], cost[1], 1.1);
  return uncovered && many && even;
}

}  // namespace nsw::bench
