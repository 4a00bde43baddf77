// SPDX-License-Identifier: Apache-2.0
#include "engine/container/container.h"

namespace nsw::container {

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (!text.empty()) text += ',';
    text.append(key).append(":").append(value);
  }
  return text;
}

std::string_view Container::short_id() const {
  constexpr size_t kShort = 12;
  const std::string_view all = id;
  const bool digits = all.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return digits ? all.substr(0, kShort) : all;
}

}  // namespace nsw::container
