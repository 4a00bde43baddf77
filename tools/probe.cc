// SPDX-License-Identifier: Apache-2.0
// nswarden probe: what this kernel gives, each by trial.
#include <unistd.h>

#include <cstdio>

#include "engine/kernel/features.h"
#include "engine/mounts.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

int Probe() {
  if (geteuid() != 0) {
    fprintf(stderr,
            "nswarden probe needs root: it loads BPF programs to see what works; try `sudo "
            "nswarden probe`\n");
    return 1;
  }
  MountKernelFileSystems();
  const kernel::Features features = kernel::ProbeFeatures();
  for (const kernel::Feature& feature : features.table) {
    printf("%-24s %-4s %s\n", feature.name.c_str(), feature.works ? "yes" : "no",
           feature.consequence.c_str());
    if (!feature.why.empty()) printf("%-29s tried: %s\n", "", feature.why.c_str());
    if (!feature.remedy.empty()) printf("%-29s to get it: %s\n", "", feature.remedy.c_str());
  }
  return 0;
}

}  // namespace

void AddProbe(CLI::App& app, int& status) {
  app.add_subcommand("probe", "show what this kernel gives, by trial (needs root)")
      ->callback([&status] { status = Probe(); });
}

}  // namespace nsw::tools
