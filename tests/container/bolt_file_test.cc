// SPDX-License-Identifier: Apache-2.0
#include "engine/container/bolt_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace nsw::container {
namespace {

constexpr size_t kPage = 4096;

template <typename T>
void Put(std::string& text, size_t at, T value) {
  if (text.size() < at + sizeof value) text.resize(at + sizeof value);
  std::memcpy(text.data() + at, &value, sizeof value);
}

struct Entry {
  std::string key;
  std::string value;
  uint32_t flags = 0;
};

std::string Leaf(const std::vector<Entry>& entries) {
  std::string page(16 + entries.size() * 16, '\0');
  Put<uint16_t>(page, 8, 2);
  Put<uint16_t>(page, 10, static_cast<uint16_t>(entries.size()));
  for (size_t i = 0; i < entries.size(); i++) {
    const size_t at = 16 + i * 16;
    Put<uint32_t>(page, at, entries[i].flags);
    Put<uint32_t>(page, at + 4, static_cast<uint32_t>(page.size() - at));
    Put<uint32_t>(page, at + 8, static_cast<uint32_t>(entries[i].key.size()));
    Put<uint32_t>(page, at + 12, static_cast<uint32_t>(entries[i].value.size()));
    page += entries[i].key + entries[i].value;
  }
  return page;
}

std::string Branch(const std::vector<std::pair<std::string, uint64_t>>& below) {
  std::string page(16 + below.size() * 16, '\0');
  Put<uint16_t>(page, 8, 1);
  Put<uint16_t>(page, 10, static_cast<uint16_t>(below.size()));
  for (size_t i = 0; i < below.size(); i++) {
    const size_t at = 16 + i * 16;
    Put<uint32_t>(page, at, static_cast<uint32_t>(page.size() - at));
    Put<uint32_t>(page, at + 4, static_cast<uint32_t>(below[i].first.size()));
    Put<uint64_t>(page, at + 8, below[i].second);
    page += below[i].first;
  }
  return page;
}

std::string BucketAt(uint64_t page) {
  std::string value(16, '\0');
  Put<uint64_t>(value, 0, page);
  return value;
}

std::string Meta(uint64_t root, uint64_t transaction) {
  std::string page(16, '\0');
  Put<uint32_t>(page, 16, 0xED0CDAED);
  Put<uint32_t>(page, 20, 2);
  Put<uint32_t>(page, 24, kPage);
  Put<uint64_t>(page, 32, root);
  Put<uint64_t>(page, 64, transaction);
  uint64_t sum = 0xcbf29ce484222325;
  for (size_t i = 16; i < 72; i++) sum = (sum ^ static_cast<uint8_t>(page[i])) * 0x100000001b3;
  Put<uint64_t>(page, 72, sum);
  return page;
}

std::string File(const std::vector<std::string>& pages) {
  std::string file;
  for (const std::string& page : pages) file += page + std::string(kPage - page.size(), '\0');
  return file;
}

// Two containers: one bucket lies in its parent, the other on a page of its own below a branch.
std::string Good() {
  return File({Meta(2, 7), Meta(9, 6), Leaf({{"ctr", BucketAt(3), 1}, {"x", "y", 0}}),
               Branch({{"a", 4}, {"b", 5}}),
               Leaf({{"aa", BucketAt(0) + Leaf({{"config", "first", 0}}), 1}}),
               Leaf({{"bb", BucketAt(6), 1}}), Leaf({{"config", "second", 0}, {"state", "s", 0}})});
}

std::string Find(const std::string& file, std::vector<std::string_view> way) {
  return std::string(BoltFile(file).Find(way).value_or("none"));
}

TEST(BoltFile, FindsValuesInBuckets) {
  EXPECT_EQ(Find(Good(), {"ctr", "aa", "config"}), "first");
  EXPECT_EQ(Find(Good(), {"ctr", "bb", "config"}), "second");
  EXPECT_EQ(Find(Good(), {"x"}), "y");
  EXPECT_EQ(Find(Good(), {"ctr", "cc", "config"}), "none");
  EXPECT_EQ(Find(Good(), {"ctr", "aa"}), "none") << "a bucket is no value";
  EXPECT_EQ(Find(Good(), {"x", "y"}), "none") << "a value is no bucket";
}

TEST(BoltFile, TheLaterTransactionHolds) {
  std::string file = Good();
  file.replace(kPage, 80, Meta(6, 8));
  EXPECT_EQ(Find(file, {"config"}), "second");
  file[kPage + 20] ^= 1;  // torn: its checksum is wrong
  EXPECT_EQ(Find(file, {"x"}), "y");
}

TEST(BoltFile, WhatIsNotInOrderIsNotThere) {
  EXPECT_EQ(Find("", {"x"}), "none");
  EXPECT_EQ(Find(std::string(100, '\xff'), {"x"}), "none");
  EXPECT_EQ(Find(Good().substr(0, 2 * kPage), {"x"}), "none");
  EXPECT_EQ(Find(File({Meta(2, 1), Meta(2, 1), Branch({{"", 2}})}), {"x"}), "none") << "a circle";
  std::mt19937 random(1);
  for (int i = 0; i < 2'000; i++) {
    std::string file = Good();
    for (int n = 0; n < 4; n++) {
      // Anywhere but in the metas, whose checksum would only refuse it.
      file[2 * kPage + random() % 200 + kPage * (random() % 5)] = static_cast<char>(random());
    }
    (void)Find(file, {"ctr", "aa", "config"});
    (void)Find(file, {"ctr", "bb", "config"});
  }
}

}  // namespace
}  // namespace nsw::container
