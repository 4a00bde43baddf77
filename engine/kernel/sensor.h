// SPDX-License-Identifier: Apache-2.0
// Sensor: the observing programs, chosen by what the kernel was seen to do and attached to the
// calls of syscalls.def. All are loaded at start; those of an event are attached while somebody
// wants it, so that a call that nobody asks about costs nothing. Made by Kernel::Load after the
// identity programs, whose maps it shares; destroying it detaches. One thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bpf/abi.h"
#include "engine/base/result.h"
#include "engine/kernel/features.h"
#include "engine/kernel/pool_kretprobe.h"
#include "engine/kernel/programs.h"
#include "sensor.skel.h"

namespace nsw::kernel {

struct SensorDeleter {
  void operator()(sensor* skeleton) const { sensor__destroy(skeleton); }
};

class Sensor {
 public:
  /// Loads, and attaches what knowing the processes rests on. `shared`: the object whose maps of
  /// the same name are used. `lsm`: its LSM programs are attached.
  static Result<Sensor> Load(const Features& features, bpf_object* shared, bool lsm);

  /// Attaches the probes of these events (bit per nsw_event) that are not attached. What cannot be
  /// attached is said in attachments().
  void Attach(uint64_t events);
  /// Entries first, so that no call is begun whose return nobody sees.
  void Detach(uint64_t events);

  /// A line for each call and each other probe: how it is watched, or why not.
  [[nodiscard]] std::vector<std::string> attachments() const;

 private:
  struct Row;

  /// What is attached for one event, or for all of them.
  struct Probes {
    std::vector<Link> entries;  ///< and the probes on what lies between entry and return
    std::vector<Link> returns;
    std::vector<PoolKretprobe> pools;
    std::vector<std::string> lines;
  };

  explicit Sensor(const Features& features) : features_(features) {}

  Status Open(bpf_object* shared, bool lsm);
  void Choose();
  void ChooseRow(const Row& row);
  [[nodiscard]] bool ByTracepoint(const Row& row) const;
  void AttachAlways();
  void AttachObjects(size_t event);
  void AttachRow(const Row& row);
  void AttachByKprobe(const Row& row, const std::string& function, const std::string& what);
  std::string AttachReturn(const Row& row, const std::string& function, Probes& probes);
  void AttachByTracepoint(const Row& row);
  void AttachByName(bpf_program* program, Probes& probes);
  [[nodiscard]] bpf_program* Find(const std::string& name) const;

  Features features_;
  std::unique_ptr<sensor, SensorDeleter> skeleton_;
  uint64_t attached_ = 0;                         // bit per nsw_event
  std::array<Probes, NSW_EVENT_COUNT> probes_{};  // [0]: those that always stay

  static const std::vector<Row>& Rows();
};

}  // namespace nsw::kernel
