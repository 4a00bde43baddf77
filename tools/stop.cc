// SPDX-License-Identifier: Apache-2.0
// nswarden stop: end the engine, and say what stays in force. Where no engine runs, stop --remove
// works on what it has left pinned.
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/kernel/pins.h"
#include "engine/pin_folder.h"
#include "tools/control_call.h"
#include "tools/verbs.h"
#include "tools/without_engine.h"

namespace nsw::tools {
namespace {

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
  unlink(kRunTimeFile);
  LogWithoutEngine("all that was pinned is removed");
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
  if (!answer->value("refuses", true)) {
    puts("stopped");
    return 0;
  }
  puts(answer->value("stays_in_force", false)
           ? "stopped; what the policies refuse stays refused, until stop --remove"
           : "stopped; nothing is refused any more");
  return 0;
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

}  // namespace nsw::tools
