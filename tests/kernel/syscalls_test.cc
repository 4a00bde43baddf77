// SPDX-License-Identifier: Apache-2.0
// The numbers in bpf/syscalls.def that 32-bit callers have for the calls.
#include <gtest/gtest.h>
#include <linux/net.h>

#include <map>
#include <string>

#include "bpf/abi.h"

// After all others, in which the 64-bit numbers have these names.
#include <asm/unistd_32.h>

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
    EXPECT_LT(number, NSW_I386_CALLS + NSW_I386_SOCKETCALLS) << name;
    EXPECT_TRUE(seen.emplace(number, name).second) << name << " and " << seen[number];
  };
#define SYSCALL(name, event, late, i386) stand(i386, #name);
#define DOOR(function, name, i386) stand(i386, #function);
#define SOCKETCALL(number, name) stand(NSW_I386_CALLS + (number), #name);
#include "bpf/syscalls.def"
  EXPECT_GT(seen.size(), 100U);
}

TEST(Syscalls, NumbersOf32BitCallersAreTheKernels) {
  auto numbers = Numbers();
  EXPECT_EQ(numbers["openat"], __NR_openat);
  EXPECT_EQ(numbers["execve"], __NR_execve);
  EXPECT_EQ(numbers["connect"], __NR_connect);
  EXPECT_EQ(numbers["accept4"], __NR_accept4);
  EXPECT_EQ(numbers["setuid"], __NR_setuid32);
  EXPECT_EQ(numbers["fchownat"], __NR_fchownat);
  EXPECT_EQ(numbers["finit_module"], __NR_finit_module);
  EXPECT_EQ(numbers["unshare"], __NR_unshare);
  EXPECT_EQ(numbers["keyctl"], __NR_keyctl);
  EXPECT_EQ(numbers["memfd_create"], __NR_memfd_create);
}

TEST(Syscalls, NumbersOfSocketcallAreTheKernels) {
  const std::map<std::string, int> numbers = {
#define SOCKETCALL(number, name) {#name, number},
#include "bpf/syscalls.def"
  };
  const std::map<std::string, int> kernels = {
      {"socket", SYS_SOCKET},    {"bind", SYS_BIND},       {"connect", SYS_CONNECT},
      {"listen", SYS_LISTEN},    {"accept", SYS_ACCEPT},   {"socketpair", SYS_SOCKETPAIR},
      {"sendto", SYS_SENDTO},    {"sendmsg", SYS_SENDMSG}, {"accept4", SYS_ACCEPT4},
      {"sendmmsg", SYS_SENDMMSG}};
  EXPECT_EQ(numbers, kernels);
}

}  // namespace
