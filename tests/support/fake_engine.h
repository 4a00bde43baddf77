// SPDX-License-Identifier: Apache-2.0
// Stand-ins for what surrounds the pipeline: the kernel with its deny maps, compiled policies, the
// history and a sink. They note what they are told, and fail where a test says so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "engine/alert/dispatcher.h"
#include "engine/kernel/kernel.h"
#include "engine/rule/rule.h"
#include "store/history.h"

namespace nsw::test {

class FakeDenyMaps final : public kernel::DenyMaps {
 public:
  struct Pushed {
    uint64_t home;
    rule::DenyEntry entry;
    uint64_t expires_ns;
  };
  size_t prepared = 0;  ///< entries of what was made ready for last
  int builds = 0;
  int builds_left = 1'000'000;  ///< then there is no free slot
  int pushes_left = 1'000'000;
  bool throws = false;  ///< there is no memory
  std::map<uint32_t, rule::DenyPlan> slots;
  std::map<uint64_t, uint32_t> bound;
  std::set<uint64_t> refuses;  ///< homes whose Bind fails
  std::set<uint64_t> held;     ///< homes that stay as an engine before this one bound them
  std::vector<Pushed> pushed;
  std::vector<std::pair<uint64_t, uint32_t>> withdrawn;
  std::vector<uint64_t> forgotten;
  std::vector<uint64_t> refreshed;
  size_t refreshes_cost = 1;
  int freed_in_use = 0;

  Status Prepare(const rule::DenyPlan& plan) override {
    prepared = plan.entries.size();
    return {};
  }
  Result<uint32_t> BuildSet(const rule::DenyPlan& plan) override {
    if (throws) throw std::bad_alloc();
    if (builds_left-- <= 0) return Fail("no free slot");
    slots[++builds + 100] = plan;
    return static_cast<uint32_t>(builds) + 100;
  }
  void FreeSet(uint32_t slot) override {
    for (const auto& [home, used] : bound) freed_in_use += used == slot;
    slots.erase(slot);
  }
  Result<size_t> Refresh(uint64_t home, pid_t) override {
    refreshed.push_back(home);
    return refreshes_cost;
  }
  Status Bind(uint64_t home, uint32_t slot, const rule::DenyPlan&, pid_t) override {
    if (throws) throw std::bad_alloc();
    if (refuses.contains(home)) return Fail("no room in the overlay");
    bound[home] = slot;
    return {};
  }
  bool Holds(const container::Binding& binding) const override {
    return held.contains(binding.home);
  }
  Status Push(uint64_t home, const rule::DenyEntry& entry, pid_t, uint64_t expires_ns) override {
    if (pushes_left-- <= 0) return Fail("no room");
    pushed.push_back({home, entry, expires_ns});
    return {};
  }
  void Withdraw(uint64_t home, uint32_t rule) override { withdrawn.emplace_back(home, rule); }
  size_t WithdrawAll(uint64_t home, uint64_t) override {
    std::set<uint32_t> rules;
    for (const Pushed& one : pushed) {
      if (one.home == home) rules.insert(one.entry.rule);
    }
    for (const uint32_t rule : rules) withdrawn.emplace_back(home, rule);
    return rules.size();
  }
  void Forget(uint64_t home) override {
    forgotten.push_back(home);
    bound.erase(home);
  }
};

class FakeKernel final : public kernel::Kernel {
 public:
  FakeDenyMaps maps;
  bool can_enforce = true;
  bool can_kill = false;  ///< where it cannot enforce
  bool watch_host = false;
  uint64_t wanted = 0;
  uint64_t everywhere = 0;
  std::set<std::string> read_names;
  bool holding = false;
  std::map<uint64_t, uint64_t> home_wants;
  std::map<uint64_t, uint32_t> flags;
  std::vector<kernel::HomeState> homes;
  mutable int walks = 0;  ///< over them
  uint64_t emptied = 0;

  Status LabelRunning() override { return {}; }
  size_t Poll(int, const Handler&) override { return 0; }
  void Wake() override {}
  std::vector<kernel::Counter> Counters() const override { return {}; }
  uint64_t Malformed() const override { return 0; }
  std::vector<kernel::HomeState> Homes() const override {
    ++walks;
    return homes;
  }
  uint64_t Emptied() const override { return emptied; }
  uint32_t host_pid_namespace() const override { return 1; }
  void SetWatchHost(bool on) override { watch_host = on; }
  void SetWanted(uint64_t events, uint64_t of_all) override {
    wanted = events;
    everywhere = of_all;
  }
  std::vector<rule::Ports> ports;  // as they were set
  void SetPorts(const rule::Ports& now) override { ports.push_back(now); }
  void SetReadNames(const std::set<std::string>& names) override { read_names = names; }
  void SetHolding(bool on) override { holding = on; }
  Status SetHomeWants(uint64_t home, uint64_t events) override {
    home_wants[home] = events;
    return {};
  }
  Status SetHomeFlags(uint64_t home, uint32_t set) override {
    flags[home] |= set;
    return {};
  }
  std::map<uint32_t, rule::RuleInfo> named;  ///< by an engine before this one, and by this one
  std::vector<kernel::Untold> untold;
  void NameRule(const rule::RuleInfo& rule) override { named[rule.id] = rule; }
  std::optional<rule::RuleInfo> FindRule(uint32_t id) const override {
    const auto found = named.find(id);
    return found == named.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<kernel::Untold> TakeUntold() override {
    untold_taken = !untold.empty();
    return std::exchange(untold, {});
  }
  bool untold_taken = false;  ///< and not reported yet
  void UntoldReported() override { untold_taken = false; }
  std::string untold_counter() const override { return "boot/1"; }
  std::map<uint32_t, uint64_t> reported_before;
  void UntoldReportedBefore(const std::map<uint32_t, uint64_t>& counts) override {
    reported_before = counts;
  }
  Status ClearHomeFlags(uint64_t home, uint32_t clear) override {
    flags[home] &= ~clear;
    return {};
  }
  kernel::Enforcement enforcement() const override {
    if (can_enforce) return kernel::Enforcement::kRefuses;
    return can_kill ? kernel::Enforcement::kKills : kernel::Enforcement::kNone;
  }
  kernel::DenyMaps& deny() override { return maps; }
  std::vector<std::string> attachments() const override { return {}; }
  std::optional<kernel::Disarmed> how;
  std::optional<kernel::Disarmed> disarmed() const override { return how; }
  std::vector<kernel::Sign> signs;
  std::vector<kernel::Sign> Signs() override { return signs; }
};

/// Policies by position; which hold for a container is by its name, which rules match is a
/// function.
class FakePolicySet final : public rule::PolicySet {
 public:
  using Chosen = std::vector<uint32_t>;
  std::map<std::string, Chosen> by_name;  ///< a name that is not there: `others`
  Chosen others;
  Chosen host;
  std::map<Chosen, rule::DenyPlan> plans;
  std::map<uint32_t, rule::RuleInfo> rules;
  std::vector<rule::PolicyInfo> infos;
  std::function<const rule::RuleInfo*(const event::Event&, std::span<const uint32_t>)> match;
  std::function<const rule::RuleInfo*(const event::Event&)> match_deny;

  /// A set that refuses `paths` to containers of policies `chosen`.
  void Refuse(const Chosen& chosen, const std::string& path) {
    plans[chosen].entries.push_back(
        {.rule = 7, .classes = 1, .mode = NSW_VERDICT_DENIED, .keys = {{.path = path}}});
  }

  Chosen Select(const container::Container& container) const override {
    const auto found = by_name.find(container.name);
    return found == by_name.end() ? others : found->second;
  }
  Chosen SelectHost() const override { return host; }
  void Match(const event::Event& event, std::span<const uint32_t> policies,
             rule::Matches& out) const override {
    if (!match) return;
    if (const rule::RuleInfo* rule = match(event, policies)) out.rules.push_back(rule);
  }
  const rule::RuleInfo* MatchDeny(const event::Event& event,
                                  std::span<const uint32_t>) const override {
    return match_deny ? match_deny(event) : nullptr;
  }
  uint64_t EndedStartups(const event::Event&, std::span<const uint32_t>) const override {
    return 0;
  }
  uint64_t EndedStartups(std::string_view, std::span<const uint32_t>) const override { return 0; }
  rule::DenyPlan Plan(std::span<const uint32_t> policies) const override {
    const auto found = plans.find(Chosen(policies.begin(), policies.end()));
    return found == plans.end() ? rule::DenyPlan{} : found->second;
  }
  const rule::RuleInfo* FindRule(uint32_t id) const override {
    const auto found = rules.find(id);
    return found == rules.end() ? nullptr : &found->second;
  }
  std::span<const rule::PolicyInfo> policies() const override { return infos; }
  uint64_t wants = ~0ULL;
  uint64_t wanted() const override { return wants; }
  std::set<std::string> names;
  const std::set<std::string>& read_names() const override { return names; }
  rule::Ports wanted_ports;
  const rule::Ports& ports() const override { return wanted_ports; }
  std::map<Chosen, uint64_t> wanted_by;
  uint64_t WantedBy(std::span<const uint32_t> policies) const override {
    const auto found = wanted_by.find(Chosen(policies.begin(), policies.end()));
    return found == wanted_by.end() ? wants : found->second;
  }
};

class FakeWriter final : public store::Writer {
 public:
  struct Recorded {
    event::Type type;
    uint32_t pid;
    std::string container;
    alert::Verdict verdict;
    std::string rule;
  };
  std::vector<Recorded> events;
  std::vector<std::string> alerts;
  std::vector<std::string> named;
  std::vector<std::string> operations;

  void RecordEvent(const event::Event& event, alert::Verdict verdict,
                   const rule::RuleInfo* rule) override {
    events.push_back({event.type(), event.header().pid,
                      event.binding == nullptr ? "" : event.binding->container.name, verdict,
                      rule == nullptr ? "" : rule->name});
  }
  void RecordAlert(const alert::Alert& alert, const event::Event&) override {
    alerts.push_back(alert.rule);
  }
  void RecordOperation(const std::string& what, const std::string& detail, uint32_t,
                       uint32_t) override {
    operations.push_back(what + " " + detail);
  }
  std::map<std::string, store::Told> told;  ///< by counter
  void RecordRefusals(const rule::RuleInfo& rule, const store::Refusals& refusals) override {
    operations.push_back("refused " + refusals.detail);
    if (refusals.counted != 0) told[refusals.counter][rule.id] = refusals.counted;
  }
  store::Told ToldOf(const std::string& counter) const override {
    const auto found = told.find(counter);
    return found == told.end() ? store::Told() : found->second;
  }
  void NameContainer(const container::Binding& binding) override {
    named.push_back(binding.container.name);
  }
  void Flush() override {}
  uint64_t mark = 0;     ///< of what was recorded last
  uint64_t written = 0;  ///< so far
  uint64_t Mark() const override { return mark; }
  bool Written(uint64_t up_to) const override { return written >= up_to; }
  store::WriterStats Stats() const override { return {}; }
};

/// Alerts in the order in which the sink got them; whole once the dispatcher is destroyed.
class CollectingSink final : public alert::Sink {
 public:
  struct Collected {
    std::mutex mutex;
    std::vector<alert::Alert> alerts;
  };
  explicit CollectingSink(std::shared_ptr<Collected> into) : into_(std::move(into)) {}
  std::string name() const override { return "collecting"; }
  Status Write(const alert::Alert& alert) override {
    const std::lock_guard lock(into_->mutex);
    into_->alerts.push_back(alert);
    return {};
  }

 private:
  std::shared_ptr<Collected> into_;
};

}  // namespace nsw::test
