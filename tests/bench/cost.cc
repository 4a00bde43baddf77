// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cost.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>

#include "engine/kernel/kernel.h"
#include "tests/bench/hooks.h"

namespace nsw::bench {
namespace {

constexpr int kCalls = 500;
constexpr int kRounds = 9;

void Ask() { syscall(SYS_getppid); }

void Open() {
  const int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

void OpenMissing() { (void)open("/etc/none", O_RDONLY | O_CLOEXEC); }

void Connect() {
  static const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{.sun_family = AF_UNIX};
  strcpy(to.sun_path, "/run/none.sock");
  connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

void Fork() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
}

struct Call {
  std::string_view name;
  void (*make)();
  bool monitored;
  int calls;
};
constexpr Call kAll[] = {{"getppid", Ask, false, kCalls},
                         {"open and close", Open, true, kCalls},
                         {"open of what is not there", OpenMissing, true, kCalls},
                         {"connect", Connect, true, kCalls},
                         {"fork, exit and wait", Fork, true, 20}};
using Costs = std::array<double, std::size(kAll)>;

int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Of one call: the least of some rounds, the others were interrupted.
double CostOf(const Call& call) {
  call.make();
  int64_t best = INT64_MAX;
  for (int round = 0; round < kRounds; round++) {
    const int64_t start = Now();
    for (int i = 0; i < call.calls; i++) call.make();
    best = std::min(best, Now() - start);
  }
  return static_cast<double>(best) / call.calls;
}

// In a process of its own: the engine's own acts are passed over even sooner.
Result<Costs> Measure() {
  int ends[2];
  if (pipe(ends) != 0) return FailErrno("pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    Costs costs{};
    std::ranges::transform(kAll, costs.begin(), CostOf);
    _exit(write(writer.get(), &costs, sizeof costs) == sizeof costs ? 0 : 1);
  }
  writer.Reset();
  Costs costs{};
  const ssize_t size = read(reader.get(), &costs, sizeof costs);
  waitpid(child, nullptr, 0);
  if (size != sizeof costs) return Fail("the measuring process failed");
  return costs;
}

bool Report(const Call& call, double without, double empty, double with) {
  const double base = call.monitored ? empty : without;
  const double limit = call.monitored ? 1.25 : 1.0;
  // What is not watched runs the very same instructions; interrupts are all that differs.
  const bool kept = with <= base * limit + (call.monitored ? 0 : 0.005 * base);
  printf(
      "%s %s: %.0f instructions without nswarden, %.0f with empty programs, %.0f with it: %.3f "
      "times %s (at most %.2f)\n",
      kept ? "ok" : "not ok", call.name.data(), without, empty, with, with / base,
      call.monitored ? "the empty ones" : "none", limit);
  return kept;
}

}  // namespace

Result<bool> MeasureCost() {
  const auto without = Measure();
  if (!without) return tl::unexpected(without.error());

  auto loaded = kernel::Kernel::Load(kernel::ProbeFeatures(), {});
  if (!loaded) return tl::unexpected(loaded.error());
  const auto attachments = (*loaded)->attachments();
  const auto with = Measure();
  loaded->reset();
  if (!with) return tl::unexpected(with.error());

  EmptyHooks hooks;
  if (Status attached = hooks.Attach(attachments); !attached)
    return tl::unexpected(attached.error());
  const auto empty = Measure();
  if (!empty) return tl::unexpected(empty.error());

  bool kept = true;
  for (size_t i = 0; i < std::size(kAll); i++)
    kept = Report(kAll[i], (*without)[i], (*empty)[i], (*with)[i]) && kept;
  return kept;
}

}  // namespace nsw::bench
