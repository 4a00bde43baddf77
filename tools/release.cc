// SPDX-License-Identifier: Apache-2.0
// nswarden release: end a container's quarantine and what was denied to it at run time, or, with
// --all, lift every refusal at once; nswarden arm: refuse again. The last two also work where no
// engine runs, on what it has left pinned.
#include <unistd.h>

#include <cstdio>

#include "engine/base/clock.h"
#include "engine/kernel/disarm.h"
#include "engine/pin_folder.h"
#include "tools/control_call.h"
#include "tools/verbs.h"
#include "tools/without_engine.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::string container;
  bool all = false;
  std::string reason;
};

int TurnWithoutEngine(bool arm, const std::string& reason) {
  const kernel::Disarmed how{arm ? NSW_ARMED : NSW_DISARMED_BY_HAND, getuid(),
                             static_cast<uint32_t>(getpid()), SystemClock().RealNs(), reason};
  const Result<size_t> turned = kernel::SetDisarmedPinned(kPinFolder, how);
  if (!turned) return Failed(turned.error().message);
  if (!arm) unlink(kRunTimeFile);
  if (*turned == 0) {
    puts("no engine runs, and nothing is pinned: nothing is refused");
    return 0;
  }
  LogWithoutEngine((arm ? "armed: " : "disarmed: ") + reason);
  puts(arm ? "no engine runs; what is pinned refuses again"
           : "no engine runs; nothing is refused any more, until `nswarden arm`");
  return 0;
}

// `refuses`: the engine can, where it is armed.
const char* Turned(bool arm, bool refuses) {
  if (!refuses)
    return arm ? "armed; but this engine refuses nothing (nswarden status says why)"
               : "disarmed; this engine refused nothing before (nswarden status says why)";
  return arm ? "armed" : "nothing is refused any more, until `nswarden arm`";
}

int Turn(const ControlFlags& control, bool arm, const std::string& reason) {
  if (geteuid() != 0)
    return Failed(std::string("only root may do that; try `sudo nswarden ") +
                  (arm ? "arm`" : "release --all`"));
  if (const UniqueFd lock = LockOut(); lock.valid()) return TurnWithoutEngine(arm, reason);
  int status = 0;
  const auto answer = Ask(control, {{"verb", arm ? "arm" : "disarm"}, {"reason", reason}}, status);
  if (answer) puts(Turned(arm, answer->value("refuses", true)));
  return status;
}

int ReleaseContainer(const ControlFlags& control, const Flags& flags) {
  int status = 0;
  const nlohmann::json request{
      {"verb", "release"}, {"container", flags.container}, {"reason", flags.reason}};
  if (const auto answer = Ask(control, request, status)) {
    printf("%s is released (%s run-time entries withdrawn)\n", Shown(*answer, "container").c_str(),
           Shown(*answer, "entries").c_str());
  }
  return status;
}

}  // namespace

void AddRelease(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "release", "end a container's quarantine and what was denied to it at run time; or --all");
  auto control = AddControlFlags(*verb);
  auto flags = std::make_shared<Flags>();
  auto* one = verb->add_option("--container", flags->container, "name, id, or the start of an id");
  verb->add_flag("--all", flags->all, "lift every refusal, at once, until `nswarden arm`")
      ->excludes(one);
  verb->add_option("--reason", flags->reason, "why, for the history");
  verb->callback([control, flags, &status] {
    if (!flags->all && flags->container.empty())
      throw CLI::ValidationError("release", "say which: --container NAME, or --all");
    status = flags->all ? Turn(*control, false, flags->reason) : ReleaseContainer(*control, *flags);
  });
}

void AddArm(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("arm", "refuse again, after release --all");
  auto control = AddControlFlags(*verb);
  auto reason = std::make_shared<std::string>();
  verb->add_option("--reason", *reason, "why, for the history");
  verb->callback([control, reason, &status] { status = Turn(*control, true, *reason); });
}

}  // namespace nsw::tools
