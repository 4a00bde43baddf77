// SPDX-License-Identifier: Apache-2.0
#include "engine/kill.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "engine/base/unique_fd.h"

namespace nsw {

Status KillProcess(uint32_t pid, uint64_t start_ns, const event::ProcessReader& reader) {
  if (pid <= 1 || pid == static_cast<uint32_t>(getpid()))
    return Fail("process " + std::to_string(pid) + " is not to be killed");
  // Held first and looked at then: what is held cannot become another.
  const UniqueFd held(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!held.valid()) return FailErrno("process " + std::to_string(pid), errno);
  event::Process now;
  constexpr uint64_t kTick = 10'000'000;  // what /proc tells is that coarse
  if (!reader.Read(pid, now) || now.start_ns > start_ns + kTick || now.start_ns + kTick < start_ns)
    return Fail("process " + std::to_string(pid) + " has ended");
  if (syscall(SYS_pidfd_send_signal, held.get(), SIGKILL, nullptr, 0) != 0)
    return FailErrno("killing process " + std::to_string(pid), errno);
  return {};
}

}  // namespace nsw
