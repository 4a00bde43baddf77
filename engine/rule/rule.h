// SPDX-License-Identifier: Apache-2.0
// What the rest of the engine sees of rules: loading policies, choosing those of a container,
// matching an event. Everything here is immutable once loaded; the daemon swaps a shared_ptr<const
// PolicySet> on reload.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/container/container.h"
#include "engine/event/event.h"
#include "engine/event/field.h"
#include "engine/rule/deny_plan.h"
#include "engine/rule/ports.h"

namespace nsw::rule {

enum class Mode : uint8_t { kAudit, kEnforce, kOff };

/// What is done beside the alert when a rule of an enforcing policy speaks.
enum class Action : uint8_t {
  kAlert,       ///< of `rules:`: nothing
  kDeny,        ///< of a list's entry: the act is refused
  kKill,        ///< the process is killed as well
  kQuarantine,  ///< the container may execute, connect and write nothing more
};

/// Falco's priorities, most severe first.
enum class Priority : uint8_t {
  kEmergency,
  kAlert,
  kCritical,
  kError,
  kWarning,
  kNotice,
  kInformational,
  kDebug
};
std::string_view PriorityName(Priority priority);  // "Emergency", ..., as Falco writes them

/// A mistake in a policy file. Text(): "file:line:col: what is wrong; hint".
struct Diagnostic {
  std::string file;
  int line = 0;    ///< from 1; 0: the file as a whole
  int column = 0;  ///< from 1
  bool warning = false;
  std::string message;
  std::string hint;
  [[nodiscard]] std::string Text() const;
};

class OutputTemplate;  // compiled "%proc.name wrote %fd.name"

/// A rule as alerts need it: one of `rules:`, or a deny entry (name POLICY/CLASS/ENTRY).
struct RuleInfo {
  uint32_t id = 0;  ///< hash of policy and name: the same after a reload and a restart; what kernel
                    ///< verdicts carry
  std::string policy;
  std::string name;
  Priority priority = Priority::kError;
  std::string source = "syscall";
  std::vector<std::string> tags;
  Mode mode = Mode::kAudit;
  bool is_deny = false;
  Action action = Action::kAlert;
  uint64_t deny_for_ns = 0;    ///< the event's object is refused to the container that long; 0: not
  bool fallback_kill = false;  ///< of a deny entry: where the kernel cannot refuse, kill
  std::shared_ptr<const OutputTemplate> output;
};

/// One policy file as loaded.
struct PolicyInfo {
  std::string name;
  std::string description;
  std::string file;
  std::string sha256;  ///< hex of the file's bytes... of the content that was read
  Mode mode = Mode::kAudit;
  bool host = false;
  bool has_deny = false;       ///< deny or allow lists
  bool fallback_kill = false;  ///< where the kernel cannot refuse, kill
  /// Chosen by labels or privileged: what the runtime tells, and the history does not keep.
  bool by_labels = false;
  size_t rules = 0;
  size_t deny_entries = 0;
  size_t allow_lists = 0;
  size_t allow_entries = 0;
};

/// What matching one event gave: rules in the policies' order. To be used again for the next event,
/// cleared: it keeps its room.
struct Matches {
  std::vector<const RuleInfo*> rules;
  bool unknown = false;  ///< some condition could not be decided for want of metadata
};

class PolicySet {
 public:
  virtual ~PolicySet() = default;

  /// Positions (in policies()) of the policies that apply to a container, ascending. Host policies
  /// never do.
  [[nodiscard]] virtual std::vector<uint32_t> Select(
      const container::Container& container) const = 0;
  /// Positions of the policies for the host's own processes.
  [[nodiscard]] virtual std::vector<uint32_t> SelectHost() const = 0;

  /// Evaluates the `rules:` of those policies on an event. Allocates nothing but, once, the room
  /// for all rules that one event can match.
  virtual void Match(const event::Event& event, std::span<const uint32_t> policies,
                     Matches& out) const = 0;

  /// Where the kernel does not refuse: which deny entry or allow list of those policies would
  /// refuse this event; null if none. Which phases are over is the event's binding's to know.
  [[nodiscard]] virtual const RuleInfo* MatchDeny(const event::Event& event,
                                                  std::span<const uint32_t> policies) const = 0;

  /// Of which of those policies the startup phase ends with this event, or with the container's
  /// first process running that program: bit per position in `policies`, as in Binding::running.
  [[nodiscard]] virtual uint64_t EndedStartups(const event::Event& event,
                                               std::span<const uint32_t> policies) const = 0;
  [[nodiscard]] virtual uint64_t EndedStartups(std::string_view program,
                                               std::span<const uint32_t> policies) const = 0;

  /// What those policies refuse and permit together.
  [[nodiscard]] virtual DenyPlan Plan(std::span<const uint32_t> policies) const = 0;

  /// By id, for kernel verdicts; null for an id of an older set.
  [[nodiscard]] virtual const RuleInfo* FindRule(uint32_t id) const = 0;

  [[nodiscard]] virtual std::span<const PolicyInfo> policies() const = 0;
  /// Events that any rule can match on: bit per nsw_event; and NSW_WANT_*.
  [[nodiscard]] virtual uint64_t wanted() const = 0;
  /// For NSW_WANT_NAMED_READS: the names. One of them is a component of each path that a rule which
  /// does not want all opens can match.
  [[nodiscard]] virtual const std::set<std::string>& read_names() const = 0;
  /// For connects without NSW_WANT_ANY_PORT: the remote ports, of which each connect has one that a
  /// rule which does not want all of them can match.
  [[nodiscard]] virtual const Ports& ports() const = 0;
  /// As wanted(), of some policies alone.
  [[nodiscard]] virtual uint64_t WantedBy(std::span<const uint32_t> policies) const = 0;
};

/// Result of loading. `set` is null when there was an error; warnings can stand beside a set.
struct Loaded {
  std::shared_ptr<const PolicySet> set;
  std::vector<Diagnostic> diagnostics;
};

struct LoadOptions {
  bool check_owner = true;  ///< root-owned and not writable by others, as the daemon demands
  bool warn_owner = false;  ///< where that is not demanded: warn of what the daemon would refuse
};

/// Loads files and directories (*.yaml, *.yml, in name order). All mistakes of all files are
/// reported at once.
Loaded LoadPolicies(const std::vector<std::filesystem::path>& paths, const LoadOptions& options);

/// Loads one policy from text; `name` stands in diagnostics. For tests, `check -`, learn.
Loaded LoadPolicyText(const std::string& text, const std::string& name);

/// A field that an output names, as output_fields has it: "proc.aname[2]" is proc.aname with
/// index 2.
struct OutputField {
  std::string name;
  const event::Field* field = nullptr;
  uint32_t index = 0;
};

/// A rule's output with its %fields filled in; absent ones are "<NA>".
std::string RenderOutput(const OutputTemplate& output, const event::Event& event);
/// The fields that the output names, for output_fields; the alert adds the standard ones.
std::span<const event::Field* const> OutputFields(const OutputTemplate& output);
/// The same with their indexes.
std::span<const OutputField> OutputFieldRefs(const OutputTemplate& output);

/// Which events an entry, or what the lists of a plan, speak of: a bit per nsw_event.
uint64_t EventsOfDeny(const DenyEntry& entry);
uint64_t EventsOfDeny(const DenyPlan& plan);

/// Parses one deny entry as the policy language has it, for `nswarden deny`: class "exec", "read",
/// "connect", ... The rule's name is "run-time/CLASS/ENTRY".
Result<std::pair<RuleInfo, DenyEntry>> ParseDenyEntry(std::string_view deny_class,
                                                      std::string_view entry);

/// An entry for the very object of an event, taken as it is and never as a pattern: the program of
/// an exec, the file, the address. Error: it has none that could be refused.
Result<std::pair<RuleInfo, DenyEntry>> DenyEntryFor(const event::Event& event);

}  // namespace nsw::rule
