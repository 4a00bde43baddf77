// SPDX-License-Identifier: Apache-2.0
#include "engine/policy_binder.h"

#include <set>

namespace nsw {

PolicyBinder::Chosen PolicyBinder::Choose(const rule::PolicySet& policies,
                                          container::Binding& binding) {
  const container::Binding& outer =
      registry_.Outermost(binding);  // whose policies hold for what is nested in it
  return outer.is_container ? policies.Select(outer.container) : policies.SelectHost();
}

Status PolicyBinder::Ensure(const rule::PolicySet& policies, const Chosen& chosen, DenySets& sets) {
  if (!kernel_.enforcing() || sets.contains(chosen)) return {};
  DenySet set{.plan = policies.Plan(chosen)};
  if (!set.plan.entries.empty()) {
    auto slot = kernel_.deny().BuildSet(set.plan);
    if (!slot) return tl::unexpected(slot.error());
    set.slot = *slot;
  }
  sets.emplace(chosen, std::move(set));
  return {};
}

Status PolicyBinder::Install(container::Binding& binding, const Chosen& chosen) {
  binding.policies = chosen;
  binding.generation = generation_;
  if (!kernel_.enforcing()) return {};
  const DenySet& set = sets_.at(chosen);
  const Status bound = kernel_.deny().Bind(binding.home, set.slot, set.plan, binding.pid);
  if (!bound) return bound;
  binding.policy_set = set.slot;
  if (!binding.is_container) return {};
  return kernel_.SetHomeFlags(binding.home, NSW_HOME_BOUND | NSW_HOME_CONTAINER);
}

Status PolicyBinder::Bind(container::Binding& binding) {
  const Chosen chosen = Choose(*policies_, binding);
  if (const Status built = Ensure(*policies_, chosen, sets_); !built) return built;
  return Install(binding, chosen);
}

Status PolicyBinder::Use(std::shared_ptr<const rule::PolicySet> policies) {
  // Everything that can fail for want of room is built first; only then does any container change
  // over.
  DenySets sets;
  Status built;
  registry_.ForEach([&](container::Binding& binding) {
    if (built) built = Ensure(*policies, Choose(*policies, binding), sets);
  });
  if (!built) {
    Free(sets);
    return built;
  }
  policies_ = std::move(policies);
  sets_.swap(sets);
  host_policies_ = policies_->SelectHost();
  generation_++;
  kernel_.SetWatchHost(!host_policies_.empty());
  Status installed;
  registry_.ForEach([&](container::Binding& binding) {
    const Status one = Install(binding, Choose(*policies_, binding));
    if (!one) installed = one;
  });
  if (installed) Free(sets);
  return installed;
}

void PolicyBinder::Collect() {
  std::set<uint32_t> used;
  registry_.ForEach([&](container::Binding& binding) { used.insert(binding.policy_set); });
  for (auto set = sets_.begin(); set != sets_.end();) {
    if (used.contains(set->second.slot)) {
      ++set;
      continue;
    }
    if (set->second.slot != 0) kernel_.deny().FreeSet(set->second.slot);
    set = sets_.erase(set);
  }
}

void PolicyBinder::Free(const DenySets& sets) {
  for (const auto& [chosen, set] : sets) {
    if (set.slot != 0) kernel_.deny().FreeSet(set.slot);
  }
}

}  // namespace nsw
