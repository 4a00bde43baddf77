// SPDX-License-Identifier: Apache-2.0
// Thousands of threads that sleep in accept and are all woken at once: for
// tests/vm/cases/41_crowd.sh.
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <vector>

#include "tests/acts/address.h"

namespace acts {
namespace {

std::atomic<int> waiting{0};
int listener = -1;

void* Wait(void*) {
  waiting++;
  syscall(SYS_accept4, listener, nullptr, nullptr, 0);
  return nullptr;
}

// All of them are asleep: the last needs a moment after it has said that it is about to be.
bool AllWait(int count) {
  for (int i = 0; i < 600 && waiting != count; i++) usleep(100'000);
  usleep(3'000'000);
  return waiting == count;
}

}  // namespace

int Crowd(int count) {
  const sockaddr_in address = Local(7200);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, Any(address), sizeof address) != 0 || listen(listener, 1) != 0) return 1;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  std::vector<pthread_t> threads(static_cast<size_t>(count));
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, &attributes, Wait, nullptr) != 0) return 1;
  }
  if (!AllWait(count)) return 1;
  shutdown(listener, SHUT_RDWR);  // every accept fails with EINVAL
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return 0;
}

}  // namespace acts
