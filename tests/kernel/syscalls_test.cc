// SPDX-License-Identifier: Apache-2.0
// The numbers in bpf/syscalls.def that 32-bit callers have for the calls are the machine's own.
#include <asm/unistd_32.h>

namespace {

struct Call {
  const char* name;
  int number;
};

// Here the header's names mean what they say: what is included next has them for 64-bit callers.
constexpr Call kCalls[] = {
    {"openat", __NR_openat},
    {"execve", __NR_execve},
    {"connect", __NR_connect},
    {"accept4", __NR_accept4},
    {"setuid", __NR_setuid32},
    {"fchownat", __NR_fchownat},
    {"finit_module", __NR_finit_module},
    {"unshare", __NR_unshare},
    {"keyctl", __NR_keyctl},
    {"memfd_create", __NR_memfd_create},
};

}  // namespace

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "bpf/abi.h"

namespace {

std::map<std::string, int> Numbers() {
  return {
#define SYSCALL(name, event, late, i386) {#name, i386},
#include "bpf/syscalls.def"
  };
}

TEST(Syscalls, EachNumberOf32BitCallersStandsOnceAndHasRoom) {
  std::map<int, std::string> seen;
  const auto stand = [&seen](int number, const std::string& name) {
    if (number == 0) return;
    EXPECT_LT(number, NSW_I386_CALLS) << name;
    EXPECT_TRUE(seen.emplace(number, name).second) << name << " and " << seen[number];
  };
#define SYSCALL(name, event, late, i386) stand(i386, #name);
#define DOOR(function, name, i386) stand(i386, #function);
#include "bpf/syscalls.def"
  EXPECT_GT(seen.size(), 100U);
}

TEST(Syscalls, NumbersOf32BitCallersAreTheKernels) {
  auto numbers = Numbers();
  for (const Call& call : kCalls) EXPECT_EQ(numbers[call.name], call.number) << call.name;
}

}  // namespace
