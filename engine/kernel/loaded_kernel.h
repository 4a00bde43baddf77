// SPDX-License-Identifier: Apache-2.0
// LoadedKernel: Kernel on real BPF objects. Made by Kernel::Load; see kernel.h for threads and
// failure.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "enforce.skel.h"
#include "engine/kernel/deny_map_driver.h"
#include "engine/kernel/enforcer.h"
#include "engine/kernel/kernel.h"
#include "engine/kernel/programs.h"
#include "engine/kernel/ring_source.h"
#include "engine/kernel/sensor.h"

namespace nsw::kernel {

class LoadedKernel final : public Kernel {
 public:
  LoadedKernel(const Features& features, const Options& options)
      : features_(features), options_(options) {}
  ~LoadedKernel() override;

  /// The steps of Load, in order.
  Status Start();

  Status LabelRunning() override;
  size_t Poll(int timeout_ms, const Handler& handler) override;
  void Wake() override { source_->Wake(); }
  std::vector<Counter> Counters() const override;
  uint64_t Malformed() const override { return source_->malformed(); }
  std::vector<HomeState> Homes() const override;
  void SetWatchHost(bool on) override { settings_->watch_host = on ? 1 : 0; }
  void SetWanted(uint64_t events, uint64_t everywhere) override;
  void SetReadNames(const std::set<std::string>& names) override;
  void SetPorts(const rule::Ports& ports) override;
  Status SetHomeWants(uint64_t home, uint64_t events) override;
  Status SetHomeFlags(uint64_t home, uint32_t flags) override;
  Status ClearHomeFlags(uint64_t home, uint32_t flags) override;
  uint32_t host_pid_namespace() const override { return settings_->host_pidns; }
  bool enforcing() const override { return lsm_ && options_.enforce; }
  DenyMaps& deny() override { return *deny_; }
  std::vector<std::string> attachments() const override;

 private:
  Status OpenIdentity();
  void ChooseIdentity();
  Status FillSettings();
  Status AttachIdentity();
  Status OpenRings();
  void OpenDenyMaps();
  [[nodiscard]] Status ChangeHome(uint64_t home, uint32_t set, uint32_t clear);
  void ForgetCalls(uint64_t events);
  [[nodiscard]] Result<size_t> LabelOnce();
  [[nodiscard]] uint64_t AsTold(uint64_t events) const;
  [[nodiscard]] int ProgramFd(const std::string& name) const;

  Features features_;
  Options options_;
  bool lsm_ = false;
  EnforceObject skeleton_;  ///< who is who; its maps are those of all
  std::optional<Enforcer> enforcer_;
  std::vector<Link> links_;
  std::vector<std::string> attachments_;
  volatile nsw_settings* settings_ = nullptr;  ///< mapped: the kernel reads and writes it, too
  uint64_t seed_ = 0;
  std::optional<Sensor> sensor_;
  std::optional<RingSource> source_;
  std::unique_ptr<DenyMapDriver> deny_;
  std::set<std::string> read_names_;  ///< in the map
  bool all_reads_ = false;            ///< the names find no room there
  uint64_t next_expiry_ns_ = 0;
  uint64_t paired_from_ns_ = 0;  // when settings_->paired becomes settings_->wanted
};

}  // namespace nsw::kernel
