// SPDX-License-Identifier: Apache-2.0
// nswarden quarantine: let a running container do nothing more.
#include <cstdio>

#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::string container;
  std::string reason;
};

}  // namespace

void AddQuarantine(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "quarantine", "let a running container execute, connect and write nothing more");
  auto control = AddControlFlags(*verb);
  auto flags = std::make_shared<Flags>();
  verb->add_option("--container", flags->container, "name, id, or the start of an id")->required();
  verb->add_option("--reason", flags->reason, "why, for the history");
  verb->callback([control, flags, &status] {
    const nlohmann::json request{
        {"verb", "quarantine"}, {"container", flags->container}, {"reason", flags->reason}};
    const auto answer = Ask(*control, request, status);
    if (answer) {
      printf("%s is in quarantine; `nswarden release` ends it\n",
             Shown(*answer, "container").c_str());
    }
  });
}

}  // namespace nsw::tools
