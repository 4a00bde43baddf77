// SPDX-License-Identifier: Apache-2.0
#include "engine/heartbeat.h"

#include <algorithm>

namespace nsw {
namespace {

constexpr int kMissesMax = 2;  // running

/// True where it is found to fail by this.
bool Missed(Heartbeat::State& state, const kernel::Sign& sign, uint64_t now_ns) {
  state.trouble = sign.trouble;
  state.misses++;
  if (state.failing_ns != 0) {
    if (state.steady_ns != 0) state.failures++;
    state.steady_ns = 0;
    return false;
  }
  if (!sign.certain && state.misses < kMissesMax) return false;
  state.failing_ns = state.worked_ns != 0 ? state.worked_ns : now_ns;
  state.failures = 1;
  return true;
}

/// True where it is found to work again by this.
bool Worked(Heartbeat::State& state, uint64_t now_ns) {
  state.misses = 0;
  state.worked_ns = now_ns;
  if (state.failing_ns == 0) return false;
  if (state.steady_ns == 0) state.steady_ns = now_ns;
  return now_ns - state.steady_ns >= Heartbeat::kSteadyNs;
}

}  // namespace

std::vector<Heartbeat::Change> Heartbeat::Beat(const std::vector<kernel::Sign>& signs,
                                               uint64_t now_ns) {
  std::vector<Change> changes;
  last_ns_ = now_ns;
  for (const kernel::Sign& sign : signs) {
    State& state = states_.try_emplace(sign.what, State{.worked_ns = now_ns}).first->second;
    const bool changed = sign.works ? Worked(state, now_ns) : Missed(state, sign, now_ns);
    if (!changed) continue;
    changes.push_back({sign.what, sign.works, state});
    if (sign.works) state = State{.worked_ns = now_ns};
  }
  return changes;
}

bool Heartbeat::well() const {
  return last_ns_ != 0 && std::ranges::all_of(states_, [](const auto& item) {
           return item.second.failing_ns == 0 && item.second.misses == 0;
         });
}

std::string Heartbeat::Failing() const {
  std::string names;
  for (const auto& [what, state] : states_) {
    if (state.failing_ns != 0) names += (names.empty() ? "" : ", ") + what;
  }
  return names;
}

}  // namespace nsw
