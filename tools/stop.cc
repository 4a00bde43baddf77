// SPDX-License-Identifier: Apache-2.0
// nswarden stop: end the engine, and say what stays in force. nswarden release --all: lift every
// refusal at once; nswarden arm: end that. Where no engine runs, stop --remove and release --all
// work on what it has left pinned.
#include <fcntl.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/base/clock.h"
#include "engine/base/unique_fd.h"
#include "engine/kernel/disarm.h"
#include "engine/kernel/pins.h"
#include "engine/pin_folder.h"
#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

/// The engine's own lock, so that none starts meanwhile. Invalid: an engine runs.
UniqueFd LockOut() {
  UniqueFd lock(open(kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.Reset();
  return lock;
}

/// What is done without an engine stands in the system's log; there is no history to write to.
void Log(const std::string& what) {
  openlog("nswarden", LOG_PID, LOG_AUTHPRIV);
  syslog(LOG_WARNING, "%s by uid %u pid %d, no engine runs", what.c_str(), getuid(), getpid());
  closelog();
}

int Failed(const std::string& why) {
  fprintf(stderr, "nswarden: %s\n", why.c_str());
  return 1;
}

bool NothingPinned() { return access(kPinFolder, F_OK) != 0 && errno == ENOENT; }

/// The engine goes on for a moment after its answer: it drains its rings.
UniqueFd WaitForEnd() {
  constexpr int kTries = 600;
  for (int i = 0; i < kTries; ++i) {
    if (UniqueFd lock = LockOut(); lock.valid()) return lock;
    usleep(100'000);
  }
  return {};
}

int StopWithoutEngine(bool remove) {
  if (!remove) {
    puts(NothingPinned() ? "no engine runs, and nothing is pinned"
                         : "no engine runs; what is pinned stays in force, until stop --remove");
    return 0;
  }
  if (Status removed = kernel::Pins::RemoveAll(kPinFolder); !removed)
    return Failed(removed.error().message);
  Log("all that was pinned is removed");
  puts("no engine runs; nothing is refused any more");
  return 0;
}

int Stop(const ControlFlags& control, bool remove) {
  if (geteuid() != 0) return Failed("only root may stop the engine; try `sudo nswarden stop`");
  if (const UniqueFd lock = LockOut(); lock.valid()) return StopWithoutEngine(remove);
  int status = 0;
  const auto answer = Ask(control, {{"verb", "stop"}, {"remove", remove}}, status);
  if (status != 0) return status;
  const UniqueFd lock = WaitForEnd();
  if (!lock.valid()) return Failed("the engine was told to stop, and still runs after a minute");
  if (!answer) return 0;
  puts(answer->value("stays_in_force", false)
           ? "stopped; what the policies refuse stays refused, until stop --remove"
           : "stopped; nothing is refused any more");
  return 0;
}

int ReleaseWithoutEngine(bool arm, const std::string& reason) {
  const kernel::Disarmed how{arm ? NSW_ARMED : NSW_DISARMED_BY_HAND, getuid(),
                             static_cast<uint32_t>(getpid()), SystemClock().RealNs(), reason};
  const Result<size_t> turned = kernel::SetDisarmedPinned(kPinFolder, how);
  if (!turned) return Failed(turned.error().message);
  if (*turned == 0) {
    puts("no engine runs, and nothing is pinned: nothing is refused");
    return 0;
  }
  Log((arm ? "armed: " : "disarmed: ") + reason);
  puts(arm ? "no engine runs; what is pinned refuses again"
           : "no engine runs; nothing is refused any more, until `nswarden arm`");
  return 0;
}

int Release(const ControlFlags& control, bool arm, const std::string& reason) {
  if (geteuid() != 0) return Failed("only root may do that; try `sudo nswarden`");
  if (const UniqueFd lock = LockOut(); lock.valid()) return ReleaseWithoutEngine(arm, reason);
  int status = 0;
  const auto answer = Ask(control, {{"verb", arm ? "arm" : "disarm"}, {"reason", reason}}, status);
  if (answer) puts(arm ? "armed" : "nothing is refused any more, until `nswarden arm`");
  return status;
}

}  // namespace

void AddStop(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("stop", "end the engine; what it refuses stays refused");
  auto control = AddControlFlags(*verb);
  auto remove = std::make_shared<bool>(false);
  auto keep = std::make_shared<bool>(false);
  auto* keep_flag =
      verb->add_flag("--keep", *keep, "leave in force what the policies refuse (the default)");
  verb->add_flag("--remove", *remove, "take everything out of the kernel")->excludes(keep_flag);
  verb->callback([control, remove, keep, &status] { status = Stop(*control, *remove); });
}

void AddRelease(CLI::App& app, int& status) {
  CLI::App* verb =
      app.add_subcommand("release", "lift refusals; what would be refused is alerted on");
  auto control = AddControlFlags(*verb);
  auto reason = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  verb->add_flag("--all", *all, "every refusal, at once, until `nswarden arm`")->required();
  verb->add_option("--reason", *reason, "why, for the history");
  verb->callback([control, all, reason, &status] { status = Release(*control, false, *reason); });
}

void AddArm(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("arm", "refuse again, after release --all");
  auto control = AddControlFlags(*verb);
  auto reason = std::make_shared<std::string>();
  verb->add_option("--reason", *reason, "why, for the history");
  verb->callback([control, reason, &status] { status = Release(*control, true, *reason); });
}

}  // namespace nsw::tools
