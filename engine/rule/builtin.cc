// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/builtin.h"

#include "engine/rule/output.h"

namespace nsw::rule {

// The ids are no other rule's: those begin after them.
const RuleInfo& UnresolvedRule() {
  static const RuleInfo info{
      .id = 1, .policy = "nswarden", .name = "object that cannot be resolved", .is_deny = true};
  return info;
}

const RuleInfo& QuarantineRule() {
  static const RuleInfo info{.id = 2, .policy = "nswarden", .name = "quarantine", .is_deny = true};
  return info;
}

const RuleInfo& UnboundRule() {
  static const RuleInfo info{
      .id = 3, .policy = "nswarden", .name = "container without a decision", .is_deny = true};
  return info;
}

const RuleInfo& OwnRule() {
  static const RuleInfo info{
      .id = 4,
      .policy = "nswarden",
      .name = "act against nswarden",
      .priority = Priority::kCritical,
      .mode = Mode::kEnforce,
      .is_deny = true,
      .output = OutputTemplate::Make("act against nswarden (act=%evt.type file=%fd.name "
                                     "process=%proc.name command=%proc.cmdline "
                                     "container=%container.name)")};
  return info;
}

}  // namespace nsw::rule
