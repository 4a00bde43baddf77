// SPDX-License-Identifier: Apache-2.0
// An alert as JSON and as a line for people.
#include <nlohmann/json.hpp>

#include "engine/alert/alert.h"
#include "engine/base/clock.h"
#include "engine/base/escape.h"

namespace nsw::alert {
namespace {

using nlohmann::ordered_json;

// "12:00:00.000000001" out of RFC 3339.
std::string TimeOfDay(uint64_t real_ns) { return Rfc3339(real_ns).substr(11, 18); }

ordered_json ToValue(const FieldValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

// JSON lets through what a terminal obeys: DEL and the C1 controls. They can stand in strings
// alone.
std::string EscapeControls(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); i++) {
    const auto byte = static_cast<uint8_t>(json[i]);
    const auto next = static_cast<uint8_t>(i + 1 < json.size() ? json[i + 1] : 0);
    const bool c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;
    if (byte != 0x7f && !c1) {
      out += json[i];
      continue;
    }
    char text[8];
    snprintf(text, sizeof text, "\\u%04x", c1 ? next : byte);
    out += text;
    if (c1) i++;
  }
  return out;
}

// Colours of a terminal: what is urgent stands out.
std::string_view Colour(rule::Priority priority) {
  switch (priority) {
    case rule::Priority::kEmergency:
    case rule::Priority::kAlert:
    case rule::Priority::kCritical:
      return "\x1b[1;31m";
    case rule::Priority::kError:
      return "\x1b[31m";
    case rule::Priority::kWarning:
      return "\x1b[33m";
    case rule::Priority::kNotice:
      return "\x1b[36m";
    case rule::Priority::kInformational:
    case rule::Priority::kDebug:
      break;
  }
  return "\x1b[2m";
}

std::string_view ContainerName(const Alert& alert) {
  for (const auto& [name, value] : alert.output_fields) {
    const auto* text = std::get_if<std::string>(&value);
    if (name == "container.name" && text != nullptr) return *text;
  }
  return "";
}

}  // namespace

std::string ToJson(const Alert& alert) {
  const std::string priority(rule::PriorityName(alert.priority));
  ordered_json json;
  json["time"] = Rfc3339(alert.time_ns);
  json["rule"] = alert.rule;
  json["priority"] = priority;
  json["source"] = alert.source;
  json["hostname"] = alert.hostname;
  json["output"] = TimeOfDay(alert.time_ns) + ": " + priority + " " + alert.output;
  json["tags"] = alert.tags;
  ordered_json& fields = json["output_fields"] = ordered_json::object();
  for (const auto& [name, value] : alert.output_fields) fields[name] = ToValue(value);
  json["policy"] = alert.policy;
  json["verdict"] = VerdictName(alert.verdict);
  json["action"] = alert.action;
  json["event_id"] = alert.event_id;
  return EscapeControls(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

// TIME PRIORITY [VERDICT] CONTAINER RULE: OUTPUT
std::string ToLine(const Alert& alert, bool colour) {
  std::string line = Rfc3339(alert.time_ns) + " ";
  if (colour) line += Colour(alert.priority);
  line += rule::PriorityName(alert.priority);
  if (alert.verdict != Verdict::kNone) line.append(" ").append(VerdictName(alert.verdict));
  if (colour) line += "\x1b[0m";
  const std::string_view container = ContainerName(alert);
  if (!container.empty()) line += " [" + Escape(container) + "]";
  return line + " " + Escape(alert.rule) + ": " + Escape(alert.output);
}

}  // namespace nsw::alert
