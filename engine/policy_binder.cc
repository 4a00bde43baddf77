// SPDX-License-Identifier: Apache-2.0
#include "engine/policy_binder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

namespace nsw {
namespace {

constexpr size_t kRefreshed = 256;  // paths a call
constexpr size_t kSearch = 64;      // as many as it takes to look through all processes in vain
constexpr size_t kRetries = 16;     // a second: building a set that finds no room costs, too

// What the container's first process runs by now: a startup phase can be over already. Of a script
// that is its interpreter, so that it counts as not begun.
std::string FirstProgram(const container::Binding& binding) {
  const pid_t pid = binding.container.init_pid != 0 ? binding.container.init_pid : binding.pid;
  std::error_code failed;
  const auto exe = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", failed);
  return failed ? std::string() : exe.string();
}

// Whether an act could fail, or end its process, by that policy.
bool Enforces(const rule::PolicyInfo& policy, kernel::Enforcement enforcement) {
  if (!policy.has_deny || policy.mode != rule::Mode::kEnforce) return false;
  return enforcement != kernel::Enforcement::kKills || policy.fallback_kill;
}

}  // namespace

PolicyBinder::Chosen PolicyBinder::Choose(const rule::PolicySet& policies,
                                          container::Binding& binding) {
  const container::Binding& outer =
      registry_.Outermost(binding);  // whose policies hold for what is nested in it
  return outer.is_container ? policies.Select(outer.container) : policies.SelectHost();
}

// An engine that comes after this one is to know who refused what, whatever policies it has.
void PolicyBinder::NameRules(const rule::PolicySet& policies, const rule::DenyPlan& plan) {
  const auto name = [&](uint32_t id) {
    if (const rule::RuleInfo* rule = policies.FindRule(id)) kernel_.NameRule(*rule);
  };
  for (const rule::DenyEntry& entry : plan.entries) name(entry.rule);
  for (const rule::AllowList& list : plan.allow) name(list.rule);
}

size_t PolicyBinder::InKernel(const DenySets& sets) {
  return static_cast<size_t>(
      std::ranges::count_if(sets, [](const auto& item) { return item.second.slot != 0; }));
}

Status PolicyBinder::Ensure(const rule::PolicySet& policies, const Chosen& chosen, DenySets& sets) {
  if (!kernel_.judging() || sets.contains(chosen)) return {};
  DenySet set{.plan = policies.Plan(chosen)};
  if (!set.plan.empty()) {
    if (InKernel(sets) == NSW_SETS) {
      return Fail("containers have more than " + std::to_string(NSW_SETS) +
                  " different combinations of policies that refuse something");
    }
    NameRules(policies, set.plan);
    auto slot = kernel_.deny().BuildSet(set.plan);
    if (!slot) return tl::unexpected(slot.error());
    set.slot = *slot;
  }
  sets.emplace(chosen, std::move(set));
  return {};
}

Status PolicyBinder::Install(container::Binding& binding, const Chosen& chosen) {
  // What is seen is matched against these policies even where the kernel cannot refuse it.
  if (binding.policies != chosen || binding.generation != generation_) {
    binding.policies = chosen;
    binding.generation = generation_;
    binding.running = policies_->EndedStartups(FirstProgram(binding), chosen);
  }
  Status done = Guarded("binding failed", [&] { return PutInForce(binding, chosen); });
  if (done) {
    failed_.erase(binding.home);
  } else {
    failed_[binding.home] = done.error().message;
  }
  return done;
}

// A home that was bound is a container's: whatever it makes inside stays its own. That of a service
// of the host is not, or the containers that it makes would all be taken for it.
Status PolicyBinder::PutInForce(container::Binding& binding, const Chosen& chosen) {
  if (kernel_.judging() && binding.is_container) {
    if (kernel_.deny().Holds(binding)) return {};
    if (const Status built = Ensure(*policies_, chosen, sets_); !built) return built;
    const DenySet& set = sets_.at(chosen);
    // The one that it was bound by may have ended since.
    const bool there = binding.policy_set == 0 || registry_.Locate(binding);
    const pid_t pid = there ? binding.pid : 0;
    const Status bound = kernel_.deny().Bind(binding.home, set.slot, set.plan, pid);
    if (!bound) return bound;
    binding.policy_set = set.slot;
  }
  // Refusing or not: the label of a container's process is final only once the kernel knows.
  if (const Status told = kernel_.SetHomeWants(binding.home, policies_->WantedBy(chosen)); !told)
    return told;
  const uint32_t decided = binding.settled ? NSW_HOME_DECIDED : 0;
  if (!binding.is_container)
    return decided == 0 ? Status() : kernel_.SetHomeFlags(binding.home, decided);
  const uint32_t known = binding.container.known() ? NSW_HOME_KNOWN : 0;
  return kernel_.SetHomeFlags(binding.home, NSW_HOME_BOUND | NSW_HOME_CONTAINER | decided | known);
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

// Some milliseconds' work, however many containers and entries there are.
void PolicyBinder::Refresh() {
  if (!kernel_.judging()) return;
  std::vector<container::Binding*> bound;
  registry_.ForEach([&](container::Binding& binding) {
    if (binding.policy_set != 0 && !binding.removed) bound.push_back(&binding);
  });
  std::ranges::sort(bound, {}, &container::Binding::home);
  const auto next = std::ranges::upper_bound(bound, refreshed_, {}, &container::Binding::home);
  std::ranges::rotate(bound, next);
  size_t looked_at = 0;
  for (container::Binding* binding : bound) {
    if (looked_at >= kRefreshed) break;
    refreshed_ = binding->home;
    if (!registry_.Locate(*binding)) {
      looked_at += kSearch;
      continue;
    }
    const Result<size_t> paths = kernel_.deny().Refresh(binding->home, binding->pid);
    looked_at += paths.value_or(1);
    if (!paths) spdlog::warn("container {}: {}", binding->container.name, paths.error().message);
  }
}

const std::string* PolicyBinder::NotInForce(uint64_t home) const {
  const auto found = failed_.find(home);
  return found == failed_.end() ? nullptr : &found->second;
}

// For all policies at once, so that no container's start waits for programs to be loaded.
Status PolicyBinder::Prepare(const rule::PolicySet& policies) {
  if (!kernel_.judging()) return {};
  Chosen all(policies.policies().size());
  std::iota(all.begin(), all.end(), 0U);
  return kernel_.deny().Prepare(policies.Plan(all));
}

Status PolicyBinder::Build(const rule::PolicySet& policies, DenySets& sets) {
  Status built = Prepare(policies);
  registry_.ForEach([&](container::Binding& binding) {
    if (built && binding.is_container) built = Ensure(policies, Choose(policies, binding), sets);
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
  std::set<std::string> names = policies_->read_names();
  if (policies != nullptr)
    names.insert(policies->read_names().begin(), policies->read_names().end());
  kernel_.SetReadNames(names);  // those of before, too, until each container has changed over
  kernel_.SetPorts(policies == nullptr ? policies_->ports()
                                       : Either(policies_->ports(), policies->ports()));
  const Status installed = InstallAll();
  if (!installed && policies != nullptr) {
    policies_.swap(policies);
    sets_.swap(sets);
    generation_--;
    (void)InstallAll();  // of what held before, nothing needs to be made
  }
  Retire(sets);
  host_policies_ = policies_->SelectHost();
  kernel_.SetReadNames(policies_->read_names());
  kernel_.SetHolding(std::ranges::any_of(policies_->policies(), [&](const auto& policy) {
    return Enforces(policy, kernel_.enforcement());
  }));
  kernel_.SetPorts(policies_->ports());
  kernel_.SetWatchHost(!host_policies_.empty());
  kernel_.SetWanted(policies_->wanted() | needed_, needed_);
  return installed;
}

void PolicyBinder::AlsoWant(uint64_t events) {
  if ((needed_ | events) == needed_) return;
  needed_ |= events;
  kernel_.SetWanted(policies_->wanted() | needed_, needed_);
}

void PolicyBinder::Collect() {
  kernel_.deny().Settle();
  std::set<uint32_t> used{0};
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
