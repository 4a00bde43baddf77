// SPDX-License-Identifier: Apache-2.0
// The numbers in bpf/syscalls.def that 32-bit callers have for the calls.
#include <gtest/gtest.h>

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

}  // namespace
