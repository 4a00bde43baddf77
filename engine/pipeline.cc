// SPDX-License-Identifier: Apache-2.0
#include "engine/pipeline.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "engine/event/field_table.h"
#include "engine/rule/builtin.h"

namespace nsw {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kPatience = 2 * kSecond;    // for metadata
constexpr uint64_t kHomeGrace = 10 * kSecond;  // a namespace without processes can be entered again
constexpr uint64_t kHomeWalk = 10 * kSecond;   // between walks over the homes, where none is idle
constexpr size_t kSweep = 512;                 // processes looked at in a tick: some milliseconds

size_t Index(const event::Event& event) { return event.header().type; }

// What a record that cannot be decoded says of itself; 0 where it is not to be believed.
size_t TypeOf(std::span<const std::byte> record) {
  nsw_header header{};
  if (record.size() < sizeof header) return NSW_EVENT_NONE;
  std::memcpy(&header, record.data(), sizeof header);
  return header.type < NSW_EVENT_COUNT ? header.type : size_t{NSW_EVENT_NONE};
}

}  // namespace

// A quarantine outlives the engine that ordered it, and so does what the history was told.
Pipeline::Pipeline(PipelineParts parts)
    : parts_(std::move(parts)), processes_(parts_.process_reader, parts_.max_processes) {
  for (const kernel::HomeState& home : parts_.kernel.Homes()) {
    if ((home.value.flags & NSW_HOME_QUARANTINED) != 0) quarantined_.insert(home.id);
  }
  untold_counter_ = parts_.kernel.untold_counter();
  if (parts_.history != nullptr)
    parts_.kernel.UntoldReportedBefore(parts_.history->ToldOf(untold_counter_));
  LoadRunTime();
}

void Pipeline::Handle(std::span<const std::byte> record) {
  if (!Decode(record)) return;
  ledger_.decoded[Index(event_)]++;
  if (event_.header().life != parts_.kernel.life()) ledger_.inherited[Index(event_)]++;
  if (event_.type() == event::Type::k_home) {
    ledger_.unwanted[Index(event_)]++;
    return SeenHome();
  }
  container::Binding* binding = BindingOf(record);
  if (binding != nullptr && !binding->settled && Held(*binding, record)) return;
  Judge(binding);
}

bool Pipeline::Decode(std::span<const std::byte> record) {
  const bool good = event::Decode(record, event_) == event::DecodeError::kNone;
  if (!good) ledger_.decode_errors[TypeOf(record)]++;
  return good;
}

// Judges event_.
void Pipeline::Judge(const container::Binding* binding) {
  event_.number = ++number_;
  event_.real_time_ns = event_.header().time_ns + real_minus_boot_ns_;
  event_.binding = binding != nullptr && binding->is_container ? binding : nullptr;
  processes_.Bind(event_);

  const auto& policies =
      event_.binding != nullptr ? binding->policies : parts_.binder.host_policies();
  alert::Verdict verdict = alert::Verdict::kNone;
  const rule::RuleInfo* denied = DenyRule(policies, verdict);
  matches_.rules.clear();
  parts_.binder.policies()->Match(event_, policies, matches_);
  if (denied != nullptr || !matches_.rules.empty()) ledger_.matched[Index(event_)]++;

  Record(verdict, denied);
  if (denied != nullptr) Report(*denied, verdict);
  for (const rule::RuleInfo* rule : matches_.rules) Report(*rule, alert::Verdict::kNone);
  EndStartups();
}

// The program that ends a startup phase is itself executed in that phase.
void Pipeline::EndStartups() {
  if (event_.binding == nullptr || event_.type() != event::Type::k_exec) return;
  container::Binding* binding = parts_.registry.Find(event_.binding->home);
  if (binding != nullptr)
    binding->running |= parts_.binder.policies()->EndedStartups(event_, binding->policies);
}

// The deny rule that spoke: the kernel names it in the record; where it did not speak (no LSM, or
// the act came before the policy was in force) the same entries are looked up here, and what they
// forbid is reported, not refused.
const rule::RuleInfo* Pipeline::DenyRule(std::span<const uint32_t> policies,
                                         alert::Verdict& verdict) {
  if (event_.header().verdict == NSW_VERDICT_NONE) {
    if (KernelJudged()) return nullptr;
    const rule::RuleInfo* rule = parts_.binder.policies()->MatchDeny(event_, policies);
    if (rule != nullptr) verdict = alert::Verdict::kWouldDeny;
    return rule;
  }
  verdict = alert::VerdictOf(event_.header());
  return KernelRule();
}

// Whether the kernel knew the policies when the act was performed: then its silence permits. It
// sees what user space does not, files behind links for one, and must not be contradicted.
bool Pipeline::KernelJudged() const {
  if (!parts_.kernel.judging()) return false;
  const container::Binding* binding = event_.binding;
  return binding != nullptr && binding->in_force_ns != 0 &&
         event_.header().time_ns > binding->in_force_ns &&
         parts_.binder.NotInForce(binding->home) == nullptr;
}

void Pipeline::NoteInForce(container::Binding& binding) {
  const bool in_force =
      parts_.kernel.judging() && parts_.binder.NotInForce(binding.home) == nullptr;
  if (!in_force)
    binding.in_force_ns = 0;
  else if (binding.in_force_ns == 0)
    binding.in_force_ns = parts_.clock.BootNs();
}

const rule::RuleInfo* Pipeline::KernelRule() {
  const nsw_header& header = event_.header();
  if (header.rule == 0)
    return event_.has_flag(NSW_F_UNRESOLVED) ? &rule::UnresolvedRule() : &rule::QuarantineRule();
  if (header.rule == NSW_RULE_UNBOUND) return &rule::UnboundRule();
  if (header.rule == NSW_RULE_OWN) return &rule::OwnRule();
  return RuleOf(header.home, header.rule);
}

const rule::RuleInfo* Pipeline::RuleOf(uint64_t home, uint32_t id) {
  if (const auto* rule = parts_.binder.policies()->FindRule(id)) return rule;
  const auto found = run_time_rules_.find({home, id});
  if (found != run_time_rules_.end()) return &found->second.rule;
  if (auto older = parts_.kernel.FindRule(id)) {
    older_rule_ = std::move(*older);
    return &older_rule_;
  }
  ledger_.unknown_verdicts++;
  unknown_rule_.id = id;
  return &unknown_rule_;
}

void Pipeline::Record(alert::Verdict verdict, const rule::RuleInfo* rule) {
  const bool recorded =
      (parts_.recorded >> Index(event_) & 1) != 0 || verdict != alert::Verdict::kNone;
  if (parts_.history == nullptr || event_.binding == nullptr || !recorded) {
    ledger_.unwanted[Index(event_)]++;
    return;
  }
  ledger_.recorded[Index(event_)]++;
  parts_.history->RecordEvent(event_, verdict, rule);
}

void Pipeline::Report(const rule::RuleInfo& rule, alert::Verdict verdict) {
  ledger_.alerts++;
  const std::string_view done = Act(rule, verdict);
  alert::Alert alert = alert::MakeAlert(rule, event_, verdict, parts_.hostname);
  if (!done.empty()) alert.action = done;
  if (parts_.history != nullptr) parts_.history->RecordAlert(alert, event_);
  parts_.dispatcher.Post(std::move(alert));
}

// ---- containers ----

container::Binding* Pipeline::BindingOf(std::span<const std::byte> record) {
  const uint64_t home = event_.header().home;
  if (home == 0) return nullptr;
  if (container::Binding* binding = parts_.registry.Find(home)) return binding;
  // The home's own record was lost; this one tells as much.
  SeenHome();
  return Decode(record) ? parts_.registry.Find(home) : nullptr;
}

// Leaves in event_ whatever was judged last.
void Pipeline::SeenHome() {
  const nsw_header& header = event_.header();
  const bool told = event_.type() == event::Type::k_home;
  const uint64_t parent = told ? event_.as<nsw_event_home>().parent : 0;
  static const size_t kCgroup = event::TextOf(event::Type::k_home, "cgroup");
  const std::string cgroup(told ? event_.text(kCgroup) : std::string_view());
  const bool foreign = header.pidns != parts_.host_pidns;
  std::vector<container::Binding*> others;
  container::Binding& binding =
      parts_.registry.SeenHome(header.home, parent, static_cast<pid_t>(header.pid), foreign,
                               parts_.clock.BootNs(), &others, cgroup);
  if (told) NoteStart(binding, event_.as<nsw_event_home>().init_ns);
  Rebind(binding);
  Restore(binding);
  if (binding.settled) Settled(binding);
  for (container::Binding* other : others) Changed(*other);
}

void Pipeline::NoteStart(container::Binding& binding, uint64_t init_boot_ns) const {
  if (init_boot_ns == 0 || binding.init_start_ns != 0) return;
  binding.init_start_ns = parts_.clock.RealNs() - parts_.clock.BootNs() + init_boot_ns;
}

void Pipeline::Rebind(container::Binding& binding) {
  if (const Status bound = parts_.binder.Bind(binding); !bound) {
    spdlog::error("container {}: {}", binding.container.name, bound.error().message);
  }
  NoteInForce(binding);
}

void Pipeline::Apply(const container::Change& change) {
  for (container::Binding* binding : parts_.registry.Apply(change, parts_.clock.BootNs())) {
    Changed(*binding);
  }
}

// More is known of it than when it was bound.
void Pipeline::Changed(container::Binding& binding) {
  Rebind(binding);
  Restore(binding);
  if (parts_.history != nullptr) parts_.history->NameContainer(binding);
  if (binding.settled) Settled(binding);
}

// False: event_ is to be judged now. Where there is no room the container is waited for no longer:
// what it did before is judged first, so that its acts stay in their order.
bool Pipeline::Held(container::Binding& binding, std::span<const std::byte> record) {
  processes_.Learn(event_);
  if (held_.Hold(binding.home, record)) return true;
  ledger_.held_overflow++;
  binding.settled = true;
  Rebind(binding);
  Settled(binding);
  return !Decode(record);
}

void Pipeline::Settled(container::Binding& binding) {
  held_.Release(binding.home, [&](std::span<const std::byte> record) {
    if (Decode(record)) Judge(&binding);
  });
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
  TickRunTime(now);
  parts_.registry.ForEach([this](container::Binding& binding) { NoteInForce(binding); });
  parts_.binder.Refresh();
  for (container::Binding* binding : parts_.binder.Retry()) {
    NoteInForce(*binding);
    spdlog::info("container {}: what its policies refuse is in force now", binding->container.name);
  }
  processes_.Sweep(now, kSweep);
  ReportUntold();
  Beat();
}

void Pipeline::Finish() {
  parts_.registry.ForEach([this](container::Binding& binding) {
    binding.settled = true;  // nothing more will come: absent, no longer unknown
    Settled(binding);
  });
}

// A walk is two system calls a home, and while one of them is under way the kernel skips the
// kprobes of whoever preempts it.
bool Pipeline::HomesMayBeIdle(uint64_t now_ns) {
  const uint64_t emptied = parts_.kernel.Emptied();
  if (emptied == emptied_ && idle_since_ns_.empty() && now_ns < next_walk_ns_) return false;
  emptied_ = emptied;
  next_walk_ns_ = now_ns + kHomeWalk;
  return true;
}

// What the kernel no longer lists has as little life in it as what it lists without processes.
void Pipeline::ForgetDead(uint64_t now_ns) {
  if (!HomesMayBeIdle(now_ns)) return parts_.binder.Collect();
  std::unordered_set<uint64_t> alive;
  std::unordered_set<uint64_t> idle;
  for (const kernel::HomeState& home : parts_.kernel.Homes()) {
    (home.value.tasks != 0 ? alive : idle).insert(home.id);
  }
  parts_.registry.ForEach([&](const container::Binding& binding) {
    if (!alive.contains(binding.home)) idle.insert(binding.home);
  });
  std::erase_if(idle_since_ns_, [&](const auto& item) { return !idle.contains(item.first); });
  for (const uint64_t home : idle) {
    const uint64_t since = idle_since_ns_.try_emplace(home, now_ns).first->second;
    if (now_ns - since >= kHomeGrace) Forget(home);
  }
  parts_.binder.Collect();
}

void Pipeline::Forget(uint64_t home) {
  if (container::Binding* binding = parts_.registry.Find(home)) Settled(*binding);
  parts_.kernel.deny().Forget(home);
  parts_.registry.Forget(home);
  std::erase_if(run_time_rules_, [&](const auto& item) { return item.first.first == home; });
  idle_since_ns_.erase(home);
  quarantined_.erase(home);
  run_time_changed_ = true;
}

// ---- run-time entries ----

Status Pipeline::CanRefuse(const container::Binding& binding) const {
  if (!parts_.kernel.enforcing()) {
    return Fail(
        "this kernel cannot refuse anything; `nswarden probe` says why, and what would help; a "
        "policy's deny entry reports the act here");
  }
  if (!binding.is_container)
    return Fail(binding.container.name + " is not a container, but a service of the host");
  return {};
}

Status Pipeline::CanPush(const container::Binding& binding) const {
  if (const Status can = CanRefuse(binding); !can) return can;
  if (run_time_rules_.size() < kRunTimeRulesMax) return {};
  return Fail("there are " + std::to_string(kRunTimeRulesMax) +
              " run-time entries already; wait until some expire");
}

Result<std::string> Pipeline::Deny(container::Binding& binding, std::string_view deny_class,
                                   std::string_view entry, uint64_t expires_ns) {
  if (const Status can = CanPush(binding); !can) return tl::unexpected(can.error());
  auto parsed = rule::ParseDenyEntry(deny_class, entry);
  if (!parsed) return tl::unexpected(parsed.error());
  auto pushed = Push(binding, std::move(parsed->first), parsed->second, expires_ns);
  SaveRunTime();
  return pushed;
}

Result<std::string> Pipeline::Push(container::Binding& binding, rule::RuleInfo info,
                                   const rule::DenyEntry& entry, uint64_t expires_ns) {
  const RunTimeKey key{binding.home, info.id};
  if (const Status pushed = parts_.kernel.deny().Push(binding.home, entry, binding.pid, expires_ns);
      !pushed) {
    // What an earlier push of the same entry refuses, it goes on refusing.
    if (!run_time_rules_.contains(key)) parts_.kernel.deny().Withdraw(binding.home, info.id);
    return tl::unexpected(pushed.error());
  }
  parts_.binder.AlsoWant(rule::EventsOfDeny(entry));
  const std::string name = info.name;
  parts_.kernel.NameRule(info);
  run_time_rules_[key] = RunTimeEntry{std::move(info), entry, expires_ns};
  run_time_changed_ = true;
  return name;
}

void Pipeline::ExpireRunTimeRules(uint64_t now_ns) {
  // The kernel lets an entry expire by itself; a verdict of its last moment may still be in a ring,
  // hence the grace.
  std::erase_if(run_time_rules_, [&](const auto& item) {
    const auto& [home, rule] = item.first;
    const uint64_t expires_ns = item.second.expires_ns;
    if (expires_ns == 0 || now_ns < expires_ns || now_ns - expires_ns < kHomeGrace) return false;
    parts_.kernel.deny().Withdraw(home, rule);
    return true;
  });
}

}  // namespace nsw
