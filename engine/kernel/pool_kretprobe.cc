// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/pool_kretprobe.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "engine/kernel/programs.h"
#include "engine/kernel/symbols.h"

namespace nsw::kernel {
namespace {

constexpr const char* kGroup = "nswarden";

std::string Tracefs() {
  std::error_code ignored;
  for (const char* folder : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (std::filesystem::exists(std::string(folder) + "/kprobe_events", ignored)) return folder;
  }
  return {};
}

Status Command(const std::string& line) {
  const UniqueFd file(
      open((Tracefs() + "/kprobe_events").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid()) return FailErrno("opening tracefs's kprobe_events", errno);
  if (write(file.get(), line.data(), line.size()) < 0)
    return FailErrno("kprobe_events: " + line, errno);
  return {};
}

// By its address, where that is known: see symbols.h.
Status Place(const std::string& probe, const std::string& function) {
  const uint64_t address = FindSymbol(function).value_or(0);
  if (address != 0 && Command(probe + " " + std::to_string(address))) return {};
  return Command(probe + " " + function);
}

void Remove(const std::string& name) {
  // What fails here is found again as stale by the next engine.
  [[maybe_unused]] const Status ignored = Command(std::string("-:") + kGroup + "/" + name);
}

Result<UniqueFd> OpenEvent(const std::string& name, int program_fd) {
  int id = -1;
  std::ifstream(Tracefs() + "/events/" + kGroup + "/" + name + "/id") >> id;
  if (id < 0) return Fail("tracefs does not show the probe that it made: " + name);
  UniqueFd event = OpenPerfEvent(PERF_TYPE_TRACEPOINT, static_cast<uint64_t>(id), 0);
  if (!event.valid()) return FailErrno("perf_event_open of " + name, errno);
  if (ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program_fd) != 0) {
    return FailErrno("setting the program of " + name, errno);
  }
  if (ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0)
    return FailErrno("enabling " + name, errno);
  return event;
}

}  // namespace

Result<PoolKretprobe> PoolKretprobe::Attach(int program_fd, const std::string& function, int pool) {
  if (Tracefs().empty())
    return Fail(
        "tracefs has no kprobe_events: not mounted, or a kernel without CONFIG_KPROBE_EVENTS");
  const std::string name = "p" + std::to_string(getpid()) + "_" + function;
  const std::string probe = "r" + std::to_string(pool) + ":" + kGroup + "/" + name;
  if (Status status = Place(probe, function); !status) return tl::unexpected(status.error());
  Result<UniqueFd> event = OpenEvent(name, program_fd);
  if (!event) {
    Remove(name);
    return tl::unexpected(event.error());
  }
  return PoolKretprobe(name, std::move(*event));
}

PoolKretprobe::~PoolKretprobe() {
  if (!event_.valid()) return;  // moved from
  event_.Reset();
  Remove(name_);
}

void PoolKretprobe::RemoveStale() {
  std::error_code error;
  std::vector<std::string> names;  // first all names: removing changes the folder
  std::filesystem::directory_iterator entry(Tracefs() + "/events/" + kGroup, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  for (const std::string& name : names) {
    pid_t owner = 0;
    if (!name.starts_with('p')) continue;
    std::from_chars(name.data() + 1, name.data() + name.size(), owner);
    if (owner > 0 && owner != getpid() && kill(owner, 0) != 0 && errno == ESRCH) Remove(name);
  }
}

}  // namespace nsw::kernel
