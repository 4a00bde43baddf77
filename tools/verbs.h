// SPDX-License-Identifier: Apache-2.0
// The verbs of `nswarden VERB`, a file each. Each function adds a subcommand whose callback sets
// `status`, the exit status: 0 done, 1 failed (said on stderr), 2 wrong usage.
#pragma once

#include <CLI/CLI.hpp>

namespace nsw::tools {

void AddRun(CLI::App& app, int& status);
void AddCheck(CLI::App& app, int& status);
void AddFields(CLI::App& app, int& status);
void AddProbe(CLI::App& app, int& status);
void AddStatus(CLI::App& app, int& status);
void AddPs(CLI::App& app, int& status);
void AddDeny(CLI::App& app, int& status);
void AddQuarantine(CLI::App& app, int& status);
void AddRelease(CLI::App& app, int& status);
void AddReload(CLI::App& app, int& status);
void AddStop(CLI::App& app, int& status);
void AddArm(CLI::App& app, int& status);
void AddHistory(CLI::App& app, int& status);
void AddDemo(CLI::App& app, int& status);

}  // namespace nsw::tools
