// SPDX-License-Identifier: Apache-2.0
// What the pipeline does beside the alert when a rule of an enforcing policy speaks: kill,
// quarantine, refuse the object for a while.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/text.h"
#include "engine/pipeline.h"

namespace nsw {

// Where an entry refuses, the kernel has killed already, and the refusal is what was done.
std::string_view Pipeline::Act(const rule::RuleInfo& rule, alert::Verdict verdict) {
  if (rule.mode != rule::Mode::kEnforce || !parts_.armed) return "";
  if (verdict == alert::Verdict::kKilled) return "";
  const auto done = [&](const Status& status) {
    if (status) return true;
    ledger_.failed_actions++;
    const bool fresh =
        told_.size() < kRunTimeRulesMax && told_.emplace(rule.id, status.error().message).second;
    if (fresh) spdlog::error("rule {}: {}", rule.name, status.error().message);
    return false;
  };
  if (rule.is_deny && verdict != alert::Verdict::kDenied) {
    // What the kernel's programs could not judge; where they can and did not, the act came before
    // the policy.
    const int64_t result = event_.header().result;
    const bool refused = result == -EPERM || result == -EACCES;  // by somebody else
    const bool kills =
        rule.fallback_kill && !refused && !parts_.kernel.judging() && event_.binding != nullptr;
    return kills && done(Kill(rule)) ? "kill" : "";
  }
  const bool killed = rule.action == rule::Action::kKill && !rule.is_deny && done(Kill(rule));
  const bool quarantined =
      rule.action == rule::Action::kQuarantine && done(PutIntoQuarantine(rule));
  const bool denied = rule.deny_for_ns != 0 && done(DenyObject(rule));
  if (rule.is_deny) return "";
  return killed ? "kill" : quarantined ? "quarantine" : denied ? "deny" : "";
}

Status Pipeline::Kill(const rule::RuleInfo& rule) {
  const nsw_header& header = event_.header();
  if (const Status killed = parts_.kill(header.pid, header.start_ns); !killed) return killed;
  ledger_.killed++;
  RecordAction("kill", "process " + std::to_string(header.pid), rule);
  return {};
}

Status Pipeline::PutIntoQuarantine(const rule::RuleInfo& rule) {
  if (event_.binding == nullptr) return Fail("the host is not put into quarantine");
  if (quarantined_.contains(event_.binding->home)) return {};
  if (const Status set = PutIntoQuarantine(*event_.binding); !set) return set;
  RecordAction("quarantine", "", rule);
  return {};
}

Status Pipeline::PutIntoQuarantine(const container::Binding& binding) {
  if (const Status can = CanRefuse(binding); !can) return can;
  const Status set = parts_.kernel.SetHomeFlags(binding.home, NSW_HOME_QUARANTINED);
  if (!set) return set;
  quarantined_.insert(binding.home);
  SaveRunTime();
  return {};
}

Result<size_t> Pipeline::Release(const container::Binding& binding) {
  const uint64_t now = parts_.clock.BootNs();
  const size_t withdrawn = parts_.kernel.deny().WithdrawAll(binding.home, now);
  for (auto& [key, entry] : run_time_rules_) {
    if (key.first != binding.home || (entry.expires_ns != 0 && entry.expires_ns <= now)) continue;
    entry.expires_ns = now;  // its name stays for a moment, for verdicts that are in a ring
  }
  // Whether or not it was known to be: an engine before this one may have done it.
  if (const Status done = parts_.kernel.ClearHomeFlags(binding.home, NSW_HOME_QUARANTINED); !done)
    return tl::unexpected(done.error());
  quarantined_.erase(binding.home);
  SaveRunTime();
  return withdrawn;
}

// Alerts that repeat do not push anew each time: only what runs out soon is prolonged.
Status Pipeline::DenyObject(const rule::RuleInfo& rule) {
  container::Binding* binding =
      event_.binding == nullptr ? nullptr : parts_.registry.Find(event_.binding->home);
  if (binding == nullptr) return Fail("deny_for is for containers, and this is the host");
  if (const Status can = CanPush(*binding); !can) return can;
  auto entry = rule::DenyEntryFor(event_);
  if (!entry) return tl::unexpected(entry.error());
  const uint64_t until = parts_.clock.BootNs() + rule.deny_for_ns;
  const auto known = run_time_rules_.find({binding->home, entry->first.id});
  const bool for_ever = known != run_time_rules_.end() && known->second.expires_ns == 0;
  if (for_ever ||
      (known != run_time_rules_.end() && known->second.expires_ns + rule.deny_for_ns / 10 >= until))
    return {};
  const auto pushed = Push(*binding, std::move(entry->first), entry->second, until);
  if (!pushed) return tl::unexpected(pushed.error());
  RecordAction("deny", *pushed + " for " + DurationText(rule.deny_for_ns), rule);
  return {};
}

// ---- refusals without a record ----

// The kernel is told only when the history has them: an engine that is killed before loses none,
// and the history itself knows what it has, so that the next one tells of none twice.
void Pipeline::ReportUntold() {
  store::Writer* history = parts_.history;
  if (history != nullptr && !history->Written(untold_mark_)) return;
  parts_.kernel.UntoldReported();
  const std::vector<kernel::Untold> all = parts_.kernel.TakeUntold();
  for (const kernel::Untold& untold : all) {
    ledger_.untold += untold.refusals;
    ReportUntold(*RuleOf(0, untold.rule), untold);
  }
  if (all.empty()) return;
  if (history == nullptr) return parts_.kernel.UntoldReported();
  untold_mark_ = history->Mark();
}

// Who did it is not known, only whose rule refused it how often.
void Pipeline::ReportUntold(const rule::RuleInfo& rule, const kernel::Untold& untold) {
  const uint64_t refusals = untold.refusals;
  const bool killed = parts_.kernel.enforcement() == kernel::Enforcement::kKills;
  const std::string text = std::to_string(refusals) + (refusals == 1 ? " act was" : " acts were") +
                           (killed ? " ended by a kill by " : " refused by ") + rule.name +
                           " without a record of " + (refusals == 1 ? "its" : "their") + " own";
  alert::Alert alert;
  alert.time_ns = parts_.clock.RealNs();
  alert.rule = rule.name;
  alert.policy = rule.policy;
  alert.priority = rule.priority;
  alert.source = rule.source;
  alert.hostname = parts_.hostname;
  alert.tags = rule.tags;
  alert.output = text;
  alert.output_fields = {{"nswarden.refusals", static_cast<int64_t>(refusals)}};
  alert.verdict = killed ? alert::Verdict::kKilled : alert::Verdict::kDenied;
  alert.action = alert::ActionOf(alert.verdict);
  ledger_.alerts++;
  if (parts_.history != nullptr) {
    parts_.history->RecordRefusals(rule, {.verdict = alert.verdict,
                                          .acts = refusals,
                                          .detail = rule.policy + ": " + text,
                                          .counter = untold_counter_,
                                          .counted = untold.counted});
  }
  parts_.dispatcher.Post(std::move(alert));
}

void Pipeline::RecordAction(const std::string& what, const std::string& detail,
                            const rule::RuleInfo& rule) {
  const std::string where = event_.binding == nullptr ? "host" : event_.binding->container.name;
  const std::string text =
      where + (detail.empty() ? "" : ": " + detail) + ", by the rule " + rule.name;
  spdlog::info("{}: {}", what, text);
  if (parts_.history != nullptr)
    parts_.history->RecordOperation(what, text, geteuid(), static_cast<uint32_t>(getpid()));
}

}  // namespace nsw
