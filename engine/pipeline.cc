// SPDX-License-Identifier: Apache-2.0
#include "engine/pipeline.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace nsw {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kPatience = 2 * kSecond;    // for metadata
constexpr uint64_t kHomeGrace = 10 * kSecond;  // a namespace without processes can be entered again
constexpr size_t kRunTimeRulesMax = 4096;

size_t Index(const event::Event& event) { return event.header().type; }

}  // namespace

void Pipeline::Handle(std::span<const std::byte> record) {
  if (Decode(record, event_) != event::DecodeError::kNone) {
    ledger_.decode_errors++;
    return;
  }
  if (event_.type() == event::Type::k_home) return SeenHome(event_);
  container::Binding* binding = BindingOf(event_);
  if (binding != nullptr && !binding->settled && Held(*binding, record)) return;
  Judge(record, binding);
}

void Pipeline::Judge(std::span<const std::byte> record, container::Binding* binding) {
  // A record that was held is decoded again: its texts lie in the copy.
  if (event_.record().data() != record.data() &&
      Decode(record, event_) != event::DecodeError::kNone)
    return;
  ledger_.decoded[Index(event_)]++;
  event_.number = ++number_;
  event_.real_time_ns = event_.header().time_ns + real_minus_boot_ns_;
  event_.binding = binding != nullptr && binding->is_container ? binding : nullptr;
  processes_.Bind(event_);

  const auto& policies =
      event_.binding != nullptr ? binding->policies : parts_.binder.host_policies();
  alert::Verdict verdict = alert::Verdict::kNone;
  const rule::RuleInfo* denied = DenyRule(policies, verdict);
  matches_.count = 0;
  matches_.overflow = 0;
  parts_.binder.policies()->Match(event_, policies, matches_);
  ledger_.match_overflow += matches_.overflow;
  if (denied != nullptr || matches_.count > 0) ledger_.matched[Index(event_)]++;

  Record(verdict, denied);
  if (denied != nullptr) Report(*denied, verdict);
  for (size_t i = 0; i < matches_.count; i++) Report(*matches_.rules[i], alert::Verdict::kNone);
}

// The deny rule that spoke: the kernel names it in the record; where it did not speak (no LSM, or
// the act came before the policy was in force) the same entries are looked up here, and what they
// forbid is reported, not refused.
const rule::RuleInfo* Pipeline::DenyRule(std::span<const uint32_t> policies,
                                         alert::Verdict& verdict) {
  const nsw_header& header = event_.header();
  if (header.verdict == NSW_VERDICT_NONE) {
    const rule::RuleInfo* rule = parts_.binder.policies()->MatchDeny(event_, policies);
    if (rule != nullptr) verdict = alert::Verdict::kWouldDeny;
    return rule;
  }
  verdict =
      header.verdict == NSW_VERDICT_DENIED ? alert::Verdict::kDenied : alert::Verdict::kWouldDeny;
  if (const auto* rule = parts_.binder.policies()->FindRule(header.rule)) return rule;
  const auto found = run_time_rules_.find(header.rule);
  if (found != run_time_rules_.end()) return &found->second.info;
  static const rule::RuleInfo unknown{
      .policy = "unknown", .name = "a rule that is no longer loaded", .is_deny = true};
  ledger_.unknown_verdicts++;
  return &unknown;
}

void Pipeline::Record(alert::Verdict verdict, const rule::RuleInfo* rule) {
  if (parts_.history == nullptr || event_.binding == nullptr) {
    ledger_.unwanted[Index(event_)]++;
    return;
  }
  ledger_.recorded[Index(event_)]++;
  parts_.history->RecordEvent(event_, verdict, rule);
}

void Pipeline::Report(const rule::RuleInfo& rule, alert::Verdict verdict) {
  ledger_.alerts++;
  alert::Alert alert = alert::MakeAlert(rule, event_, verdict, parts_.hostname);
  if (parts_.history != nullptr) parts_.history->RecordAlert(alert, event_);
  parts_.dispatcher.Post(std::move(alert));
}

// ---- containers ----

container::Binding* Pipeline::BindingOf(const event::Event& event) {
  const nsw_header& header = event.header();
  if (header.home == 0) return nullptr;
  if (container::Binding* binding = parts_.registry.Find(header.home)) return binding;
  // The home's own record was lost; this one tells as much.
  SeenHome(event);
  return parts_.registry.Find(header.home);
}

void Pipeline::SeenHome(const event::Event& event) {
  const nsw_header& header = event.header();
  const uint64_t parent =
      event.type() == event::Type::k_home ? event.as<nsw_event_home>().parent : 0;
  const bool foreign = header.pidns != parts_.host_pidns;
  container::Binding& binding = parts_.registry.SeenHome(
      header.home, parent, static_cast<pid_t>(header.pid), foreign, parts_.clock.BootNs());
  Rebind(binding);
  if (binding.settled) Settled(binding);
}

void Pipeline::Rebind(container::Binding& binding) {
  if (const Status bound = parts_.binder.Bind(binding); !bound) {
    spdlog::error("container {}: {}", binding.container.name, bound.error().message);
  }
}

void Pipeline::Apply(const container::Change& change) {
  for (container::Binding* binding : parts_.registry.Apply(change, parts_.clock.BootNs())) {
    Rebind(*binding);
    if (binding->settled) Settled(*binding);
  }
}

bool Pipeline::Held(const container::Binding& binding, std::span<const std::byte> record) {
  if (held_.Hold(binding.home, record)) return true;
  ledger_.held_overflow++;
  return false;
}

void Pipeline::Settled(container::Binding& binding) {
  held_.Release(binding.home, [&](std::span<const std::byte> record) { Judge(record, &binding); });
}

void Pipeline::Tick() {
  const uint64_t now = parts_.clock.BootNs();
  real_minus_boot_ns_ = parts_.clock.RealNs() - now;
  for (container::Binding* binding : parts_.registry.Settle(now, kPatience)) {
    Rebind(*binding);
    Settled(*binding);
  }
  ExpireRunTimeRules(now);
  ForgetDead(now);
}

void Pipeline::Finish() {
  parts_.registry.ForEach([this](container::Binding& binding) { Settled(binding); });
}

void Pipeline::ForgetDead(uint64_t now_ns) {
  for (const kernel::HomeState& home : parts_.kernel.Homes()) {
    if (home.value.tasks != 0) {
      idle_since_ns_.erase(home.id);
      continue;
    }
    const uint64_t since = idle_since_ns_.try_emplace(home.id, now_ns).first->second;
    if (now_ns - since < kHomeGrace) continue;
    if (container::Binding* binding = parts_.registry.Find(home.id)) Settled(*binding);
    parts_.kernel.deny().Forget(home.id);
    parts_.registry.Forget(home.id);
    idle_since_ns_.erase(home.id);
  }
  parts_.binder.Collect();
}

// ---- run-time entries ----

Result<std::string> Pipeline::Deny(container::Binding& binding, std::string_view deny_class,
                                   std::string_view entry, uint64_t expires_ns) {
  if (!parts_.kernel.enforcing()) {
    return Fail("this kernel cannot refuse anything; `nswarden probe` says why");
  }
  if (run_time_rules_.size() >= kRunTimeRulesMax) {
    return Fail("there are " + std::to_string(kRunTimeRulesMax) +
                " run-time entries already; wait until some expire");
  }
  auto parsed = rule::ParseDenyEntry(deny_class, entry);
  if (!parsed) return tl::unexpected(parsed.error());
  auto& [info, entries] = *parsed;
  info.mode = rule::Mode::kEnforce;
  for (rule::DenyEntry& one : entries) {
    one.mode = NSW_VERDICT_DENIED;
    one.rule = info.id;
    if (const Status pushed = parts_.kernel.deny().Push(binding.home, one, binding.pid, expires_ns);
        !pushed) {
      parts_.kernel.deny().Withdraw(binding.home, info.id);
      return tl::unexpected(pushed.error());
    }
  }
  const std::string name = info.name;
  run_time_rules_[info.id] = RunTimeRule{std::move(info), binding.home, expires_ns};
  return name;
}

void Pipeline::ExpireRunTimeRules(uint64_t now_ns) {
  // The kernel lets an entry expire by itself; a verdict of its last moment may still be in a ring,
  // hence the grace.
  std::erase_if(run_time_rules_, [&](auto& item) {
    const RunTimeRule& rule = item.second;
    if (rule.expires_ns == 0 || rule.expires_ns + kHomeGrace > now_ns) return false;
    parts_.kernel.deny().Withdraw(rule.home, item.first);
    return true;
  });
}

}  // namespace nsw
