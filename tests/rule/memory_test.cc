// SPDX-License-Identifier: Apache-2.0
// Whatever a file costs, whoever loads it goes on: want of memory is a mistake like others.
#include <gtest/gtest.h>

#include "engine/rule/rule.h"
#include "tests/support/own_new.h"

namespace {
thread_local size_t allocations_left = ~size_t{0};  // then there is no memory, once
}  // namespace

namespace nsw::test {
bool MayAllocate() { return allocations_left-- != 0; }
}  // namespace nsw::test

namespace nsw::rule {
namespace {

const std::string kPolicy = R"(
nswarden: 1
policy: p
mode: enforce
images: [nginx]
deny:
  exec: [/tmp/**, "**/nc"]
  connect: [10.0.0.0/8]
rules:
  - list: shells
    items: [sh, bash]
  - macro: run
    condition: evt.type in (execve, execveat) and proc.name in (shells)
  - rule: r
    condition: run and proc.tty != 0
    output: "%proc.name in %container.name"
    priority: NOTICE
)";

TEST(Memory, WantOfItIsAMistakeAndNoEnd) {
  size_t failed = 0;
  size_t step = 1;
  for (size_t n = 0;; n += step, step = 1 + n / 50) {
    allocations_left = n;
    const Loaded loaded = LoadPolicyText(kPolicy, "p.yaml");
    const bool enough = allocations_left <= n;  // it did not wrap round
    allocations_left = ~size_t{0};
    if (enough) break;
    if (loaded.set != nullptr) continue;  // the library made do without
    ASSERT_FALSE(loaded.diagnostics.empty()) << n;
    failed++;
  }
  EXPECT_GT(failed, 50U) << "nothing failed: this test has gone blind";
}

TEST(Memory, TheFileIsNamed) {
  allocations_left = 40;
  const Loaded loaded = LoadPolicyText(kPolicy, "p.yaml");
  allocations_left = ~size_t{0};
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_TRUE(loaded.diagnostics[0].Text().starts_with("p.yaml")) << loaded.diagnostics[0].Text();
  EXPECT_NE(loaded.diagnostics[0].Text().find("bad_alloc"), std::string::npos)
      << loaded.diagnostics[0].Text();
}

TEST(Memory, EvenTheWordsForItCanFail) {
  const Status done = Guarded("a reload of which much could be said", []() -> Status {
    allocations_left = 0;
    throw std::bad_alloc();
  });
  allocations_left = ~size_t{0};
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "no memory");
}

}  // namespace
}  // namespace nsw::rule
