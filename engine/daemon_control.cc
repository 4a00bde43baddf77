// SPDX-License-Identifier: Apache-2.0
// What the daemon answers on its control socket. Everything that touches the pipeline is asked of
// its thread.
#include <spdlog/spdlog.h>

#include "engine/base/text.h"
#include "engine/daemon.h"

namespace nsw {
namespace {

using nlohmann::json;

json Refusal(std::string message) { return {{"error", std::move(message)}}; }

std::string TextOf(const json& request, const char* key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

constexpr const char* kToldNot =
    "this engine was told to refuse nothing (--no-enforce, or enforce: false)";

json NotFound(const json& request) {
  return Refusal("no container, or more than one, is called '" + TextOf(request, "container") +
                 "'; `nswarden ps` lists them");
}

std::string_view ModeName(rule::Mode mode) {
  switch (mode) {
    case rule::Mode::kEnforce:
      return "enforce";
    case rule::Mode::kAudit:
      return "audit";
    case rule::Mode::kOff:
      return "off";
  }
  return "";
}

// What the engine can do about an act on this host.
struct Means {
  kernel::Enforcement kernel;
  bool kill;  ///< the engine was not told to leave everybody alone
};

std::string_view EnforcementName(kernel::Enforcement enforcement) {
  switch (enforcement) {
    case kernel::Enforcement::kRefuses:
      return "refuses";
    case kernel::Enforcement::kKills:
      return "kills";
    case kernel::Enforcement::kNone:
      break;
  }
  return "none";
}

// What becomes of a policy's deny entries.
std::string_view Effect(const rule::PolicyInfo& policy, Means means) {
  if (!policy.has_deny) return "alerts";
  if (policy.mode != rule::Mode::kEnforce) return "audit";
  if (means.kernel == kernel::Enforcement::kRefuses) return "enforced";
  if (!means.kill || !policy.fallback_kill || policy.host) return "detection only";
  return means.kernel == kernel::Enforcement::kKills ? "killed at the act" : "killed afterwards";
}

json PolicyJson(const rule::PolicyInfo& policy, Means means) {
  return {{"name", policy.name},
          {"file", policy.file},
          {"sha256", policy.sha256},
          {"mode", ModeName(policy.mode)},
          {"rules", policy.rules},
          {"deny_entries", policy.deny_entries},
          {"allow_lists", policy.allow_lists},
          {"effect", Effect(policy, means)}};
}

// `failure`: why what the policies refuse is not in force; null: it is.
json BindingJson(const container::Binding& binding, std::span<const rule::PolicyInfo> policies,
                 Means means, const std::string* failure) {
  json bound = json::array();
  for (const uint32_t position : binding.policies) {
    const rule::PolicyInfo& policy = policies[position];
    const bool failed = failure != nullptr && policy.has_deny;
    bound.push_back(
        {{"name", policy.name},
         {"effect", failed ? "not in force: " + *failure : std::string(Effect(policy, means))}});
  }
  const container::Container& c = binding.container;
  return {{"id", c.id},
          {"name", c.name},
          {"runtime", c.runtime},
          {"image", c.image.reference},
          {"pid", c.init_pid != 0 ? c.init_pid : binding.pid},
          {"mount_namespace", static_cast<uint32_t>(binding.home)},
          {"privileged", c.privileged.value_or(false)},
          {"k8s_namespace", c.k8s_namespace},
          {"k8s_pod", c.k8s_pod},
          {"not_in_force", failure != nullptr ? json(*failure) : json(nullptr)},
          {"policies", std::move(bound)}};
}

constexpr uint64_t kPeriodMax = 3650ULL * 86'400'000'000'000;

constexpr const char* kCountNames[] = {"emitted",   "lost_ring_full", "lost_no_scratch", "unpaired",
                                       "truncated", "lost_no_label",  "denied",          "skipped"};
static_assert(std::size(kCountNames) == NSW_COUNT_KINDS);

// The whole ledger of an event type, from the kernel to the history's file. What is of no one type
// goes into `general`.
json EventsJson(const std::vector<kernel::Counter>& counters, const Ledger& ledger,
                const store::CountsByType& history, json& general) {
  json events = json::object();
  for (const kernel::Counter& counter : counters) {
    const auto type = static_cast<event::Type>(counter.event);
    json& place =
        type == event::Type::kNone ? general : events[std::string(event::Info(type).name)];
    place[kCountNames[counter.kind]] = counter.value;
  }
  for (size_t i = 1; i < NSW_EVENT_COUNT; i++) {
    events[std::string(event::Info(static_cast<event::Type>(i)).name)].update(
        {{"lost_decode", ledger.decode_errors[i]},
         {"inherited", ledger.inherited[i]},
         {"decoded", ledger.decoded[i]},
         {"matched", ledger.matched[i]},
         {"not_wanted", ledger.unwanted[i]},
         {"wanted", ledger.recorded[i]},
         {"stored", history[i].stored},
         {"pending", history[i].pending},
         {"lost_queue", history[i].lost_queue},
         {"lost_error", history[i].lost_error}});
  }
  return events;
}

json DisarmedJson(const std::optional<kernel::Disarmed>& disarmed) {
  if (!disarmed) return nullptr;
  return {{"reason", disarmed->reason},
          {"uid", disarmed->uid},
          {"pid", disarmed->pid},
          {"time_ns", disarmed->time_ns}};
}

// What the engine relies on in the kernel. Times are CLOCK_REALTIME.
json HeartbeatJson(const Pipeline& pipeline) {
  const Heartbeat& heartbeat = pipeline.heartbeat();
  json watched = json::array();
  for (const auto& [what, state] : heartbeat.states()) {
    json one = {{"what", what}, {"works", state.failing_ns == 0}};
    if (state.failing_ns != 0) {
      one["since_ns"] = pipeline.RealNs(state.failing_ns);
      one["trouble"] = state.trouble;
    }
    watched.push_back(std::move(one));
  }
  return {{"last_ns", pipeline.RealNs(heartbeat.last_ns())},
          {"impaired", !heartbeat.Failing().empty()},
          {"watched", std::move(watched)}};
}

json EngineJson(const Pipeline& pipeline, uint64_t malformed) {
  const Ledger& ledger = pipeline.ledger();
  return {{"malformed", malformed},
          {"decode_errors", ledger.decode_errors[NSW_EVENT_NONE]},
          {"unknown_verdicts", ledger.unknown_verdicts},
          {"untold", ledger.untold},
          {"held_overflow", ledger.held_overflow},
          {"held", pipeline.held()},
          {"forgotten_processes", pipeline.processes().forgotten()}};
}

}  // namespace

json Daemon::Control(const json& request, const Peer& asking) {
  const std::string verb = TextOf(request, "verb");
  const Peer peer{asking.uid, asking.pid, TextOf(request, "reason")};
  const json stopping = Refusal("the engine is stopping");
  if (verb == "ps") return queue_->Ask([this] { return Ps(); }).value_or(stopping);
  if (verb == "status") return queue_->Ask([this] { return ShowStatus(); }).value_or(stopping);
  if (verb == "deny")
    return queue_->Ask([&, this] { return Deny(request, peer); }).value_or(stopping);
  if (verb == "disarm" || verb == "arm")
    return queue_->Ask([&, this] { return Disarm(request, peer); }).value_or(stopping);
  if (verb == "stop")
    return queue_->Ask([&, this] { return Stop(request, peer); }).value_or(stopping);
  if (verb == "quarantine")
    return queue_->Ask([&, this] { return Quarantine(request, peer); }).value_or(stopping);
  if (verb == "release")
    return queue_->Ask([&, this] { return Release(request, peer); }).value_or(stopping);
  if (verb == "reload") {
    const auto reloaded = Reload(peer);
    return reloaded ? json{{"policies", reloaded->policies}, {"warnings", reloaded->warnings}}
                    : Refusal(reloaded.error().message);
  }
  return Refusal("unknown verb '" + verb + "'");
}

json Daemon::Ps() {
  json list = json::array();
  const bool enforcing = kernel_->enforcing();
  registry_->ForEach([&](container::Binding& binding) {
    if (!binding.is_container || binding.removed) return;
    list.push_back(BindingJson(binding, binder_->policies()->policies(),
                               {kernel_->enforcement(), config_.enforce},
                               binder_->NotInForce(binding.home)));
    list.back()["quarantined"] = pipeline_->quarantined(binding.home);
  });
  return {{"containers", std::move(list)}, {"enforcing", enforcing}};
}

json Daemon::ShowStatus() {
  const store::WriterStats stored = history_ != nullptr ? history_->Stats() : store::WriterStats();
  json general = EngineJson(*pipeline_, kernel_->Malformed());
  json events = EventsJson(kernel_->Counters(), pipeline_->ledger(), stored.by_type, general);

  json policies = json::array();
  for (const rule::PolicyInfo& policy : binder_->policies()->policies()) {
    const auto means = policy.host ? kernel::Enforcement::kNone : kernel_->enforcement();
    policies.push_back(PolicyJson(policy, {means, config_.enforce}));
  }
  json sinks = json::array();
  for (const alert::SinkStats& s : dispatcher_->Stats()) {
    sinks.push_back({{"name", s.name},
                     {"written", s.written},
                     {"lost_queue_full", s.lost_queue_full},
                     {"lost_failed", s.lost_failed},
                     {"queued", s.queued},
                     {"last_error", s.last_error}});
  }
  json runtimes = json::array();
  for (const auto& source : sources_)
    runtimes.push_back({{"name", source->name()}, {"state", source->state()}});
  json history = nullptr;
  if (history_ != nullptr) {
    const store::WriterStats& s = stored;
    std::error_code failed;
    const uint64_t now = SystemClock().RealNs();
    const bool behind = s.pending_since_ns != 0 && s.pending_since_ns < now;
    const uintmax_t bytes = std::filesystem::file_size(config_.history, failed);
    std::error_code no_log;  // what is not in the file yet
    const uintmax_t log = std::filesystem::file_size(config_.history.string() + "-wal", no_log);
    history = {{"file", config_.history.string()},
               {"bytes", failed ? json(nullptr) : json(bytes + (no_log ? 0 : log))},
               {"recorded", s.recorded},
               {"stored", s.stored},
               {"pending", s.pending},
               {"behind_ns", behind ? now - s.pending_since_ns : 0},
               {"lost_queue", s.lost_queue},
               {"lost_error", s.lost_error},
               {"last_error", s.last_error},
               {"last_error_ns", s.last_error_ns}};
  }
  return {{"uptime_ns", SystemClock().BootNs() - started_ns_},
          {"enforcing", kernel_->enforcing()},
          {"enforcement", EnforcementName(kernel_->enforcement())},
          {"enforce", config_.enforce},
          {"pinned", kernel_->pinned()},
          {"disarmed", DisarmedJson(kernel_->disarmed())},
          {"containers", registry_->size()},
          {"not_in_force", binder_->not_in_force()},
          {"alerts", pipeline_->ledger().alerts},
          {"attachments", kernel_->attachments()},
          {"events", std::move(events)},
          {"engine", std::move(general)},
          {"heartbeat", HeartbeatJson(*pipeline_)},
          {"policies", std::move(policies)},
          {"sinks", std::move(sinks)},
          {"runtimes", std::move(runtimes)},
          {"history", std::move(history)}};
}

json Daemon::Deny(const json& request, const Peer& peer) {
  if (!config_.enforce) return Refusal(kToldNot);
  container::Binding* binding = registry_->FindByName(TextOf(request, "container"));
  if (binding == nullptr) return NotFound(request);
  uint64_t expires_ns = 0;
  // Whatever is there and not a duration is refused: without one the entry would hold for ever.
  if (const json period = request.value("for", json("")); period != "") {
    const auto ns = ParseDuration(period.is_string() ? period.get<std::string>() : period.dump());
    if (!ns) return Refusal("--for: " + ns.error().message);
    if (*ns == 0 || *ns > kPeriodMax) return Refusal("--for: must be from 1ms to 3650d");
    expires_ns = SystemClock().BootNs() + *ns;
  }
  const std::string entry = TextOf(request, "entry");
  const auto pushed = pipeline_->Deny(*binding, TextOf(request, "class"), entry, expires_ns);
  if (!pushed) return Refusal(pushed.error().message);
  const std::string detail = binding->container.name + ": " + *pushed +
                             (expires_ns != 0 ? " for " + TextOf(request, "for") : "");
  Operated("deny", detail, peer);
  return {{"rule", *pushed}, {"container", binding->container.name}};
}

json Daemon::Quarantine(const json& request, const Peer& peer) {
  if (!config_.enforce) return Refusal(kToldNot);
  const container::Binding* binding = registry_->FindByName(TextOf(request, "container"));
  if (binding == nullptr) return NotFound(request);
  const Status set = pipeline_->PutIntoQuarantine(*binding);
  if (!set) return Refusal(set.error().message);
  Operated("quarantine", binding->container.name, peer);
  return {{"container", binding->container.name}};
}

json Daemon::Release(const json& request, const Peer& peer) {
  const container::Binding* binding = registry_->FindByName(TextOf(request, "container"));
  if (binding == nullptr) return NotFound(request);
  const auto withdrawn = pipeline_->Release(*binding);
  if (!withdrawn) return Refusal(withdrawn.error().message);
  Operated("release",
           binding->container.name + ": " + std::to_string(*withdrawn) + " run-time entries", peer);
  return {{"container", binding->container.name}, {"entries", *withdrawn}};
}

}  // namespace nsw
