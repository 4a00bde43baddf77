// SPDX-License-Identifier: Apache-2.0
// What the daemon does about what outlives it: taking over from the engine before it, stopping with
// or without it, and disarming.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/daemon.h"
#include "engine/pin_folder.h"

namespace nsw {
namespace {

using nlohmann::json;

constexpr const char* kDisarmFile = "/etc/nswarden/disarm";
constexpr const char* kDisarmWord = "nswarden.disarm";

std::string ReasonToDisarm() {
  std::error_code ignored;
  if (std::filesystem::exists(kDisarmFile, ignored)) return std::string("the file ") + kDisarmFile;
  std::ifstream line("/proc/cmdline");
  for (std::string word; line >> word;) {
    if (word == kDisarmWord) return std::string(kDisarmWord) + " on the kernel's command line";
  }
  return {};
}

std::string Text(const json& request, const char* key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

// A start without the switch ends what a start with it began; what was done by hand stays.
void Daemon::DisarmAtStart() {
  const std::string reason = ReasonToDisarm();
  const auto now = kernel_->disarmed();
  if (reason.empty() && (!now || now->how != NSW_DISARMED_AT_START)) return;
  const kernel::Disarmed how{reason.empty() ? NSW_ARMED : NSW_DISARMED_AT_START, geteuid(),
                             static_cast<uint32_t>(getpid()), SystemClock().RealNs(), reason};
  if (now && now->how == NSW_DISARMED_BY_HAND) return;
  if (Status set = kernel_->Disarm(how); !set) spdlog::error("{}", set.error().message);
  RecordOperation(reason.empty() ? "arm" : "disarm", reason, {how.uid, how.pid});
}

void Daemon::SayDisarmed() const {
  const auto now = kernel_->disarmed();
  if (!now) return;
  spdlog::warn(
      "enforcement: DISARMED by {} (uid {} pid {}): nothing is refused; {}", now->reason, now->uid,
      now->pid,
      now->how == NSW_DISARMED_AT_START ? "take that away and restart" : "`nswarden arm` ends it");
}

// What nobody refuses any more is forgotten; what an engine before this one refuses, and this one
// cannot, is left as it is.
RunTimeFile* Daemon::OpenRunTime() {
  if (kernel_->pinned().empty()) unlink(kRunTimeFile);
  if (kernel_->pinned().empty() || !kernel_->judging()) return nullptr;
  return &run_time_.emplace(kRunTimeFile, BootId());
}

void Daemon::SayWhatStays() const {
  if (remove_) {
    kernel_->LeaveNothing();
    unlink(kRunTimeFile);
    if (kernel_->judging()) spdlog::info("nothing is refused any more");
  } else if (!kernel_->pinned().empty()) {
    spdlog::info("what the policies refuse stays refused; `nswarden stop --remove` ends that");
  }
}

// What an engine before this one left goes when every container has its policies from this one: not
// where they found no room.
void Daemon::TakeOver() {
  bool settled = true;
  bool known = registry_->listed();
  registry_->ForEach([&](const container::Binding& binding) {
    settled &= binding.settled && (binding.removed || !binder_->NotInForce(binding.home));
    known &= !binding.is_container || binding.removed || binding.container.known();
  });
  if (!settled || !kernel_->TakeOver(known)) return;
  spdlog::info("enforcement: taken over from the engine before this one");
  RecordOperation("takeover", "", {geteuid(), static_cast<uint32_t>(getpid())});
}

json Daemon::Stop(const json& request, const Peer& peer) {
  remove_ = request.value("remove", json(false)) == json(true);
  stopper_ = peer;
  const bool stays = !remove_ && !kernel_->pinned().empty();
  spdlog::info("stop by uid {} pid {}", peer.uid, peer.pid);
  stopping_ = true;
  kernel_->Wake();
  return {{"stays_in_force", stays}, {"refuses", kernel_->judging()}};
}

json Daemon::Disarm(const json& request, const Peer& peer) {
  const bool arm = Text(request, "verb") == "arm";
  const std::string reason = Text(request, "reason");
  const kernel::Disarmed how{arm ? NSW_ARMED : NSW_DISARMED_BY_HAND, peer.uid, peer.pid,
                             SystemClock().RealNs(), reason};
  if (Status set = kernel_->Disarm(how); !set) return {{"error", set.error().message}};
  pipeline_->SaveRunTime();
  spdlog::warn("{} by uid {} pid {}: {}", arm ? "armed" : "DISARMED, nothing is refused,", peer.uid,
               peer.pid, reason.empty() ? "no reason given" : Escape(reason));
  RecordOperation(arm ? "arm" : "disarm", reason, peer);
  return {{"disarmed", !arm}, {"refuses", kernel_->judging()}};
}

}  // namespace nsw
