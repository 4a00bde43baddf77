// SPDX-License-Identifier: Apache-2.0
// PolicyBinder: which policies hold for which container, in user space and in the kernel's deny
// maps. Containers under the same policies share one deny set. Used by the pipeline's thread alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/container/registry.h"
#include "engine/kernel/kernel.h"
#include "engine/rule/rule.h"

namespace nsw {

class PolicyBinder {
 public:
  /// `recorded`: bit per nsw_event that the history records, whatever the policies say.
  PolicyBinder(kernel::Kernel& kernel, container::Registry& registry, uint64_t recorded = 0)
      : kernel_(kernel), registry_(registry), needed_(recorded) {}

  /// Puts a new set of policies in force for all containers, or leaves the old one in force for all
  /// and says why. The kernel is told which events are wanted from now on.
  [[nodiscard]] Status Use(std::shared_ptr<const rule::PolicySet> policies);

  /// Events that something else than a policy needs from now on: a bit per nsw_event.
  void AlsoWant(uint64_t events);

  /// Selects and binds the policies of one container anew, because what is known of it changed.
  /// Error: they could not be put in force in the kernel (no room); Retry comes back to it.
  [[nodiscard]] Status Bind(container::Binding& binding);

  /// Tries again where Bind failed, a few homes a call, in turn. Returns those that succeeded.
  std::vector<container::Binding*> Retry();

  /// Follows what links and replaced files in containers lead to by now, of some containers a call,
  /// in turn.
  void Refresh();

  /// Why what the policies of a home refuse is not in force in the kernel; null: it is.
  [[nodiscard]] const std::string* NotInForce(uint64_t home) const;
  /// How many homes that is true of.
  [[nodiscard]] size_t not_in_force() const { return failed_.size(); }

  /// Frees the deny sets that no container uses any more.
  void Collect();

  [[nodiscard]] const std::shared_ptr<const rule::PolicySet>& policies() const { return policies_; }
  /// Those of the host's own processes, which the kernel refuses nothing.
  [[nodiscard]] const std::vector<uint32_t>& host_policies() const { return host_policies_; }
  [[nodiscard]] uint64_t generation() const { return generation_; }

 private:
  struct DenySet {
    uint32_t slot = 0;
    rule::DenyPlan plan;
  };
  using Chosen = std::vector<uint32_t>;
  using DenySets = std::map<Chosen, DenySet>;

  void NameRules(const rule::PolicySet& policies, const rule::DenyPlan& plan);
  [[nodiscard]] Chosen Choose(const rule::PolicySet& policies, container::Binding& binding);
  [[nodiscard]] static size_t InKernel(const DenySets& sets);
  [[nodiscard]] Status Ensure(const rule::PolicySet& policies, const Chosen& chosen,
                              DenySets& sets);
  [[nodiscard]] Status Install(container::Binding& binding, const Chosen& chosen);
  [[nodiscard]] Status PutInForce(container::Binding& binding, const Chosen& chosen);
  [[nodiscard]] Status Prepare(const rule::PolicySet& policies);
  [[nodiscard]] Status Build(const rule::PolicySet& policies, DenySets& sets);
  [[nodiscard]] Status InstallAll();
  void Retire(DenySets& sets);

  kernel::Kernel& kernel_;
  container::Registry& registry_;
  uint64_t needed_;
  std::shared_ptr<const rule::PolicySet> policies_;
  Chosen host_policies_;
  DenySets sets_;                  // of policies_
  std::vector<uint32_t> retired_;  // slots of older sets, to be freed when no home uses them
  std::map<uint64_t, std::string> failed_;  // homes whose policies are not in force, and why
  uint64_t refreshed_ = 0;                  // the last home that was
  uint64_t retried_ = 0;                    // the last of them that was tried again
  uint64_t generation_ = 0;
};

}  // namespace nsw
