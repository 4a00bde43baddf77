// SPDX-License-Identifier: Apache-2.0
#include "tools/control_call.h"

#include <cstdio>

#include "engine/control.h"

namespace nsw::tools {

std::shared_ptr<ControlFlags> AddControlFlags(CLI::App& verb) {
  auto flags = std::make_shared<ControlFlags>();
  verb.add_option("--socket", flags->socket, "the engine's control socket [" + flags->socket + "]");
  verb.add_flag("--json", flags->json, "print the engine's answer as JSON");
  return flags;
}

std::optional<nlohmann::json> Ask(const ControlFlags& flags, const nlohmann::json& request,
                                  int& status) {
  auto answer = ControlCall(flags.socket, request);
  status = answer ? 0 : 1;
  if (!answer) {
    fprintf(stderr, "nswarden: %s\n", answer.error().message.c_str());
    if (!flags.json) return std::nullopt;
    answer = nlohmann::json{{"error", answer.error().message}};
  }
  if (!flags.json) return std::move(*answer);
  printf("%s\n", answer->dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return std::nullopt;
}

std::string Shown(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  const std::string text = found->is_string() ? found->get<std::string>() : found->dump();
  std::string shown;
  for (const char c : text) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return shown.empty() ? "-" : shown;
}

void PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); i++) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    printf("%s\n", line.c_str());
  }
}

}  // namespace nsw::tools
