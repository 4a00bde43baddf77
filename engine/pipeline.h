// SPDX-License-Identifier: Apache-2.0
// Pipeline: the way of an event on one screen: Decode, Bind, Match, Alert and History. One thread
// calls everything here, the one that polls the kernel's rings; other threads hand it work through
// the daemon's queue.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "engine/alert/dispatcher.h"
#include "engine/base/clock.h"
#include "engine/container/registry.h"
#include "engine/event/event.h"
#include "engine/heartbeat.h"
#include "engine/held_records.h"
#include "engine/kernel/kernel.h"
#include "engine/kill.h"
#include "engine/policy_binder.h"
#include "engine/rule/rule.h"
#include "engine/run_time_file.h"
#include "store/history.h"

namespace nsw {

/// User space's half of the ledger: counts by event type. No counter is computed from others. At
/// every time what the rings handed over = decoded + decode_errors (type 0: not even a type), and
/// decoded = recorded + unwanted + what is held; the history's own counts go on from there.
struct Ledger {
  std::array<uint64_t, NSW_EVENT_COUNT> decoded{};
  std::array<uint64_t, NSW_EVENT_COUNT> matched{};   ///< events that some rule matched
  std::array<uint64_t, NSW_EVENT_COUNT> recorded{};  ///< handed to the history
  /// Not for the history: host processes, homes, types that it does not record, no history.
  std::array<uint64_t, NSW_EVENT_COUNT> unwanted{};
  std::array<uint64_t, NSW_EVENT_COUNT> decode_errors{};
  /// Of those decoded: records that programs of an engine before this one have written, and that
  /// the kernel's counters of this one know nothing of.
  std::array<uint64_t, NSW_EVENT_COUNT> inherited{};
  uint64_t untold = 0;            ///< refusals of which no record told, reported by their rule
  uint64_t unknown_verdicts = 0;  ///< kernel verdicts of rules that no longer exist
  uint64_t held_overflow = 0;  ///< containers whose metadata was not waited for, for want of room
  uint64_t alerts = 0;
  uint64_t killed = 0;          ///< processes, by rules of the policies
  uint64_t failed_actions = 0;  ///< what a rule asked for and could not be done
};

struct PipelineParts {
  kernel::Kernel& kernel;
  container::Registry& registry;
  PolicyBinder& binder;
  alert::Dispatcher& dispatcher;
  store::Writer* history;  ///< null: no history
  const Clock& clock;
  std::string hostname;
  uint32_t host_pidns = 0;  ///< inode number
  size_t max_processes = 65536;
  const event::ProcessReader& process_reader = event::ProcReader();
  uint64_t recorded = ~0ULL;  ///< bit per nsw_event: what the history records
  bool armed = true;          ///< false: the engine was told to refuse nothing, and kills nobody
  std::function<Status(uint32_t pid, uint64_t start_ns)> kill = [](uint32_t pid, uint64_t start) {
    return KillProcess(pid, start);
  };
  RunTimeFile* run_time = nullptr;  ///< null: run-time entries and quarantines are the maps' alone
};

class Pipeline {
 public:
  static constexpr size_t kRunTimeRulesMax = 4096;

  explicit Pipeline(PipelineParts parts);

  /// One record from the kernel.
  void Handle(std::span<const std::byte> record);

  /// A runtime's word about a container.
  void Apply(const container::Change& change);

  /// Once a second or so: gives up waiting for metadata, forgets homes that are gone, reads the
  /// clocks' offset, and reports what does not work any more.
  void Tick();

  /// At the end: what still waits for metadata is judged with what is known.
  void Finish();

  /// Refuses something to one container from now on. `expires_ns`: CLOCK_BOOTTIME, 0: never.
  [[nodiscard]] Result<std::string> Deny(container::Binding& binding, std::string_view deny_class,
                                         std::string_view entry, uint64_t expires_ns);

  /// Lets a container execute, connect and write nothing more, until Release.
  [[nodiscard]] Status PutIntoQuarantine(const container::Binding& binding);
  /// Ends that, and what was refused to the container at run time: returns how many entries.
  [[nodiscard]] Result<size_t> Release(const container::Binding& binding);
  [[nodiscard]] bool quarantined(uint64_t home) const { return quarantined_.contains(home); }

  /// Writes down what containers are refused at run time, if it may be in force.
  void SaveRunTime();

  /// Whether rules may kill, quarantine and refuse from now on.
  void Arm(bool on) { parts_.armed = on; }

  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// Records that wait for metadata.
  [[nodiscard]] size_t held() const { return held_.records(); }
  [[nodiscard]] const event::ProcessTable& processes() const { return processes_; }
  [[nodiscard]] const Heartbeat& heartbeat() const { return heartbeat_; }
  /// CLOCK_REALTIME of a CLOCK_BOOTTIME.
  [[nodiscard]] uint64_t RealNs(uint64_t boot_ns) const { return boot_ns + real_minus_boot_ns_; }

 private:
  using RunTimeKey =
      std::pair<uint64_t, uint32_t>;  // home, rule id: one entry can hold for several

  container::Binding* BindingOf(std::span<const std::byte> record);
  void SeenHome();
  void NoteStart(container::Binding& binding, uint64_t init_boot_ns) const;
  void Rebind(container::Binding& binding);
  void Changed(container::Binding& binding);
  void Settled(container::Binding& binding);
  [[nodiscard]] bool Held(container::Binding& binding, std::span<const std::byte> record);
  [[nodiscard]] bool Decode(std::span<const std::byte> record);
  void Judge(const container::Binding* binding);
  const rule::RuleInfo* KernelRule();
  const rule::RuleInfo* DenyRule(std::span<const uint32_t> policies, alert::Verdict& verdict);
  void Record(alert::Verdict verdict, const rule::RuleInfo* rule);
  void Report(const rule::RuleInfo& rule, alert::Verdict verdict);
  [[nodiscard]] bool KernelJudged() const;
  void NoteInForce(container::Binding& binding);
  void EndStartups();
  const rule::RuleInfo* RuleOf(uint64_t home, uint32_t id);
  // pipeline_actions.cc
  /// What was done: "kill", "quarantine", "deny"; "": nothing.
  std::string_view Act(const rule::RuleInfo& rule, alert::Verdict verdict);
  [[nodiscard]] Status Kill(const rule::RuleInfo& rule);
  [[nodiscard]] Status PutIntoQuarantine(const rule::RuleInfo& rule);
  [[nodiscard]] Status CanRefuse(const container::Binding& binding) const;
  [[nodiscard]] Status DenyObject(const rule::RuleInfo& rule);
  void RecordAction(const std::string& what, const std::string& detail, const rule::RuleInfo& rule);
  [[nodiscard]] Status CanPush(const container::Binding& binding) const;
  [[nodiscard]] Result<std::string> Push(container::Binding& binding, rule::RuleInfo info,
                                         const rule::DenyEntry& entry, uint64_t expires_ns);
  [[nodiscard]] bool HomesMayBeIdle(uint64_t now_ns);
  void ForgetDead(uint64_t now_ns);
  void Forget(uint64_t home);
  void ExpireRunTimeRules(uint64_t now_ns);
  void ReportUntold();
  void ReportUntold(const rule::RuleInfo& rule, const kernel::Untold& untold);
  // pipeline_run_time.cc
  void LoadRunTime();
  void Restore(container::Binding& binding);
  void TickRunTime(uint64_t now_ns);
  [[nodiscard]] RunTimeHome RunTimeOf(uint64_t home) const;
  // pipeline_heartbeat.cc
  void Beat();
  void ReportChange(const Heartbeat::Change& change, const std::string& text);

  PipelineParts parts_;
  event::Event event_;  // the record at hand
  event::ProcessTable processes_;
  HeldRecords held_;
  rule::Matches matches_;
  Heartbeat heartbeat_;
  Ledger ledger_;
  uint64_t real_minus_boot_ns_ = 0;
  uint64_t number_ = 0;
  std::map<RunTimeKey, RunTimeEntry> run_time_rules_;
  std::vector<RunTimeHome> to_restore_;  // by engines before this one; not found again yet
  uint64_t search_until_ns_ = 0;
  bool run_time_changed_ = false;                    // what there is to save
  std::set<uint64_t> quarantined_;                   // homes
  std::set<std::pair<uint32_t, std::string>> told_;  // rules whose action failed, and why
  // Stands for one that is no longer loaded.
  rule::RuleInfo older_rule_;  // one that an engine before this one had, by its name in the kernel
  rule::RuleInfo unknown_rule_{
      .policy = "unknown", .name = "a rule that is no longer loaded", .is_deny = true};
  std::unordered_map<uint64_t, uint64_t> idle_since_ns_;  // homes without processes
  std::string untold_counter_;                            // Kernel::untold_counter()
  uint64_t untold_mark_ = 0;   // of the history, behind the last that were reported
  uint64_t emptied_ = 0;       // Kernel::Emptied() at the last walk
  uint64_t next_walk_ns_ = 0;  // ... and when there is one anyhow
};

}  // namespace nsw
