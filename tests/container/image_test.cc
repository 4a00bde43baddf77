// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/container/container.h"

namespace nsw::container {
namespace {

struct Row {
  const char* reference;
  const char* repository;
  const char* tag;
  const char* digest;
  const char* familiar;
};

class ParseImageTest : public testing::TestWithParam<Row> {};

TEST_P(ParseImageTest, TakesTheReferenceApart) {
  const Row& row = GetParam();
  const Image image = ParseImage(row.reference);
  EXPECT_EQ(image.reference, row.reference);
  EXPECT_EQ(image.repository, row.repository);
  EXPECT_EQ(image.tag, row.tag);
  EXPECT_EQ(image.digest, row.digest);
  EXPECT_EQ(FamiliarName(image.repository), row.familiar);
}

constexpr Row kRows[] = {
    {"nginx", "docker.io/library/nginx", "", "", "nginx"},
    {"nginx:1.25", "docker.io/library/nginx", "1.25", "", "nginx"},
    {"docker.io/nginx", "docker.io/library/nginx", "", "", "nginx"},
    {"index.docker.io/library/nginx:a", "docker.io/library/nginx", "a", "", "nginx"},
    {"bitnami/redis:7", "docker.io/bitnami/redis", "7", "", "bitnami/redis"},
    {"registry.corp:5000/web/app", "registry.corp:5000/web/app", "", "",
     "registry.corp:5000/web/app"},
    {"registry.corp:5000/web/app:2", "registry.corp:5000/web/app", "2", "",
     "registry.corp:5000/web/app"},
    {"localhost/app", "localhost/app", "", "", "localhost/app"},
    {"localhost:5000/app", "localhost:5000/app", "", "", "localhost:5000/app"},
    {"nginx@sha256:ab", "docker.io/library/nginx", "", "sha256:ab", "nginx"},
    {"nginx:1@sha256:ab", "docker.io/library/nginx", "1", "sha256:ab", "nginx"},
    {"", "", "", "", ""},
    {":", "", "", "", ""},
    {"@", "", "", "", ""},
    {"/", "docker.io//", "", "", "/"},
    {"../../etc", "../../etc", "", "", "../../etc"},
    {"a\n\xff b", "docker.io/library/a\n\xff b", "", "", "a\n\xff b"},
};
INSTANTIATE_TEST_SUITE_P(References, ParseImageTest, testing::ValuesIn(kRows));

TEST(ImageTest, ABareIdIsADigestAndHasNoName) {
  const std::string hex(64, 'a');
  for (const std::string& reference : {hex, "sha256:" + hex}) {
    const Image image = ParseImage(reference);
    EXPECT_EQ(image.reference, reference);
    EXPECT_EQ(image.repository, "");
    EXPECT_EQ(image.digest, "sha256:" + hex);
  }
}

}  // namespace
}  // namespace nsw::container
