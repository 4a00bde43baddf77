// SPDX-License-Identifier: Apache-2.0
// Kernel: the loaded programs, their rings, counters and deny maps. Made once by the daemon after
// ProbeFeatures; used from the pipeline's thread. Destroying it detaches everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi.h"
#include "engine/base/result.h"
#include "engine/kernel/deny_maps.h"
#include "engine/kernel/disarm.h"
#include "engine/kernel/enforcement.h"
#include "engine/kernel/features.h"
#include "engine/kernel/own.h"
#include "engine/kernel/rule_names.h"
#include "engine/kernel/sign.h"
#include "engine/rule/ports.h"

namespace nsw::kernel {

struct Options {
  uint64_t wanted = ~0ULL;  ///< bit per nsw_event; see SetWanted
  bool watch_host = false;  ///< host processes too
  bool enforce = true;      ///< attach the programs that refuse (or kill) where they work
  bool tracepoints = true;  ///< false, for a test: the kernel passes over each that keeps labels
  uint32_t events_ring_bytes = 8U << 20;
  uint32_t files_ring_bytes = 16U << 20;
  uint32_t denials_ring_bytes = 1U << 20;
  uint32_t max_tasks = 65536;  ///< container processes that can be labelled at once
  uint64_t hold_ns = 0;  ///< so long a container's first exec waits for its policies; 0: not at all
  bool unbound_closed = false;  ///< then it is refused
  /// Folder of the BPF file system that keeps enforcement in force without this process; empty:
  /// nothing is pinned, and nothing looked for.
  std::filesystem::path pins;
  bool outlive = true;       ///< false: what is pinned there is taken away, and nothing is pinned
  std::vector<OwnFile> own;  ///< see Protect
};

/// One number of the ledger, summed over the CPUs.
struct Counter {
  nsw_event event;  ///< NSW_EVENT_NONE: of no one event
  nsw_count kind;
  uint64_t value;
};

/// A home that exists, as the kernel has it.
struct HomeState {
  uint64_t id;
  nsw_home value;
};

class Kernel {
 public:
  /// Handles one record; the bytes are valid during the call only.
  using Handler = std::function<void(std::span<const std::byte>)>;

  /// Loads and attaches. Errors say which program and why; a probe that has a substitute is not an
  /// error.
  static Result<std::unique_ptr<Kernel>> Load(const Features& features, const Options& options);
  virtual ~Kernel() = default;

  /// Labels the processes that are in containers already; a `home` record comes for each new home.
  /// Called once after Load.
  [[nodiscard]] virtual Status LabelRunning() = 0;

  /// Waits for records (at most `timeout_ms`) and hands over all that are there, merged over the
  /// rings by time so that the acts of one process come in their order. Returns how many.
  virtual size_t Poll(int timeout_ms, const Handler& handler) = 0;

  /// Ends a Poll that waits; from any thread.
  virtual void Wake() = 0;

  [[nodiscard]] virtual std::vector<Counter> Counters() const = 0;
  /// Records so broken that they were not handed to anybody.
  [[nodiscard]] virtual uint64_t Malformed() const = 0;
  [[nodiscard]] virtual std::vector<HomeState> Homes() const = 0;
  /// Counts up with each home that lost its last process; costs nothing to ask, as Homes() does.
  [[nodiscard]] virtual uint64_t Emptied() const = 0;
  /// Inode number of the host's own PID namespace, that of process 1.
  [[nodiscard]] virtual uint32_t host_pid_namespace() const = 0;
  virtual void SetWatchHost(bool on) = 0;
  /// Which events are wanted, a bit per nsw_event, from now on; those that knowing the processes
  /// rests on always are. Probes that nobody needs are taken away: takes up to seconds.
  /// `everywhere`: those of them that are wanted of every container; of the others SetHomeWants
  /// tells.
  virtual void SetWanted(uint64_t events, uint64_t everywhere) = 0;
  /// The names of NSW_WANT_NAMED_READS. Too many of them: all such opens are wanted instead.
  virtual void SetReadNames(const std::set<std::string>& names) = 0;
  /// Where not all connects are wanted (NSW_WANT_ANY_PORT): the remote ports of those that are.
  virtual void SetPorts(const rule::Ports& ports) = 0;
  /// Which events, a bit per nsw_event, this home's policies want; until then a home wants all.
  [[nodiscard]] virtual Status SetHomeWants(uint64_t home, uint64_t events) = 0;
  /// Whether containers' first execs wait at all: only where something could be refused them.
  virtual void SetHolding(bool on) = 0;
  /// Sets flags (nsw_home_flag) of a home, making it if the kernel has not seen it yet.
  [[nodiscard]] virtual Status SetHomeFlags(uint64_t home, uint32_t flags) = 0;
  [[nodiscard]] virtual Status ClearHomeFlags(uint64_t home, uint32_t flags) = 0;

  /// Files that no container may change from now on, beside the engine's pins and BPF objects.
  virtual void Protect(const std::vector<OwnFile>& /*files*/) {}

  /// What becomes of what is refused; a canary has shown it.
  [[nodiscard]] virtual Enforcement enforcement() const = 0;
  [[nodiscard]] bool enforcing() const { return enforcement() == Enforcement::kRefuses; }
  /// Whether its programs judge acts: sets of what is refused are built and bound.
  [[nodiscard]] bool judging() const { return enforcement() != Enforcement::kNone; }
  virtual DenyMaps& deny() = 0;

  // What outlives the engine; see pins.h.

  /// Marks the records of this engine's programs: nsw_header.life.
  [[nodiscard]] virtual uint16_t life() const { return 0; }
  /// Where what is refused is pinned, by this engine, or by one before it where this one can
  /// refuse nothing; empty: it ends with this process.
  [[nodiscard]] virtual std::string pinned() const { return {}; }
  /// The engine has come up: from now on its end, however it comes, leaves enforcement in force.
  virtual void MarkReady() {}
  /// Every container that is found has its policies; `all_known`: a runtime has told of each. Takes
  /// what older engines have left away, once nothing rests on it any more; to be called again and
  /// again. True in the moment that it did.
  virtual bool TakeOver(bool /*all_known*/) { return false; }
  /// The end of this object takes everything away, pinned or not.
  virtual void LeaveNothing() {}
  /// A rule that can refuse from now on, for engines to come.
  virtual void NameRule(const rule::RuleInfo& /*rule*/) {}
  [[nodiscard]] virtual std::optional<rule::RuleInfo> FindRule(uint32_t /*id*/) const { return {}; }
  /// Refusals of which no record tells, those from before this engine included. Each once: but
  /// those that are not UntoldReported when this engine ends the next one gives again, unless it is
  /// told by UntoldReportedBefore that they were.
  [[nodiscard]] virtual std::vector<Untold> TakeUntold() { return {}; }
  virtual void UntoldReported() {}
  /// Which counter Untold::counted is of, unique among all boots; "": nobody can tell.
  [[nodiscard]] virtual std::string untold_counter() const { return {}; }
  /// By rule: up to which count engines before this one have reported.
  virtual void UntoldReportedBefore(const std::map<uint32_t, uint64_t>& /*counts*/) {}
  /// Lifts all refusals at once, or (NSW_ARMED) ends that.
  [[nodiscard]] virtual Status Disarm(const Disarmed& /*how*/) { return {}; }
  [[nodiscard]] virtual std::optional<Disarmed> disarmed() const { return {}; }

  /// Looks whether what all this relies on works, and puts right what it can; for once a second.
  [[nodiscard]] virtual std::vector<Sign> Signs() { return {}; }

  /// How each event is watched, for `probe` and `status`: "openat: kprobe + kretprobe (pool 4096)".
  [[nodiscard]] virtual std::vector<std::string> attachments() const = 0;
};

}  // namespace nsw::kernel
