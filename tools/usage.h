// SPDX-License-Identifier: Apache-2.0
// What is said of a command line that is not understood: which word is wrong, and what was probably
// meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace nsw::tools {

/// With its line end. `app` has been parsed, and `error` is what came of it.
std::string UsageText(const CLI::App& app, const CLI::ParseError& error);

}  // namespace nsw::tools
