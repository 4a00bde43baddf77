// SPDX-License-Identifier: Apache-2.0
// LinkWatch: whether what the engine attached is still attached. No kernel that we know lets
// anybody detach a tracing or LSM link or a perf event from outside; but who traces the engine can
// close its descriptors, and a kernel to come may be more obliging. Looks at each descriptor's
// identity, which costs a system call each: about a microsecond. Part of LoadedKernel; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace nsw::kernel {

/// What is attached by a descriptor of a BPF link or of a perf event: a number that no other has; 0
/// if it is neither, or nothing is attached any more.
uint64_t AttachmentOf(int fd);

class LinkWatch {
 public:
  explicit LinkWatch(std::function<uint64_t(int fd)> attachment = AttachmentOf)
      : attachment_(std::move(attachment)) {}

  /// How many of these descriptors no longer hold what they held when they were first looked at.
  size_t Gone(const std::vector<int>& fds);
  /// The engine is about to detach some of them itself.
  void Forget() { known_.clear(); }

 private:
  std::function<uint64_t(int)> attachment_;
  std::unordered_map<int, uint64_t> known_;
};

}  // namespace nsw::kernel
