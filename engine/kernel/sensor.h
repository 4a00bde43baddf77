// SPDX-License-Identifier: Apache-2.0
// Sensor: the observing programs, chosen by what the kernel was seen to do and attached to the
// calls of syscalls.def. Those of an event are loaded when somebody wants it first, and attached
// while somebody does, so that a call that nobody asks about costs nothing. Made by Kernel::Load
// after the identity programs, whose maps it shares; destroying it detaches. One thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bpf/abi.h"
#include "engine/base/result.h"
#include "engine/event/event.h"
#include "engine/kernel/features.h"
#include "engine/kernel/pool_kretprobe.h"
#include "engine/kernel/programs.h"
#include "sensor.skel.h"

namespace nsw::kernel {

struct SensorDeleter {
  void operator()(sensor* skeleton) const { sensor__destroy(skeleton); }
};

using EventCounts = std::array<uint64_t, NSW_EVENT_COUNT>;

class Sensor {
 public:
  /// Loads the programs of these events (bit per nsw_event), and attaches what knowing the
  /// processes rests on. `shared`: the object whose maps of the same name are used; must outlive
  /// this. `refusing`: programs that refuse are attached. `life`: nsw_settings.life.
  static Result<Sensor> Load(const Features& features, bpf_object* shared, bool refusing,
                             uint32_t life, uint64_t events);

  /// Attaches the probes of these events that are not attached; loads those that are not loaded.
  /// What cannot be attached is said in attachments(). Error: the kernel took some program no more;
  /// then none of those that had to be loaded is attached.
  [[nodiscard]] Status Attach(uint64_t events);
  /// Entries first, so that no call is begun whose return nobody sees.
  void Detach(uint64_t events);

  /// How often the kernel passed over a program that tells of an entry or an object: where another
  /// task was preempted in a program, or in a map's system call, on the same CPU. A return passed
  /// over shows as unpaired, and forks, execs and ends are told of by other programs then. Zeros
  /// where the kernel does not count.
  [[nodiscard]] EventCounts Skipped() const;

  /// A line for each call and each other probe: how it is watched, or why not.
  [[nodiscard]] std::vector<std::string> attachments() const;
  /// Of the links and perf events by which programs are attached now.
  void ForEachDescriptor(const std::function<void(int fd)>& act) const;

 private:
  struct Row;
  struct Request;

  /// What is attached for one event, or for all of them.
  struct Probes {
    std::vector<Link> entries;  ///< and the probes on what lies between entry and return
    std::vector<Link> returns;
    std::vector<PoolKretprobe> pools;
    std::map<std::string, std::string> returning;  ///< function: how its returns are taken
    std::vector<std::string> lines;
  };

  using Object = std::unique_ptr<sensor, SensorDeleter>;

  Sensor(const Features& features, bpf_object* shared, bool refusing, uint32_t life)
      : features_(features), shared_(shared), refusing_(refusing), life_(life) {}

  Status LoadPrograms(uint64_t events);
  void ChooseGeneral(bpf_object* object);
  void ChooseObjects(bpf_object* object, uint64_t events);
  void ChooseRow(bpf_object* object, const Row& row);
  void ChooseRequests(bpf_object* object, uint64_t events);
  void ChooseFailing(bpf_object* object);
  /// Whether this kernel takes a program that has an object.
  [[nodiscard]] bool Possible(const bpf_program* program) const;
  /// What kprobes do elsewhere, but for the system calls.
  [[nodiscard]] bool ByFentry() const { return !features_.kprobe && features_.fexit; }
  /// Of a program that there is for both.
  [[nodiscard]] std::string Name(const std::string& name) const {
    return ByFentry() ? name + "_fentry" : name;
  }
  [[nodiscard]] bool ByTracepoint(const Row& row) const;
  [[nodiscard]] bool ByMulti(const Row& row) const;
  [[nodiscard]] std::vector<bpf_program*> Programs() const;
  void AttachAlways();
  void AttachObjects(size_t event);
  void AttachRow(const Row& row);
  void AttachByKprobe(const Row& row, const std::string& function, const std::string& what);
  std::string AttachReturn(const Row& row, const std::string& function, Probes& probes);
  std::string AttachKretprobe(bpf_program* program, const std::string& function, int size,
                              Probes& probes);
  void AttachRequests(uint64_t events);
  void AttachRequest(bpf_object* object, const Request& request);
  std::string AttachRequestReturn(bpf_object* object, const Request& request);
  void AttachByTracepoint(const Row& row);
  void AddCompat(const Row& row, const bpf_program* entry, const bpf_program* exit);
  void RemoveCompat(const Row& row);
  void AttachByName(bpf_program* program, Probes& probes);
  [[nodiscard]] bpf_program* Find(const std::string& name) const;

  Features features_;
  bpf_object* shared_;
  bool refusing_;
  uint32_t life_;
  // How this kernel's io_uring ends requests.
  bool requests_keep_results_ = HasBtfMember("io_kiocb", "cqe");
  std::string failing_ = FailingFunction();       // "" where there is none
  std::set<const bpf_program*> staying_;          // of programs of several events
  std::vector<Object> objects_;                   // one more for what was wanted later
  uint64_t loaded_ = 0;                           // bit per nsw_event
  uint64_t attached_ = 0;                         // likewise
  std::array<Probes, NSW_EVENT_COUNT> probes_{};  // [0]: those that always stay

  static const std::vector<Row>& Rows();
  static event::Type EventOf(const bpf_program* program);
  static const std::vector<Request>& Requests();
  static std::string FailingFunction();
};

}  // namespace nsw::kernel
