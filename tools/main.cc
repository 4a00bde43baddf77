// SPDX-License-Identifier: Apache-2.0
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/usage.h"
#include "tools/verbs.h"

namespace {

int Run(int argc, char** argv) {
  // stdout is for results and alerts; what the program says of itself goes to stderr.
  spdlog::set_default_logger(spdlog::stderr_color_mt("nswarden"));
  spdlog::set_pattern("%H:%M:%S %^%l%$ %v");

  CLI::App app{"nswarden: watches what containers do, and refuses what their policies forbid"};
  app.set_version_flag("--version", "nswarden " NSW_VERSION);
  app.require_subcommand(1);
  int status = 0;
  for (const auto add :
       {nsw::tools::AddRun, nsw::tools::AddCheck, nsw::tools::AddFields, nsw::tools::AddProbe,
        nsw::tools::AddStatus, nsw::tools::AddPs, nsw::tools::AddHistory, nsw::tools::AddDeny,
        nsw::tools::AddQuarantine, nsw::tools::AddRelease, nsw::tools::AddArm,
        nsw::tools::AddReload, nsw::tools::AddStop, nsw::tools::AddDemo}) {
    add(app, status);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    fputs(nsw::tools::UsageText(app, error).c_str(), stderr);
    return 2;
  }
  return status;
}

}  // namespace

// What cannot be written was not done.
int main(int argc, char** argv) {
  const int status = Run(argc, argv);
  errno = 0;
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return status;
  fprintf(stderr, "nswarden: stdout: %s\n",
          errno != 0 ? std::strerror(errno) : "not all is written");
  return status != 0 ? status : 1;
}
