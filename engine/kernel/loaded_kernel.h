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
#include "engine/kernel/canary.h"
#include "engine/kernel/deny_map_driver.h"
#include "engine/kernel/enforcer.h"
#include "engine/kernel/kernel.h"
#include "engine/kernel/link_watch.h"
#include "engine/kernel/own.h"
#include "engine/kernel/pins.h"
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
  uint64_t Emptied() const override { return settings_->emptied; }
  void SetWatchHost(bool on) override { settings_->watch_host = on ? 1 : 0; }
  void SetWanted(uint64_t events, uint64_t everywhere) override;
  void SetReadNames(const std::set<std::string>& names) override;
  void SetHolding(bool on) override { settings_->hold_ns = on ? options_.hold_ns : 0; }
  void SetPorts(const rule::Ports& ports) override;
  Status SetHomeWants(uint64_t home, uint64_t events) override;
  Status SetHomeFlags(uint64_t home, uint32_t flags) override;
  Status ClearHomeFlags(uint64_t home, uint32_t flags) override;
  uint32_t host_pid_namespace() const override { return settings_->host_pidns; }
  void Protect(const std::vector<OwnFile>& files) override;
  Enforcement enforcement() const override { return enforcement_; }
  DenyMaps& deny() override { return *deny_; }
  std::vector<std::string> attachments() const override;
  std::vector<Sign> Signs() override;  // loaded_kernel_signs.cc

  // loaded_kernel_pins.cc
  uint16_t life() const override { return static_cast<uint16_t>(life_); }
  std::string pinned() const override;
  void MarkReady() override;
  bool TakeOver(bool all_known) override;
  void LeaveNothing() override { leave_nothing_ = true; }
  void NameRule(const rule::RuleInfo& rule) override { names_->Name(rule); }
  std::optional<rule::RuleInfo> FindRule(uint32_t id) const override { return names_->Find(id); }
  std::vector<Untold> TakeUntold() override { return names_->Take(); }
  void UntoldReported() override { names_->Reported(); }
  std::string untold_counter() const override { return names_->counter(); }
  void UntoldReportedBefore(const std::map<uint32_t, uint64_t>& counts) override {
    names_->ReportedBefore(counts);
  }
  Status Disarm(const Disarmed& how) override;
  std::optional<Disarmed> disarmed() const override;

 private:
  Status OpenIdentity();
  Status ChooseIdentity();
  Status FillSettings();
  Status AttachIdentity();
  Status OpenRings();
  void OpenDenyMaps();
  void ProtectAtStart();
  [[nodiscard]] Result<size_t> RunIterator(const char* program);
  // loaded_kernel_signs.cc
  Status LoadCanary();
  [[nodiscard]] Sign SignOfLinks();
  [[nodiscard]] Sign SignOfPins();
  [[nodiscard]] static Sign SignOfOlder();
  // loaded_kernel_pins.cc
  Status OpenPins();
  Status Inherit();
  Status PinMaps();
  [[nodiscard]] bool inherits() const { return pins_ && pins_->inherits(); }
  void DropCalls(uint64_t events);
  void ClosePins();
  [[nodiscard]] Status ChangeHome(uint64_t home, uint32_t set, uint32_t clear);
  [[nodiscard]] uint64_t AsTold(uint64_t events) const;
  [[nodiscard]] int ProgramFd(const std::string& name) const;

  Features features_;
  Options options_;
  Enforcement enforcement_ = Enforcement::kNone;
  EnforceObject skeleton_;  ///< who is who; its maps are those of all
  std::optional<Pins> pins_;
  std::optional<RuleNames> names_;
  uint32_t life_ = 1;
  bool ready_ = false;
  uint64_t ready_ns_ = 0;  ///< since when; CLOCK_BOOTTIME
  bool taken_over_ = false;
  bool leave_nothing_ = false;
  /// This engine can refuse nothing, and was to: what one before it refuses stays as it is. The
  /// kernel may only pass over its programs for now (ftrace is switched off), as it does over ours.
  bool leaves_older_ = false;
  std::optional<Enforcer> enforcer_;
  std::optional<Own> own_;  ///< only where something can be refused
  std::vector<Link> links_;
  std::vector<std::string> attachments_;
  volatile nsw_settings* settings_ = nullptr;  ///< mapped: the kernel reads and writes it, too
  uint64_t seed_ = 0;
  std::optional<Sensor> sensor_;
  std::optional<Canary> canary_;
  LinkWatch link_watch_;
  std::optional<RingSource> source_;
  std::unique_ptr<DenyMapDriver> deny_;
  std::set<std::string> read_names_;  ///< in the map
  bool all_reads_ = false;            ///< the names find no room there
  uint64_t next_expiry_ns_ = 0;
  uint64_t paired_from_ns_ = 0;  // when settings_->paired becomes settings_->wanted
};

}  // namespace nsw::kernel
