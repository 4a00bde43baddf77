// SPDX-License-Identifier: Apache-2.0
// Sensor: the observing programs, chosen by what the kernel was seen to do and attached to the
// calls of syscalls.def. Made by Kernel::Load after the identity programs, whose maps it shares;
// destroying it detaches. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
  /// `shared`: the object whose maps of the same name are used. `lsm`: its LSM programs are
  /// attached.
  static Result<Sensor> Load(const Features& features, bpf_object* shared, bool lsm);

  /// A line for each call and each other probe: how it is watched, or why not.
  [[nodiscard]] const std::vector<std::string>& attachments() const { return attachments_; }

 private:
  struct Row;

  explicit Sensor(const Features& features) : features_(features) {}

  Status Open(bpf_object* shared, bool lsm);
  void Choose();
  void AttachRow(const Row& row);
  bool AttachByKprobe(const Row& row);
  std::string AttachReturn(const Row& row);
  bool AttachByTracepoint(const Row& row);
  void AttachOthers();
  bool Keep(Result<Link> link, const std::string& what);
  [[nodiscard]] bpf_program* Find(const std::string& name) const;

  Features features_;
  std::unique_ptr<sensor, SensorDeleter> skeleton_;
  std::vector<Link> links_;
  std::vector<PoolKretprobe> pools_;
  std::vector<std::string> attachments_;

  static const std::vector<Row>& Rows();
};

}  // namespace nsw::kernel
