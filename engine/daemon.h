// SPDX-License-Identifier: Apache-2.0
// Daemon: the composition root. A list of steps brings everything up in order; the main thread then
// runs the pipeline until SIGTERM or SIGINT. SIGHUP reloads the policies. Other threads: signals,
// control socket, runtime sources, sinks, history.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "engine/base/host.h"
#include "engine/config.h"
#include "engine/container/source.h"
#include "engine/control.h"
#include "engine/pipeline.h"
#include "engine/work_queue.h"

namespace nsw {

class Daemon {
 public:
  explicit Daemon(Config config);
  ~Daemon();

  /// Runs until told to stop. Error: a step that failed, with what to do.
  [[nodiscard]] Status Run();

 private:
  // The steps, in their order.
  [[nodiscard]] Status RequireRoot();
  [[nodiscard]] Status TakeLock();
  [[nodiscard]] Status LoadPolicies();
  [[nodiscard]] Status Probe();
  [[nodiscard]] Status OpenHistory();
  [[nodiscard]] Status OpenSinks();
  [[nodiscard]] Status LoadKernel();
  [[nodiscard]] Status StartPipeline();
  [[nodiscard]] Status StartSources();
  [[nodiscard]] Status OpenControl();
  [[nodiscard]] Status Announce();

  /// Bit per nsw_event: what the history records.
  [[nodiscard]] uint64_t Recorded() const;
  [[nodiscard]] static bool ToldToStop();
  void Loop();
  void Drain();
  void WatchSignals();
  // daemon_policies.cc
  struct Reloaded {
    size_t policies;
    std::string warnings;  ///< a line each
  };
  /// Error: the old ones stay, and why. Both are in the log. Any thread but the pipeline's.
  Result<Reloaded> Reload(const Peer& peer);
  [[nodiscard]] Result<Reloaded> UsePoliciesAnew();
  [[nodiscard]] rule::Loaded ReadPolicies() const;
  void AnnounceEnforcement(const rule::PolicySet& policies) const;
  void Operated(const std::string& what, const std::string& detail, const Peer& peer,
                bool done = true);
  void RecordOperation(const std::string& what, const std::string& detail, const Peer& peer);

  // The control socket's verbs, on its thread.
  nlohmann::json Control(const nlohmann::json& request, const Peer& peer);
  nlohmann::json Ps();
  nlohmann::json ShowStatus();
  nlohmann::json Deny(const nlohmann::json& request, const Peer& peer);
  // daemon_outlive.cc
  nlohmann::json Stop(const nlohmann::json& request, const Peer& peer);
  nlohmann::json Disarm(const nlohmann::json& request, const Peer& peer);
  void DisarmAtStart();
  void SayDisarmed() const;
  [[nodiscard]] std::string HowLong() const;
  void SayWhatStays() const;
  RunTimeFile* OpenRunTime();
  void TakeOver();
  void NotifyHealth();
  nlohmann::json Quarantine(const nlohmann::json& request, const Peer& peer);
  nlohmann::json Release(const nlohmann::json& request, const Peer& peer);

  Config config_;
  UniqueFd lock_;
  std::string hostname_;
  uint64_t started_ns_ = 0;
  std::shared_ptr<const rule::PolicySet> first_policies_;
  kernel::Features features_;
  std::unique_ptr<store::Writer> history_;
  std::unique_ptr<alert::Dispatcher> dispatcher_;
  std::unique_ptr<kernel::Kernel> kernel_;
  std::unique_ptr<container::Registry> registry_;
  std::unique_ptr<PolicyBinder> binder_;
  std::optional<RunTimeFile> run_time_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<WorkQueue> queue_;
  std::vector<std::unique_ptr<container::Source>> sources_;
  std::unique_ptr<ControlServer> control_;
  std::thread signals_;
  std::string told_failing_;  ///< to the service manager
  std::mutex reloading_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> remove_ = false;  ///< the stop is to leave nothing in the kernel
  Peer stopper_;                      ///< who asked for it by the control socket
};

}  // namespace nsw
