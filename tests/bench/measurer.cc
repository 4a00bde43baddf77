// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measurer.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace nsw::bench {
namespace {

constexpr int kRounds = 15;

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

// Goes on in a child that lives in namespaces of its own.
void Contain() {
  if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) _exit(1);
  if (const pid_t child = fork(); child != 0) {
    waitpid(child, nullptr, 0);
    _exit(0);
  }
}

}  // namespace

Measurer::Measurer(std::vector<Call> calls, bool contained) : calls_(std::move(calls)) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
  socket_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  if (fork() == 0) {
    socket_.Reset();
    if (contained) Contain();
    Serve(theirs.get());
  }
}

Result<Costs> Measurer::Measure() {
  Costs costs(calls_.size());
  const auto size = static_cast<ssize_t>(costs.size() * sizeof(double));
  const char go = 1;
  if (send(socket_.get(), &go, 1, MSG_NOSIGNAL) != 1 ||
      recv(socket_.get(), costs.data(), static_cast<size_t>(size), 0) != size)
    return Fail("the measuring process failed");
  return costs;
}

void Measurer::Serve(int socket) const {
  char go = 0;
  while (recv(socket, &go, 1, 0) == 1) {
    Costs costs(calls_.size());
    std::ranges::transform(calls_, costs.begin(), CostOf);
    send(socket, costs.data(), costs.size() * sizeof(double), MSG_NOSIGNAL);
  }
  _exit(0);
}

}  // namespace nsw::bench
