// SPDX-License-Identifier: Apache-2.0
// What LoadedKernel does to notice that somebody switches it off.
#include <spdlog/spdlog.h>

#include "engine/kernel/loaded_kernel.h"

namespace nsw::kernel {

Status LoadedKernel::LoadCanary() {
  Result<Canary> canary = Canary::Load(features_, enforcing());
  if (!canary) return tl::unexpected(canary.error());
  canary_.emplace(std::move(*canary));
  return {};
}

std::vector<Sign> LoadedKernel::Signs() {
  std::vector<Sign> signs;
  if (canary_) signs = canary_->Listen();
  signs.push_back(SignOfLinks());
  if (pins_) signs.push_back(SignOfPins());
  if (leaves_older_) signs.push_back(SignOfOlder());
  return signs;
}

Sign LoadedKernel::SignOfLinks() {
  std::vector<int> fds;
  const auto add = [&](int fd) { fds.push_back(fd); };
  for (const Link& link : links_) add(bpf_link__fd(link.get()));
  if (enforcer_) enforcer_->ForEachDescriptor(add);
  sensor_->ForEachDescriptor(add);
  const size_t gone = link_watch_.Gone(fds);
  return {"probes", gone == 0, true,
          std::to_string(gone) + " of " + std::to_string(fds.size()) +
              " programs are not attached any more: restart the engine to attach them again"};
}

// For as long as this process lives: what it can was tried at its start.
Sign LoadedKernel::SignOfOlder() {
  return {
      "enforcement", false, true,
      "this engine can refuse nothing (`nswarden probe` says why), and leaves in place what the "
      "one before it has pinned: that refuses whenever the kernel calls it; restart the engine "
      "once the kernel does"};
}

// What root unpins stays in force as long as this process holds it, and is put back: it is to
// outlive the process.
Sign LoadedKernel::SignOfPins() {
  const std::vector<std::filesystem::path> missing = pins_->Missing();
  Sign sign{"pins", missing.empty(), true, {}};
  if (sign.works) return sign;
  const Status restored = pins_->Restore();
  sign.trouble =
      std::to_string(missing.size()) + " of what is pinned below " + pins_->root().string() +
      " was gone, " + missing.front().string() + " for one: " +
      (restored ? "it is pinned anew"
                : "what is refused will end with the engine: " + restored.error().message);
  return sign;
}

}  // namespace nsw::kernel
