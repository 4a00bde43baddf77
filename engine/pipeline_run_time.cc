// SPDX-License-Identifier: Apache-2.0
// How what was done to containers at run time outlives the engine where its maps do not: it is kept
// in a file, too, and put in force again when the container is found that it was done to.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/pipeline.h"

namespace nsw {
namespace {

// In which the containers that run are found again.
constexpr uint64_t kSearch = 60ULL * 1'000'000'000;

}  // namespace

void Pipeline::LoadRunTime() {
  if (parts_.run_time == nullptr) return;
  auto homes = parts_.run_time->Load();
  if (homes)
    to_restore_ = std::move(*homes);
  else
    spdlog::error("run-time entries and quarantines: {}", homes.error().message);
  run_time_changed_ = !quarantined_.empty();  // the maps may know of more
  search_until_ns_ = parts_.clock.BootNs() + kSearch;
}

// Where the maps are those of the engine before this one they have all of it already, and to push
// it again changes nothing but that it has its name.
void Pipeline::Restore(container::Binding& binding) {
  if (to_restore_.empty() || !CanRefuse(binding)) return;
  const auto found = std::ranges::find(to_restore_, binding.home, &RunTimeHome::home);
  if (found == to_restore_.end()) return;
  const RunTimeHome home = std::move(*found);
  to_restore_.erase(found);
  const auto done = [&](const Status& status) {
    if (!status) spdlog::error("container {}: {}", binding.container.name, status.error().message);
  };
  for (const RunTimeEntry& one : home.entries) {
    if (one.expires_ns != 0 && one.expires_ns <= parts_.clock.BootNs()) continue;
    const auto pushed = Push(binding, one.rule, one.entry, one.expires_ns);
    done(pushed ? Status() : tl::unexpected(pushed.error()));
  }
  if (home.quarantined) done(PutIntoQuarantine(binding));
  run_time_changed_ = true;
}

RunTimeHome Pipeline::RunTimeOf(uint64_t home) const {
  const uint64_t now = parts_.clock.BootNs();
  RunTimeHome all{.home = home, .quarantined = quarantined_.contains(home)};
  for (auto at = run_time_rules_.lower_bound({home, 0});
       at != run_time_rules_.end() && at->first.first == home; ++at) {
    const RunTimeEntry& one = at->second;
    if (one.expires_ns == 0 || one.expires_ns > now) all.entries.push_back(one);
  }
  return all;
}

// What was released with all the rest is not for the next engine to refuse.
void Pipeline::SaveRunTime() {
  run_time_changed_ = false;
  if (parts_.run_time == nullptr) return;
  const auto disarmed = parts_.kernel.disarmed();
  std::vector<RunTimeHome> homes;
  if (!disarmed || disarmed->how != NSW_DISARMED_BY_HAND) {
    homes = to_restore_;
    std::set<uint64_t> known = quarantined_;
    for (const auto& [key, one] : run_time_rules_) known.insert(key.first);
    for (const RunTimeHome& one : to_restore_) known.erase(one.home);
    for (const uint64_t home : known) {
      RunTimeHome one = RunTimeOf(home);
      if (one.quarantined || !one.entries.empty()) homes.push_back(std::move(one));
    }
  }
  if (const Status saved = parts_.run_time->Save(homes); !saved)
    spdlog::error("run-time entries and quarantines: {}", saved.error().message);
}

// Once a second: what rules have done may come in floods. Who was not found by the end of the
// search is gone.
void Pipeline::TickRunTime(uint64_t now_ns) {
  if (!to_restore_.empty() && now_ns >= search_until_ns_) {
    const size_t gone = std::erase_if(to_restore_, [&](const RunTimeHome& home) {
      return parts_.registry.Find(home.home) == nullptr;
    });
    if (gone != 0) run_time_changed_ = true;
  }
  if (run_time_changed_) SaveRunTime();
}

}  // namespace nsw
