// SPDX-License-Identifier: Apache-2.0
// The LSM hooks that acts are refused at: which program goes on which, what it serves, and whether
// this kernel has it. Where there is no BPF-LSM, the functions of the kernel that call these hooks.
// Found out by trial and by the kernel's own type information, never by its version; each is tried
// when it is first asked for. Used from the pipeline's thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bpf/abi.h"
#include "enforce.skel.h"
#include "engine/base/result.h"
#include "engine/kernel/enforcement.h"
#include "engine/kernel/refusals.h"

namespace nsw::kernel {

class Hooks {
 public:
  /// `enforcement`: not kNone.
  explicit Hooks(Enforcement enforcement);

  /// Tells the programs how this kernel's hooks are called, and what it lacks.
  void Describe(enforce* skeleton);

  /// Asks for a program on a hook, by name, and puts it where it belongs.
  [[nodiscard]] Status Ask(bpf_object* object, const std::string& program) const;

  /// Asks for the programs that serve any of `wanted` and none of `served`.
  [[nodiscard]] Status Choose(bpf_object* object, const Refusals& wanted, const Refusals& served);

  /// Asks for the programs by which the engine keeps containers from its own: bpf/protect.bpf.c.
  void ChooseGuards(bpf_object* object);

  /// A bit per nsw_operation that can be refused.
  [[nodiscard]] uint32_t operations() const { return operations_; }

 private:
  [[nodiscard]] bool Try(const std::string& hook);
  [[nodiscard]] std::string FunctionOf(const std::string& hook) const;
  [[nodiscard]] bool TryAttached(uint32_t function) const;

  Enforcement enforcement_;
  // Positions of arguments that move from kernel to kernel.
  uint32_t setattr_dentry_ = 0;
  uint32_t setxattr_dentry_ = 0;
  uint32_t acl_dentry_ = 0;
  std::map<std::string, bool> there_;  ///< those that were tried
  uint32_t operations_ = (1U << NSW_OPERATION_COUNT) - 1;
};

}  // namespace nsw::kernel
