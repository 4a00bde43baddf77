// SPDX-License-Identifier: Apache-2.0
// nswarden ps: the containers, the policies that are bound to each, and what is enforced.
#include <cstdio>

#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

std::string Policies(const nlohmann::json& container) {
  std::string text = container.value("quarantined", false) ? "IN QUARANTINE" : "";
  for (const nlohmann::json& policy : container.value("policies", nlohmann::json::array())) {
    text +=
        (text.empty() ? "" : ", ") + Shown(policy, "name") + " (" + Shown(policy, "effect") + ")";
  }
  return text.empty() ? "-" : text;
}

void Print(const nlohmann::json& answer) {
  std::vector<std::vector<std::string>> rows{
      {"CONTAINER", "NAME", "IMAGE", "RUNTIME", "PID", "POLICIES"}};
  for (const nlohmann::json& container : answer.value("containers", nlohmann::json::array())) {
    rows.push_back({Shown(container, "id").substr(0, 12), Shown(container, "name"),
                    Shown(container, "image"), Shown(container, "runtime"), Shown(container, "pid"),
                    Policies(container)});
  }
  PrintTable(rows);
}

}  // namespace

void AddPs(CLI::App& app, int& status) {
  CLI::App* verb =
      app.add_subcommand("ps", "list containers with their policies and what is enforced");
  auto flags = AddControlFlags(*verb);
  verb->callback([flags, &status] {
    if (const auto answer = Ask(*flags, {{"verb", "ps"}}, status)) Print(*answer);
  });
}

}  // namespace nsw::tools
