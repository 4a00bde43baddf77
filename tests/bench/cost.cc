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

constexpr int kCalls = 200;
constexpr int kRounds = 15;

void Ask() { syscall(SYS_getppid); }

// In memory: a disk, or the host behind a guest's file system, would be what is measured.
void Open() {
  const int fd = open("/run/nsw_bench", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

void OpenMissing() { (void)open("/run/none", O_RDONLY | O_CLOEXEC); }

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
  for (int i = 0; i < 10; i++) call.make();
  int64_t best = INT64_MAX;
  for (int round = 0; round < kRounds; round++) {
    const int64_t start = Now();
    for (int i = 0; i < call.calls; i++) call.make();
    best = std::min(best, Now() - start);
  }
  return static_cast<double>(best) / call.calls;
}

// Costs of all calls, each time it is asked, by one process that is begun before anything else: one
// with the engine's memory would pay for that in each fork.
class Measurer {
 public:
  Measurer() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
    socket_ = UniqueFd(ends[0]);
    const UniqueFd theirs(ends[1]);
    if (fork() == 0) {
      socket_.Reset();
      Serve(theirs.get());
    }
  }

  Result<Costs> Measure() {
    Costs costs{};
    const char go = 1;
    if (send(socket_.get(), &go, 1, MSG_NOSIGNAL) != 1 ||
        recv(socket_.get(), &costs, sizeof costs, 0) != sizeof costs)
      return Fail("the measuring process failed");
    return costs;
  }

 private:
  [[noreturn]] static void Serve(int socket) {
    char go = 0;
    while (recv(socket, &go, 1, 0) == 1) {
      Costs costs{};
      std::ranges::transform(kAll, costs.begin(), CostOf);
      send(socket, &costs, sizeof costs, MSG_NOSIGNAL);
    }
    _exit(0);
  }

  UniqueFd socket_;
};

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
  Measurer measurer;
  const auto without = measurer.Measure();
  if (!without) return tl::unexpected(without.error());

  auto loaded = kernel::Kernel::Load(kernel::ProbeFeatures(), {});
  if (!loaded) return tl::unexpected(loaded.error());
  const auto attachments = (*loaded)->attachments();
  const auto with = measurer.Measure();
  loaded->reset();
  if (!with) return tl::unexpected(with.error());

  EmptyHooks hooks;
  if (Status attached = hooks.Attach(attachments); !attached)
    return tl::unexpected(attached.error());
  const auto empty = measurer.Measure();
  if (!empty) return tl::unexpected(empty.error());

  bool kept = true;
  for (size_t i = 0; i < std::size(kAll); i++)
    kept = Report(kAll[i], (*without)[i], (*empty)[i], (*with)[i]) && kept;
  return kept;
}

}  // namespace nsw::bench
