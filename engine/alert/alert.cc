// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/alert.h"

#include <algorithm>
#include <array>

#include "engine/event/field.h"
#include "engine/rule/value.h"

namespace nsw::alert {
namespace {

// In every alert, null where there is nothing to say.
constexpr std::array<std::string_view, 9> kAlways{
    "evt.time",  "evt.type",     "container.id", "container.name", "container.image.repository",
    "proc.name", "proc.cmdline", "proc.exepath", "user.uid"};
// In every alert that has them.
constexpr std::array<std::string_view, 3> kIfPresent{"k8s.ns.name", "k8s.pod.name", "k8s.pod.uid"};

FieldValue ToFieldValue(const event::Field& field, const event::Value& value) {
  if (value.presence != event::Presence::kKnown) return std::monostate{};
  switch (field.type) {
    case event::FieldType::kNumber:
      return value.number;
    case event::FieldType::kBool:
      return value.number != 0;
    case event::FieldType::kString:
    case event::FieldType::kNamed:
      return std::string(value.text);
    case event::FieldType::kAddress:
      break;
  }
  return event::ToText(field, value);
}

class Collector {
 public:
  Collector(const event::Event& event, Alert& alert) : event_(event), alert_(alert) {}

  void Add(std::string_view name, const event::Field* field, uint32_t index, bool if_present) {
    auto& fields = alert_.output_fields;
    const auto same = [&](const auto& entry) { return entry.first == name; };
    if (field == nullptr || std::ranges::any_of(fields, same)) return;
    event::Scratch scratch;
    FieldValue value = ToFieldValue(*field, rule::ValueOf(*field, event_, index, scratch));
    if (if_present && std::holds_alternative<std::monostate>(value)) return;
    fields.emplace_back(name, std::move(value));
  }

 private:
  const event::Event& event_;
  Alert& alert_;
};

void CollectFields(const rule::RuleInfo& rule, const event::Event& event, Alert& alert) {
  Collector collector(event, alert);
  if (rule.output != nullptr) {
    for (const rule::OutputField& named : rule::OutputFieldRefs(*rule.output)) {
      collector.Add(named.name, named.field, named.index, false);
    }
  }
  for (const std::string_view name : kAlways) collector.Add(name, event::FindField(name), 0, false);
  for (const std::string_view name : kIfPresent) {
    collector.Add(name, event::FindField(name), 0, true);
  }
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWouldDeny:
      return "would_deny";
    case Verdict::kDenied:
      return "denied";
    case Verdict::kKilled:
      return "killed";
    case Verdict::kNone:
      break;
  }
  return "";
}

std::string_view ActionOf(Verdict verdict) {
  if (verdict == Verdict::kDenied) return "deny";
  return verdict == Verdict::kKilled ? "kill" : "alert";
}

Verdict VerdictOf(const nsw_header& header) {
  if (header.verdict == NSW_VERDICT_NONE) return Verdict::kNone;
  if (header.verdict != NSW_VERDICT_DENIED) return Verdict::kWouldDeny;
  return (header.flags & NSW_F_KILLED) != 0 ? Verdict::kKilled : Verdict::kDenied;
}

Alert MakeAlert(const rule::RuleInfo& rule, const event::Event& event, Verdict verdict,
                const std::string& hostname) {
  Alert alert;
  alert.time_ns = event.real_time_ns;
  alert.rule = rule.name;
  alert.priority = rule.priority;
  alert.source = rule.source;
  alert.hostname = hostname;
  alert.output = rule.output == nullptr ? rule.name : rule::RenderOutput(*rule.output, event);
  alert.tags = rule.tags;
  alert.policy = rule.policy;
  alert.verdict = verdict;
  alert.action = ActionOf(verdict);
  alert.event_id = event.number;
  CollectFields(rule, event, alert);
  return alert;
}

}  // namespace nsw::alert
