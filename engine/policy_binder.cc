// SPDX-License-Identifier: Apache-2.0
#include "engine/policy_binder.h"

#include <algorithm>
#include <set>

namespace nsw {
namespace {

constexpr size_t kRetries = 16;  // a second: building a set that finds no room costs, too

}  // namespace

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
  // What is seen is matched against these policies even where the kernel cannot refuse it.
  binding.policies = chosen;
  binding.generation = generation_;
  Status done = Guarded("binding failed", [&] { return PutInForce(binding, chosen); });
  if (done) {
    failed_.erase(binding.home);
  } else {
    failed_[binding.home] = done.error().message;
  }
  return done;
}

Status PolicyBinder::PutInForce(container::Binding& binding, const Chosen& chosen) {
  if (kernel_.enforcing()) {
    if (const Status built = Ensure(*policies_, chosen, sets_); !built) return built;
    const DenySet& set = sets_.at(chosen);
    const Status bound = kernel_.deny().Bind(binding.home, set.slot, set.plan, binding.pid);
    if (!bound) return bound;
    binding.policy_set = set.slot;
  }
  // Refusing or not: the label of a container's process is final only once the kernel knows.
  if (!binding.is_container) return {};
  return kernel_.SetHomeFlags(binding.home, NSW_HOME_BOUND | NSW_HOME_CONTAINER);
}

Status PolicyBinder::Bind(container::Binding& binding) {
  return Install(binding, Choose(*policies_, binding));
}

std::vector<container::Binding*> PolicyBinder::Retry() {
  std::vector<container::Binding*> succeeded;
  for (size_t left = std::min(failed_.size(), kRetries); left > 0 && !failed_.empty(); left--) {
    auto next = failed_.upper_bound(retried_);
    if (next == failed_.end()) next = failed_.begin();
    retried_ = next->first;
    container::Binding* binding = registry_.Find(retried_);
    if (binding == nullptr) {
      failed_.erase(next);
    } else if (Bind(*binding)) {
      succeeded.push_back(binding);
    }
  }
  return succeeded;
}

const std::string* PolicyBinder::NotInForce(uint64_t home) const {
  const auto found = failed_.find(home);
  return found == failed_.end() ? nullptr : &found->second;
}

Status PolicyBinder::Build(const rule::PolicySet& policies, DenySets& sets) {
  Status built;
  registry_.ForEach([&](container::Binding& binding) {
    if (built) built = Ensure(policies, Choose(policies, binding), sets);
  });
  return built;
}

Status PolicyBinder::InstallAll() {
  Status installed;
  registry_.ForEach([&](container::Binding& binding) {
    const Status one = Install(binding, Choose(*policies_, binding));
    if (installed) installed = one;
  });
  return installed;
}

Status PolicyBinder::Use(std::shared_ptr<const rule::PolicySet> policies) {
  // Everything that can fail for want of room is built first; only then does any container change
  // over.
  DenySets sets;
  const Status built = Guarded("building failed", [&] { return Build(*policies, sets); });
  if (!built) {
    Retire(sets);
    return built;
  }
  policies_.swap(policies);
  sets_.swap(sets);
  generation_++;
  const Status installed = InstallAll();
  if (!installed && policies != nullptr) {
    policies_.swap(policies);
    sets_.swap(sets);
    generation_--;
    (void)InstallAll();  // of what held before, nothing needs to be made
  }
  Retire(sets);
  host_policies_ = policies_->SelectHost();
  kernel_.SetWatchHost(!host_policies_.empty());
  kernel_.SetWanted(policies_->wanted() | needed_);
  return installed;
}

void PolicyBinder::AlsoWant(uint64_t events) {
  if ((needed_ | events) == needed_) return;
  needed_ |= events;
  kernel_.SetWanted(policies_->wanted() | needed_);
}

void PolicyBinder::Collect() {
  std::set<uint32_t> used;
  registry_.ForEach([&](container::Binding& binding) { used.insert(binding.policy_set); });
  const auto free = [&](uint32_t slot) {
    if (used.contains(slot)) return false;
    if (slot != 0) kernel_.deny().FreeSet(slot);
    return true;
  };
  std::erase_if(failed_, [&](const auto& item) { return registry_.Find(item.first) == nullptr; });
  std::erase_if(sets_, [&](const auto& item) { return free(item.second.slot); });
  std::erase_if(retired_, free);
}

void PolicyBinder::Retire(DenySets& sets) {
  for (const auto& [chosen, set] : sets) {
    if (set.slot != 0) retired_.push_back(set.slot);
  }
  sets.clear();
  Collect();
}

}  // namespace nsw
