// SPDX-License-Identifier: Apache-2.0
// Alert: what people are told. A value type that owns its texts: it outlives the event it was made
// from.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/event/event.h"
#include "engine/rule/rule.h"

namespace nsw::alert {

/// Verdicts as alerts and history have them.
enum class Verdict : uint8_t {
  kNone,
  kWouldDeny,  ///< the act was done, and is told of
  kDenied,     ///< refused
  kKilled,     ///< not refused, but its process killed for it before it was done
};
std::string_view VerdictName(Verdict verdict);  // "", "would_deny", "denied", "killed"
/// What was done: "alert", "deny", "kill".
std::string_view ActionOf(Verdict verdict);
/// What the kernel's programs say that they did.
Verdict VerdictOf(const nsw_header& header);

using FieldValue = std::variant<std::monostate, bool, int64_t, std::string>;  // monostate: null

struct Alert {
  uint64_t time_ns = 0;  ///< CLOCK_REALTIME
  std::string rule;
  rule::Priority priority = rule::Priority::kError;
  std::string source;
  std::string hostname;
  std::string output;  ///< as the rule has it; in JSON it begins with time and priority, as Falco's
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, FieldValue>>
      output_fields;  ///< flat dotted keys, in the order of the output
  std::string policy;
  Verdict verdict = Verdict::kNone;
  std::string action;     ///< what was done: as ActionOf has it; for a rule also "quarantine"
  uint64_t event_id = 0;  ///< evt.num
};

/// Makes the alert of a rule that matched an event. `hostname` as gethostname gives it.
Alert MakeAlert(const rule::RuleInfo& rule, const event::Event& event, Verdict verdict,
                const std::string& hostname);

/// One JSON object in one line, Falco-shaped; bytes that are not UTF-8 are replaced by U+FFFD, and
/// what a terminal would obey is escaped.
std::string ToJson(const Alert& alert);
/// One readable line; control characters are escaped. `colour`: with ANSI colours by priority.
std::string ToLine(const Alert& alert, bool colour);

}  // namespace nsw::alert
