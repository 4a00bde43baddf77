// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/link_watch.h"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace nsw::kernel {

// Ids begin with 1. Those of links and of perf events are told apart by the program's.
uint64_t AttachmentOf(int fd) {
  bpf_link_info info{};
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
    return info.prog_id == 0 ? 0 : uint64_t{info.prog_id} << 32 | info.id;
  __u64 event = 0;
  return ioctl(fd, PERF_EVENT_IOC_ID, &event) == 0 ? event : 0;
}

size_t LinkWatch::Gone(const std::vector<int>& fds) {
  return static_cast<size_t>(std::ranges::count_if(fds, [this](int fd) {
    const uint64_t now = attachment_(fd);
    return known_.try_emplace(fd, now).first->second != now || now == 0;
  }));
}

}  // namespace nsw::kernel
