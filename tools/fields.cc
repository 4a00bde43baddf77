// SPDX-License-Identifier: Apache-2.0
// nswarden fields: what rules can ask about, from the field table.
#include <algorithm>
#include <cstdio>

#include "engine/event/field.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

const char* TypeName(event::FieldType type) {
  switch (type) {
    case event::FieldType::kString:
      return "text";
    case event::FieldType::kNumber:
      return "number";
    case event::FieldType::kBool:
      return "bool";
    case event::FieldType::kAddress:
      return "address";
    case event::FieldType::kNamed:
      return "name";
  }
  return "";
}

// "open connect", or "all".
std::string Events(const event::Field& field) {
  if (field.events == ~0ULL) return "all";
  std::string names;
  for (size_t i = 1; i < NSW_EVENT_COUNT; i++) {
    if ((field.events >> i & 1) == 0) continue;
    names +=
        (names.empty() ? "" : " ") + std::string(event::Info(static_cast<event::Type>(i)).name);
  }
  return names;
}

int Fields() {
  printf("%-28s %-8s %-18s %-6s %s\n", "FIELD", "TYPE", "EVENTS", "KERNEL", "MEANING");
  for (const event::Field& field : event::Fields()) {
    const std::string name = std::string(field.name) + (field.indexed ? "[n]"
                                                        : field.keyed ? "[key]"
                                                                      : "");
    printf("%-28s %-8s %-18s %-6s %s\n", name.c_str(), TypeName(field.type), Events(field).c_str(),
           field.kernel_decidable ? "yes" : "", std::string(field.doc).c_str());
  }
  return 0;
}

}  // namespace

void AddFields(CLI::App& app, int& status) {
  app.add_subcommand("fields", "list the fields that rules can use")->callback([&status] {
    status = Fields();
  });
}

}  // namespace nsw::tools
