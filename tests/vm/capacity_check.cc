// SPDX-License-Identifier: Apache-2.0
// capacity_check FOLDER: as many sets, entries of one class and containers as there is to be room
// for, at once: what memory they take, that as many can take their place, those of an engine before
// included, and that more is refused with the number. Needs what verdict_check needs, and a machine
// on which little else happens. Output: `ok NAME` and `not ok NAME: why`.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/kernel/kernel.h"
#include "tests/vm/verdicts.h"

namespace {

using nsw::Result;
using nsw::Status;
using nsw::kernel::DenyMapDriver;
using nsw::rule::DenyEntry;
using nsw::rule::DenyKind;
using nsw::rule::DenyPlan;

constexpr uint64_t kMegabyte = 1U << 20;
constexpr uint64_t kBytesMax = 200 * kMegabyte;
constexpr uint32_t kContainers = 4000;
constexpr uint32_t kFiles = 8;  // of each container, named by its set
constexpr uint32_t kClassEntries = nsw::kernel::kEntriesMax;

int failures = 0;

void Report(const std::string& name, bool good, const std::string& why) {
  printf(good ? "ok %s\n" : "not ok %s: %s\n", name.c_str(), why.c_str());
  fflush(stdout);
  if (!good) ++failures;
}

void ReportError(const std::string& name, const Result<uint32_t>& got, const std::string& part) {
  const std::string said = got ? "nothing was refused" : got.error().message;
  Report(name, !got && said.find(part) != std::string::npos, said);
}

// Bytes that nobody has, once what is only kept for a while is let go.
uint64_t Available() {
  sync();
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
  std::ifstream info("/proc/meminfo");
  std::string name;
  for (uint64_t kilobytes = 0; info >> name; info.ignore(80, '\n')) {
    if (name == "MemAvailable:" && info >> kilobytes) return kilobytes << 10;
  }
  nsw::test::Die("/proc/meminfo says nothing of what is available");
}

class Plans {
 public:
  explicit Plans(const std::string& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    for (uint32_t i = 0; i < kFiles; ++i) std::ofstream(File(i)) << i;
  }

  /// Of its own, with files that containers have, and 100 names that they may have.
  DenyPlan Small(uint32_t number) const {
    DenyPlan plan;
    plan.policies.resize(1);
    for (uint32_t i = 0; i < kFiles; ++i) Add(plan, NSW_CLASS_READ, DenyKind::kPath, File(i));
    for (uint32_t i = 0; i < 100; ++i) Add(plan, NSW_CLASS_EXEC, DenyKind::kName, Name(number, i));
    return plan;
  }

  /// `entries` of each of four classes.
  static DenyPlan Large(uint32_t entries) {
    DenyPlan plan;
    plan.policies.resize(1);
    for (const uint32_t one : {NSW_CLASS_READ, NSW_CLASS_EXEC, NSW_CLASS_CREATE}) {
      for (uint32_t i = 0; i < entries; ++i) Add(plan, one, DenyKind::kName, Name(one, i));
    }
    for (uint32_t i = 0; i < entries; ++i) {
      DenyEntry& entry = Add(plan, NSW_CLASS_CONNECT, DenyKind::kNet, "");
      entry.keys[0].net.address = {0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0xff,
                                   0xff,
                                   10,
                                   static_cast<uint8_t>(i >> 8),
                                   static_cast<uint8_t>(i)};
      entry.keys[0].net.prefix = 128;
    }
    return plan;
  }

 private:
  [[nodiscard]] std::string File(uint32_t i) const { return folder_ + "/" + std::to_string(i); }
  static std::string Name(uint32_t number, uint32_t i) {
    return "name-" + std::to_string(number) + "-" + std::to_string(i);
  }
  static DenyEntry& Add(DenyPlan& plan, uint32_t of, DenyKind kind, std::string path) {
    DenyEntry& entry = plan.entries.emplace_back();
    entry.rule = 16 + static_cast<uint32_t>(plan.entries.size());
    entry.classes = 1U << of;
    entry.mode = NSW_VERDICT_DENIED;
    entry.keys.push_back({.kind = kind, .path = std::move(path)});
    return entry;
  }

  std::string folder_;
};

class Capacity {
 public:
  explicit Capacity(const std::string& folder) : plans_(folder) {}

  void Run() {
    Refuses(verdicts_.driver());
    Fill(verdicts_.driver(), ", one of them with 10,000 entries of each of four classes",
         Plans::Large(kClassEntries));
    Weigh();
    Reload();
    Follow();
  }

 private:
  void Fill(DenyMapDriver& driver, const std::string& how) { Fill(driver, how, plans_.Small(0)); }

  // `first` and others; then each container is bound to one of them.
  void Fill(DenyMapDriver& driver, const std::string& how, const DenyPlan& first) {
    std::vector<uint32_t> slots;
    Status status;
    for (uint32_t i = 0; i < NSW_SETS && status; ++i) {
      const Result<uint32_t> slot = driver.BuildSet(i == 0 ? first : plans_.Small(i));
      if (slot) slots.push_back(*slot);
      if (!slot) status = tl::unexpected(slot.error());
    }
    Report("there is room for 256 sets" + how + " (L3)", status.has_value(),
           status ? "" : status.error().message);
    if (!status) return;
    for (uint32_t home = 1; home <= kContainers && status; ++home)
      status = Bind(driver, home, slots[home % NSW_SETS]);
    Report("... and for 4,000 containers" + how + " (L3)", status.has_value(),
           status ? "" : status.error().message);
    slots_.swap(slots);
    old_.swap(slots);
  }

  Status Bind(DenyMapDriver& driver, uint32_t home, uint32_t slot) {
    return driver.Bind(uint64_t{home} << 32, slot, DenyPlan(), getpid());
  }

  void Weigh() {
    const nsw::kernel::Options engine;  // whose rings are larger than those that were made here
    const uint64_t rings = engine.events_ring_bytes + engine.files_ring_bytes;
    const uint64_t all = before_ - Available() + rings;
    const std::string text = std::to_string(all / kMegabyte) + " MB";
    printf("# all of it takes %s\n", text.c_str());
    Report("... within 200 MB", all <= kBytesMax, text);
  }

  static void Refuses(DenyMapDriver& driver) {
    ReportError("one entry more of a class is refused with the number",
                driver.BuildSet(Plans::Large(kClassEntries + 1)), "10001 entries of one class");
  }

  // All containers change over to as many other sets; then the old ones go.
  void Reload() {
    Fill(verdicts_.driver(), ", again beside the first, as at a reload");
    for (const uint32_t slot : old_) verdicts_.driver().FreeSet(slot);
  }

  // An engine that follows finds the sets of the one before, which may have ended at a reload.
  void Follow() {
    Fill(verdicts_.driver(), " by an engine that ends before the old ones are gone");
    const std::unique_ptr<DenyMapDriver> next = verdicts_.MakeDriver();
    if (Status inherited = next->Inherit(); !inherited) nsw::test::Die(inherited.error().message);
    Fill(*next, " by the engine that follows it");
    Report("what it inherited is not in use any more", !next->InheritedInUse(), "it is");
    next->FreeInherited();
    old_.clear();
    const Result<uint32_t> one = next->BuildSet(plans_.Small(NSW_SETS));
    Report("once that is gone, a further set is built", one.has_value(),
           one ? "" : one.error().message);
    Fill(*next, " by its first reload");
  }

  uint64_t before_ = Available();
  Plans plans_;
  nsw::test::Verdicts verdicts_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> old_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) nsw::test::Die("usage: capacity_check FOLDER");
  Capacity(std::filesystem::weakly_canonical(argv[1]).string()).Run();
  return failures == 0 ? 0 : 1;
}
