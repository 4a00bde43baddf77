// SPDX-License-Identifier: Apache-2.0
// kernel_tool: the kernel half by itself, for the guest's cases and for looking by hand. Loads
// everything, binds the deny entries of its command line to each container that appears, and prints
// each record as a line, until SIGTERM; then the counters. SIGUSR1: it makes each home anew, as the
// engine makes one that the kernel has not seen yet.
//
//   kernel_tool [--probe] [--host] [--no-enforce] [--no-tracepoints] [--max-tasks N]
//               [--events NAME,...] [--read-names NAME,...] [--ports PORT,...] [ENTRY...]
//   --read-names: of opens that only read, those alone whose path has one of the names
//   --ports: of connects those alone to one of the ports
//   ENTRY: see tests/vm/entries.h; entry N has rule id N
#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "bpf/abi.h"
#include "engine/event/event.h"
#include "engine/kernel/kernel.h"
#include "tests/vm/entries.h"

namespace {

using nsw::kernel::Kernel;

Kernel* running = nullptr;
std::atomic<bool> stop{false};
std::atomic<bool> ahead{false};

void OnSignal(int signal) {
  (signal == SIGUSR1 ? ahead : stop) = true;
  if (running != nullptr) running->Wake();
}

std::string Text(std::span<const std::byte> record, nsw_str text) {
  if (text.off + text.len > record.size()) return "(outside)";
  std::string out(reinterpret_cast<const char*>(record.data()) + text.off, text.len);
  for (char& c : out) {
    if (c == '\0' || c == '\n') c = ' ';
  }
  return out;
}

/// "passwd/etc/" is /etc/passwd.
std::string Path(const std::string& leaf_first) {
  std::string out;
  std::istringstream parts(leaf_first);
  for (std::string part; std::getline(parts, part, '/');) out.insert(0, "/" + part);
  return out;
}

std::string Address(const nsw_addr& address) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, address.b, text, sizeof text);
}

void Print(const char* name, uint64_t value) {
  printf(" %s=%llu", name, static_cast<unsigned long long>(value));
}

#define PRINT_U64(name) Print(#name, e.name);
#define PRINT_S64(name) Print(#name, e.name);
#define PRINT_U32(name) Print(#name, e.name);
#define PRINT_S32(name) Print(#name, e.name);
#define PRINT_U16(name) Print(#name, e.name);
#define PRINT_ADDR(name) printf(" %s=%s", #name, Address(e.name).c_str());
#define PRINT_STR(name) printf(" %s=%s", #name, Text(record, e.name).c_str());
#define PRINT_PATH(name) printf(" %s=%s", #name, Path(Text(record, e.name)).c_str());
#define PRINT_ARGS(name) printf(" %s=[%s]", #name, Text(record, e.name).c_str());

void PrintFields(std::span<const std::byte> record, const nsw_header& header) {
  switch (header.type) {
#define EVENT(NAME, name, ...)            \
  case NSW_EVENT_##NAME: {                \
    nsw_event_##name e;                   \
    if (record.size() < sizeof e) return; \
    std::memcpy(&e, record.data(), sizeof e);
#define FIELD(kind, name, ...) PRINT_##kind(name)
#define END \
  break;    \
  }
#include "bpf/events.def"
  }
}

const char* EventName(uint16_t type) {
  static constexpr const char* kNames[] = {
      "none",
#define EVENT(NAME, name, ...) #name,
#define FIELD(...)
#define END
#include "bpf/events.def"
  };
  return kNames[type];
}

const char* CallName(uint16_t syscall) {
  static constexpr const char* kNames[] = {
      "-",
#define SYSCALL(name, event, late, i386) #name,
#include "bpf/syscalls.def"
  };
  return kNames[syscall];
}

void PrintRecord(std::span<const std::byte> record) {
  nsw_header h;
  std::memcpy(&h, record.data(), sizeof h);
  static constexpr const char* kVerdicts[] = {"none", "audit", "denied", "?"};
  printf(
      "%s %s verdict=%s rule=%u result=%lld flags=%x home=%llx pid=%u tid=%u vpid=%u ppid=%u "
      "comm=%.16s",
      EventName(h.type), CallName(h.syscall), kVerdicts[h.verdict & 3], h.rule,
      static_cast<long long>(h.result), h.flags, static_cast<unsigned long long>(h.home), h.pid,
      h.tid, h.vpid, h.ppid, h.comm);
  PrintFields(record, h);
  printf("\n");
}

uint64_t Sum(const std::vector<nsw::kernel::Counter>& counters) {
  uint64_t sum = 0;
  for (const auto& counter : counters) sum += counter.value;
  return sum;
}

// The last records, and the counters of just these: what is sent meanwhile is waited for, too.
std::vector<nsw::kernel::Counter> PrintRest(Kernel& kernel) {
  auto counters = kernel.Counters();
  for (int i = 0; i < 100; i++) {
    kernel.Poll(0, PrintRecord);
    auto now = kernel.Counters();
    const bool settled = Sum(now) == Sum(counters);
    counters = std::move(now);
    if (settled) break;
  }
  return counters;
}

void PrintCounters(const std::vector<nsw::kernel::Counter>& counters) {
  static constexpr const char* kKinds[] = {"emitted",   "ring_full", "no_scratch", "unpaired",
                                           "truncated", "no_label",  "denied",     "skipped"};
  for (const auto& counter : counters) {
    if (counter.value > 0)
      printf("counter %s %s=%llu\n", EventName(counter.event), kKinds[counter.kind],
             static_cast<unsigned long long>(counter.value));
  }
}

// A bit per name.
uint64_t Events(const std::string& names) {
  uint64_t events = 0;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    for (uint16_t type = 1; type < NSW_EVENT_COUNT; type++) {
      if (name == EventName(type))
        events |= nsw::event::EventBits(static_cast<nsw::event::Type>(type));
    }
  }
  return events;
}

std::set<std::string> Names(const std::string& list) {
  std::set<std::string> names;
  std::istringstream text(list);
  for (std::string name; std::getline(text, name, ',');) names.insert(name);
  return names;
}

// As the engine does once its policies are known.
void WantSome(Kernel& kernel, const std::string& names, const std::string& ports, uint64_t events) {
  if (!names.empty()) {
    events = (events & ~NSW_WANT_READS) | NSW_WANT_NAMED_READS;
    kernel.SetReadNames(Names(names));
  }
  if (!ports.empty()) {
    events &= ~NSW_WANT_ANY_PORT;
    nsw::rule::Ports all;
    for (const std::string& text : Names(ports)) {
      const auto port = static_cast<uint32_t>(std::stoul(text));
      all = Either(all, {port, port});
    }
    kernel.SetPorts(all);
  }
  kernel.SetWanted(events, events);
}

class Binder {
 public:
  Binder(Kernel& kernel, nsw::rule::DenyPlan plan) : kernel_(kernel), plan_(std::move(plan)) {}

  bool Build() {
    if (plan_.empty()) return true;
    if (auto ready = kernel_.deny().Prepare(plan_); !ready) return Failed(ready.error());
    auto slot = kernel_.deny().BuildSet(plan_);
    if (!slot) return Failed(slot.error());
    slot_ = *slot;
    return true;
  }

  void See(std::span<const std::byte> record) {
    nsw_header h;
    std::memcpy(&h, record.data(), sizeof h);
    if (h.type != NSW_EVENT_HOME || slot_ == 0) return;
    pids_[h.home] = static_cast<pid_t>(h.pid);
    auto status = kernel_.deny().Bind(h.home, slot_, plan_, static_cast<pid_t>(h.pid));
    printf("bound home=%llx pid=%u: %s\n", static_cast<unsigned long long>(h.home), h.pid,
           status ? "ok" : status.error().message.c_str());
  }

  void MakeAhead() {
    for (const nsw::kernel::HomeState& home : kernel_.Homes()) {
      kernel_.deny().Forget(home.id);
      const auto made = kernel_.deny().Bind(home.id, slot_, plan_, pids_[home.id]);
      printf("ahead home=%llx: %s\n", static_cast<unsigned long long>(home.id),
             made ? "ok" : made.error().message.c_str());
    }
    printf("all made ahead\n");
  }

 private:
  static bool Failed(const nsw::Error& error) {
    fprintf(stderr, "kernel_tool: %s\n", error.message.c_str());
    return false;
  }

  Kernel& kernel_;
  nsw::rule::DenyPlan plan_;
  uint32_t slot_ = 0;
  std::map<uint64_t, pid_t> pids_;  // by home: a process of it
};

void PrintFeatures(const nsw::kernel::Features& features) {
  for (const auto& f : features.table) {
    printf("feature %s: %s%s%s\n", f.name.c_str(), f.works ? "yes" : "no", f.works ? "" : ": ",
           f.why.c_str());
  }
}

int Run(Kernel& kernel, const nsw::rule::DenyPlan& plan) {
  Binder binder(kernel, plan);
  if (!binder.Build()) return 1;
  if (auto status = kernel.LabelRunning(); !status)
    fprintf(stderr, "kernel_tool: %s\n", status.error().message.c_str());
  const bool kills = kernel.enforcement() == nsw::kernel::Enforcement::kKills;
  printf("ready enforcing=%d%s\n", kernel.enforcing() ? 1 : 0, kills ? " kills=1" : "");
  while (!stop) {
    kernel.Poll(1000, [&](std::span<const std::byte> record) {
      PrintRecord(record);
      binder.See(record);
    });
    if (ahead.exchange(false)) binder.MakeAhead();
  }
  PrintCounters(PrintRest(kernel));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  nsw::kernel::Options options;
  nsw::rule::DenyPlan plan;
  std::string read_names;
  std::string ports;
  bool probe_only = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--probe")
      probe_only = true;
    else if (argument == "--host")
      options.watch_host = true;
    else if (argument == "--no-enforce")
      options.enforce = false;
    else if (argument == "--no-tracepoints")
      options.tracepoints = false;
    else if (argument == "--max-tasks" && i + 1 < argc)
      options.max_tasks = static_cast<uint32_t>(atoi(argv[++i]));
    else if (argument == "--events" && i + 1 < argc)
      options.wanted = Events(argv[++i]);
    else if (argument == "--read-names" && i + 1 < argc)
      read_names = argv[++i];
    else if (argument == "--ports" && i + 1 < argc)
      ports = argv[++i];
    else if (argument == "--debug")
      spdlog::set_level(spdlog::level::debug);
    else if (auto status = nsw::test::AddEntry(argv[i], plan); !status) {
      fprintf(stderr, "kernel_tool: %s\n", status.error().message.c_str());
      return 2;
    }
  }
  const nsw::kernel::Features features = nsw::kernel::ProbeFeatures();
  PrintFeatures(features);
  if (probe_only) return 0;
  auto kernel = Kernel::Load(features, options);
  if (!kernel) {
    fprintf(stderr, "kernel_tool: %s\n", kernel.error().message.c_str());
    return 1;
  }
  WantSome(**kernel, read_names, ports, options.wanted);
  running = kernel->get();
  signal(SIGTERM, OnSignal);
  signal(SIGINT, OnSignal);
  signal(SIGUSR1, OnSignal);
  for (const std::string& line : (*kernel)->attachments()) printf("attached %s\n", line.c_str());
  return Run(**kernel, plan);
}
