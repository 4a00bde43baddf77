// SPDX-License-Identifier: Apache-2.0
// io_uring by its system calls alone.
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tests/acts/act.h"

namespace acts {
namespace {

struct Ring {
  int fd = -1;
  io_uring_params params{};
  char* queues = nullptr;
  io_uring_sqe* entries = nullptr;

  std::atomic<unsigned>& At(unsigned offset) const {
    return *reinterpret_cast<std::atomic<unsigned>*>(queues + offset);
  }
};

bool Open(Ring& ring, unsigned flags) {
  ring.params.flags = flags;
  ring.params.sq_thread_idle = 50;  // ms
  ring.fd = static_cast<int>(syscall(SYS_io_uring_setup, 4, &ring.params));
  if (ring.fd < 0) return false;
  const size_t size = ring.params.cq_off.cqes + ring.params.cq_entries * sizeof(io_uring_cqe);
  void* queues = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
                      IORING_OFF_SQ_RING);
  void* entries = mmap(nullptr, 4 * sizeof(io_uring_sqe), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
  ring.queues = static_cast<char*>(queues);
  ring.entries = static_cast<io_uring_sqe*>(entries);
  return queues != MAP_FAILED && entries != MAP_FAILED;
}

// Whether this kernel's io_uring has that operation.
bool Knows(const Ring& ring, unsigned opcode) {
  alignas(io_uring_probe) char room[sizeof(io_uring_probe) + 256 * sizeof(io_uring_probe_op)] = {};
  auto* probe = reinterpret_cast<io_uring_probe*>(room);
  if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PROBE, probe, 256) != 0) return false;
  return opcode <= probe->last_op && (probe->ops[opcode].flags & IO_URING_OP_SUPPORTED) != 0;
}

void Put(const Ring& ring, const RingAct& act) {
  io_uring_sqe& entry = ring.entries[0];
  std::memset(&entry, 0, sizeof entry);
  entry.opcode = act.opcode;
  entry.flags = act.async ? IOSQE_ASYNC : 0;
  entry.ioprio = act.priority;
  entry.fd = act.fd;
  entry.addr = reinterpret_cast<uintptr_t>(act.address);
  entry.len = act.length;
  entry.off = act.offset;
  entry.rw_flags = static_cast<int>(act.flags);
  // file_index.
  std::memcpy(reinterpret_cast<char*>(&entry) + 44, &act.slot, sizeof act.slot);
  // addr3, which the headers of Debian 12 do not all have.
  const auto third = reinterpret_cast<uintptr_t>(act.third);
  std::memcpy(reinterpret_cast<char*>(&entry) + 48, &third, sizeof third);
  ring.At(ring.params.sq_off.array) = 0;
  ring.At(ring.params.sq_off.tail) = 1;
}

bool HasSlot(const Ring& ring) {
  const int none = -1;
  return syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &none, 1) == 0;
}

long Answer(const Ring& ring) {
  const auto* answers =
      reinterpret_cast<const io_uring_cqe*>(ring.queues + ring.params.cq_off.cqes);
  return answers[0].res;
}

long Run(const RingAct& act, unsigned setup) {
  Ring ring;
  if (!Open(ring, setup)) return -errno;
  if (!Knows(ring, act.opcode)) return -ENOSYS;
  if (act.slot != 0 && !HasSlot(ring)) return -errno;
  Put(ring, act);
  const bool polled = (setup & IORING_SETUP_SQPOLL) != 0;
  const unsigned wake = polled ? unsigned{IORING_ENTER_SQ_WAKEUP} : 0U;
  const auto enter = [&](int submit, int wait) {
    return syscall(SYS_io_uring_enter, ring.fd, submit, wait, IORING_ENTER_GETEVENTS | wake,
                   nullptr, 0);
  };
  const int submit = polled ? 0 : 1;
  long entered = enter(submit, act.meanwhile || act.left ? 0 : 1);
  if (act.meanwhile && entered >= 0) {
    act.meanwhile();
    entered = enter(0, 1);
  }
  const long result = entered < 0 ? -errno : act.left ? 0 : Answer(ring);
  close(ring.fd);
  return result;
}

}  // namespace

bool RingHas(unsigned char opcode) {
  Ring ring;
  const bool has = Open(ring, 0) && Knows(ring, opcode);
  close(ring.fd);
  return has;
}

bool RingActsApart() { return RingHas(45 /* SOCKET */); }

long ByRing(const RingAct& act) { return Run(act, 0); }
long ByRingPolled(const RingAct& act) { return Run(act, IORING_SETUP_SQPOLL); }

}  // namespace acts
