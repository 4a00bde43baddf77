// SPDX-License-Identifier: Apache-2.0
// EmptyHooks: programs that do nothing, on the hooks that the engine says it uses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "empty.skel.h"
#include "engine/kernel/pool_kretprobe.h"
#include "engine/kernel/programs.h"

namespace nsw::bench {

class EmptyHooks {
 public:
  /// `attachments`: as of Kernel::attachments(), "openat: kprobe + kretprobe (pool 4096)". Error:
  /// one of them cannot be had.
  [[nodiscard]] Status Attach(const std::vector<std::string>& attachments);

 private:
  struct Close {
    void operator()(empty* skeleton) const { empty__destroy(skeleton); }
  };

  [[nodiscard]] Status AttachOne(const std::string& function, const std::string& kind);
  [[nodiscard]] Result<bpf_program*> Load(const std::string& kind, const std::string& function);

  std::vector<std::unique_ptr<empty, Close>> objects_;
  std::vector<kernel::Link> links_;
  std::vector<kernel::PoolKretprobe> returns_;
};

}  // namespace nsw::bench
