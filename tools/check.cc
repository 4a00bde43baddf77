// SPDX-License-Identifier: Apache-2.0
// nswarden check FILE...: are these policies right? Needs no root.
#include <cstdio>
#include <memory>

#include "engine/config.h"
#include "engine/rule/rule.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::string config;
};

int CheckPolicies(const std::vector<std::string>& files) {
  const rule::Loaded loaded =
      rule::LoadPolicies({files.begin(), files.end()}, {.check_owner = false});
  for (const rule::Diagnostic& one : loaded.diagnostics) {
    fprintf(stderr, "%s%s\n", one.warning ? "warning: " : "", one.Text().c_str());
  }
  if (loaded.set == nullptr) return 1;
  if (loaded.set->policies().empty()) {
    fprintf(stderr, "no policies there: of a directory its *.yaml and *.yml are read\n");
    return 1;
  }
  for (const rule::PolicyInfo& policy : loaded.set->policies()) {
    printf("%s: policy %s: ok (%zu rules, %zu deny entries", policy.file.c_str(),
           policy.name.c_str(), policy.rules, policy.deny_entries);
    if (policy.allow_lists > 0)
      printf(", %zu allow lists of %zu entries", policy.allow_lists, policy.allow_entries);
    printf(")\n");
  }
  return 0;
}

int CheckConfig(const std::string& file) {
  const auto config = ReadConfig(file);
  if (!config) {
    fprintf(stderr, "%s\n", config.error().message.c_str());
    return 1;
  }
  printf("%s: ok\n", file.c_str());
  return 0;
}

int Check(const Flags& flags) {
  if (flags.files.empty() && flags.config.empty()) {
    fprintf(stderr, "nothing to check: name policy files or directories, or --config FILE\n");
    return 2;
  }
  const int config = flags.config.empty() ? 0 : CheckConfig(flags.config);
  const int policies = flags.files.empty() ? 0 : CheckPolicies(flags.files);
  return config != 0 ? config : policies;
}

}  // namespace

void AddCheck(CLI::App& app, int& status) {
  auto flags = std::make_shared<Flags>();
  CLI::App* verb =
      app.add_subcommand("check", "check policy files; says every mistake with its place");
  verb->add_option("FILE", flags->files, "policy files or directories");
  verb->add_option("--config", flags->config, "check a configuration file");
  verb->callback([flags, &status] { status = Check(*flags); });
}

}  // namespace nsw::tools
