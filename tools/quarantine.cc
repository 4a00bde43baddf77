// SPDX-License-Identifier: Apache-2.0
// nswarden quarantine: let a running container do nothing more. nswarden release: end that, and
// what was denied to it at run time.
#include <cstdio>

#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::string container;
  std::string reason;
};

std::shared_ptr<Flags> AddFlags(CLI::App& verb) {
  auto flags = std::make_shared<Flags>();
  verb.add_option("--container", flags->container, "name, id, or the start of an id")->required();
  verb.add_option("--reason", flags->reason, "why, for the history");
  return flags;
}

nlohmann::json Request(const char* verb, const Flags& flags) {
  return {{"verb", verb}, {"container", flags.container}, {"reason", flags.reason}};
}

}  // namespace

void AddQuarantine(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "quarantine", "let a running container execute, connect and write nothing more");
  auto control = AddControlFlags(*verb);
  auto flags = AddFlags(*verb);
  verb->callback([control, flags, &status] {
    const auto answer = Ask(*control, Request("quarantine", *flags), status);
    if (answer) {
      printf("%s is in quarantine; `nswarden release` ends it\n",
             Shown(*answer, "container").c_str());
    }
  });
}

void AddRelease(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "release", "end a container's quarantine, and what was denied to it at run time");
  auto control = AddControlFlags(*verb);
  auto flags = AddFlags(*verb);
  verb->callback([control, flags, &status] {
    const auto answer = Ask(*control, Request("release", *flags), status);
    if (answer) {
      printf("%s is released (%s run-time entries withdrawn)\n",
             Shown(*answer, "container").c_str(), Shown(*answer, "entries").c_str());
    }
  });
}

}  // namespace nsw::tools
