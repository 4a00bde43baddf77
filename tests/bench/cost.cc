// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cost.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "engine/kernel/kernel.h"
#include "tests/bench/hooks.h"
#include "tests/bench/measurer.h"

namespace nsw::bench {
namespace {

constexpr int kCalls = 200;

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

struct Limited {
  Call call;
  bool monitored;
};
const std::vector<Limited> kAll{{{"getppid", Ask, kCalls}, false},
                                {{"open and close", Open, kCalls}, true},
                                {{"open of what is not there", OpenMissing, kCalls}, true},
                                {{"connect", Connect, kCalls}, true},
                                {{"fork, exit and wait", Fork, 20}, true}};

std::vector<Call> Calls() {
  std::vector<Call> calls;
  for (const Limited& limited : kAll) calls.push_back(limited.call);
  return calls;
}

bool Report(const Limited& limited, double without, double empty, double with) {
  const double base = limited.monitored ? empty : without;
  const double limit = limited.monitored ? 1.25 : 1.0;
  // What is not watched runs the very same instructions; interrupts are all that differs.
  const bool kept = with <= base * limit + (limited.monitored ? 0 : 0.005 * base);
  printf(
      "%s %s: %.0f instructions without nswarden, %.0f with empty programs, %.0f with it: %.3f "
      "times %s (at most %.2f)\n",
      kept ? "ok" : "not ok", limited.call.name.data(), without, empty, with, with / base,
      limited.monitored ? "the empty ones" : "none", limit);
  return kept;
}

}  // namespace

Result<bool> MeasureCost() {
  Measurer measurer(Calls(), false);
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
  for (size_t i = 0; i < kAll.size(); i++)
    kept = Report(kAll[i], (*without)[i], (*empty)[i], (*with)[i]) && kept;
  return kept;
}

}  // namespace nsw::bench
