// SPDX-License-Identifier: Apache-2.0
// What the verbs that ask the running engine share.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace nsw::tools {

struct ControlFlags {
  std::string socket = "/run/nswarden/control.sock";
  bool json = false;
};

/// Adds --socket and --json.
std::shared_ptr<ControlFlags> AddControlFlags(CLI::App& verb);

/// Asks; on an error says it on stderr and returns nothing. With --json the answer is printed as it
/// is and nothing returned, with `status` 0.
std::optional<nlohmann::json> Ask(const ControlFlags& flags, const nlohmann::json& request,
                                  int& status);

/// A text of an answer, safe for a terminal: control characters are escaped.
std::string Shown(const nlohmann::json& object, const char* key);

/// A table with its columns as wide as they need.
void PrintTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace nsw::tools
