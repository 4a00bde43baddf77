// SPDX-License-Identifier: Apache-2.0
// Enforcer: the programs that refuse, or kill (enforcement.h). Those of a class of acts are loaded
// and attached when a policy, a run-time entry or a quarantine first speaks of it, so that a hook
// that nobody asks about costs nothing; they stay until the end, and where they are pinned beyond
// it. Part of LoadedKernel, whose maps they share; one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "enforce.skel.h"
#include "engine/base/result.h"
#include "engine/kernel/deny_sets.h"
#include "engine/kernel/hooks.h"
#include "engine/kernel/pins.h"
#include "engine/kernel/programs.h"
#include "engine/kernel/refusals.h"

namespace nsw::kernel {

struct EnforceDeleter {
  void operator()(enforce* skeleton) const { enforce__destroy(skeleton); }
};
using EnforceObject = std::unique_ptr<enforce, EnforceDeleter>;

/// What the deny maps of a loaded object are worked on by; they stay the object's.
DenyMapFds DenyMapFdsOf(const enforce* object);

class Enforcer {
 public:
  /// `shared`: the object whose maps are used; `pins`: what the programs are pinned by, null: they
  /// end with the engine. Both must outlive this. `life`: nsw_settings.life. `enforcement`: not
  /// kNone.
  Enforcer(bpf_object* shared, Pins* pins, uint32_t life, Enforcement enforcement)
      : shared_(shared), pins_(pins), life_(life), hooks_(enforcement) {}

  /// What may be refused from now on. Error: the kernel took some program no more, or there is no
  /// memory; then what was served before still is, and nothing else.
  [[nodiscard]] Status Serve(const Refusals& wanted);

  /// Of the hooks of this kernel.
  [[nodiscard]] Hooks& hooks() { return hooks_; }
  /// A line for each hook that a program is attached to.
  [[nodiscard]] const std::vector<std::string>& attachments() const { return attachments_; }
  /// Of the links.
  void ForEachDescriptor(const std::function<void(int fd)>& act) const;

 private:
  bpf_object* shared_;
  Pins* pins_;
  uint32_t life_;
  Hooks hooks_;
  Refusals served_;
  std::vector<EnforceObject> objects_;  // one for each time that something new was spoken of
  std::vector<Link> links_;
  std::vector<std::string> attachments_;
};

}  // namespace nsw::kernel
