// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/path_hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bpf/abi.h"

namespace nsw::kernel {
namespace {

constexpr uint64_t kSeed = 0x1234567890abcdefULL;

TEST(PathHash, UnfoldTakesBackWhatFoldAdded) {
  static_assert(NSW_FOLD * NSW_UNFOLD == 1ULL);
  const uint64_t name = NameHash("passwd", kSeed);
  const uint64_t parent = HashPath("/etc", kSeed).hash;
  EXPECT_EQ(HashPath("/etc/passwd", kSeed).hash, parent * NSW_FOLD + name);
  EXPECT_EQ((HashPath("/etc/passwd", kSeed).hash - name) * NSW_UNFOLD, parent);
}

// What the kernel does: first the whole by powers from the leaf up, then each ancestor by
// unfolding, 0 at the root.
TEST(PathHash, WalkFromTheLeafMeetsEachAncestorAndEndsAtZero) {
  const std::vector<std::string> leaf_first = {"d", "c", "b", "a"};
  uint64_t hash = 0;
  uint64_t power = 1;
  for (const std::string& name : leaf_first) {
    hash += NameHash(name, kSeed) * power;
    power *= NSW_FOLD;
  }
  const std::vector<std::string> met = {"/a/b/c/d", "/a/b/c", "/a/b", "/a"};
  for (size_t i = 0; i < met.size(); ++i) {
    EXPECT_EQ(hash, HashPath(met[i], kSeed).hash) << met[i];
    hash = (hash - NameHash(leaf_first[i], kSeed)) * NSW_UNFOLD;
  }
  EXPECT_EQ(hash, 0U);
}

TEST(PathHash, CountsComponentsAndIgnoresEmptyOnes) {
  EXPECT_EQ(HashPath("/", kSeed).hash, 0U);
  EXPECT_EQ(HashPath("/", kSeed).depth, 0U);
  EXPECT_EQ(HashPath("/a//b/", kSeed).depth, 2U);
  EXPECT_EQ(HashPath("/a//b/", kSeed).hash, HashPath("/a/b", kSeed).hash);
}

TEST(PathHash, GoesOnBelowWhatIsKnown) {
  const PathHash above = HashPath("/a/b", kSeed);
  EXPECT_EQ(HashBelow(above, "/c/d", kSeed).hash, HashPath("/a/b/c/d", kSeed).hash);
  EXPECT_EQ(HashBelow(above, "/c/d", kSeed).depth, 4U);
  EXPECT_EQ(HashBelow(above, "", kSeed).hash, above.hash);
  EXPECT_EQ(HashBelow({}, "/a/b", kSeed).hash, above.hash);
}

TEST(PathHash, TellsNamesApart) {
  EXPECT_NE(NameHash("a", kSeed), NameHash(std::string("a\0", 2), kSeed))
      << "zero filling must not make them equal";
  EXPECT_NE(NameHash("12345678", kSeed), NameHash("123456780", kSeed));
  EXPECT_NE(HashPath("/a/b", kSeed).hash, HashPath("/b/a", kSeed).hash);
  EXPECT_NE(NameHash("a", kSeed), NameHash("a", kSeed + 1));
}

}  // namespace
}  // namespace nsw::kernel
