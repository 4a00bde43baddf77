// SPDX-License-Identifier: Apache-2.0
#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

container::Container Web() {
  container::Container c;
  c.privileged = false;
  c.id = std::string(64, 'a');
  c.name = "web-1";
  c.runtime = "docker";
  c.image = container::ParseImage("nginx:1.25");
  c.image.digest = "sha256:" + std::string(64, 'b');
  c.labels = {{"app", "shop"}, {"tier", "front"}};
  c.k8s_namespace = "prod";
  c.k8s_pod = "shop-7d9f-xyz";
  return c;
}

bool Selects(const std::string& selector, const container::Container& container) {
  const auto set = Load("nswarden: 1\npolicy: p\n" + selector);
  return set != nullptr && set->Select(container).size() == 1;
}

struct Case {
  const char* selector;
  bool selects;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.selector; }

class Selecting : public testing::TestWithParam<Case> {};
TEST_P(Selecting, Container) { EXPECT_EQ(Selects(GetParam().selector, Web()), GetParam().selects); }

INSTANTIATE_TEST_SUITE_P(
    Keys, Selecting,
    testing::ValuesIn(std::vector<Case>{
        {"", true},
        {"images: [nginx]", true},
        {"images: nginx", true},
        {"images: [docker.io/library/nginx]", true},
        {"images: [library/nginx]", true},
        {"images: ['nginx:1.25']", true},
        {"images: ['nginx:1.*']", true},
        {"images: ['nginx:1.26']", false},
        {"images: ['nginx:latest']", false},
        {"images: [redis, nginx]", true},
        {"images: [redis]", false},
        {"images: ['ngin?']", true},
        {"images: ['*']", true},
        {"images: ['*/nginx']", true},
        {"images: ['docker.io/*']", true},
        {"images: ['quay.io/*']", false},
        {"images: ['nginx*']", true},
        {"images: [nginxx]", false},
        {"images: [bitnami/nginx]", false},
        {"images: ['localhost:5000/nginx']", false},
        {"images: "
         "['nginx@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb']",
         true},
        {"images: "
         "['nginx@sha256:cbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb']",
         false},
        {"images: ['nginx@sha256:bbbb*']", true},
        {"images: ['@sha256:bbbb*']", true},
        {"images: ['@sha256:cccc*']", false},
        {"images: [sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc]",
         false},
        {"containers: [web-1]", true},
        {"containers: ['web-*']", true},
        {"containers: [web]", false},
        {"k8s_namespaces: [prod]", true},
        {"k8s_namespaces: [test]", false},
        {"pods: ['shop-*']", true},
        {"labels: {app: shop}", true},
        {"labels: {app: blog}", false},
        {"labels: {app: blog, tier: front}", false},
        {"labels: {app: shop, tier: front}", true},
        {"labels: [app=blog, tier=front]", true},
        {"labels: [app=shop]", true},
        {"labels: ['tier=f*']", true},
        {"labels: [app]", true},
        {"labels: [nope]", false},
        {"privileged: true", false},
        {"privileged: false", true},
        {"images: [nginx]\ncontainers: [web-1]", true},
        {"images: [nginx]\ncontainers: [other]", false},
        {"mode: off", false},
        {"host: true", false}}));

TEST(Selector, ARegistrysPortIsNoTag) {
  container::Container c = Web();
  c.image = container::ParseImage("registry.corp:5000/web/shop:3");
  EXPECT_TRUE(Selects("images: ['registry.corp:5000/web/*']", c));
  EXPECT_TRUE(Selects("images: ['registry.corp:5000/web/shop:3']", c));
  EXPECT_FALSE(Selects("images: ['registry.corp:5001/web/*']", c));
}

TEST(Selector, NoTagIsLatest) {
  container::Container c = Web();
  c.image = container::ParseImage("nginx");
  EXPECT_TRUE(Selects("images: ['nginx:latest']", c));
  c.image = container::ParseImage("nginx@sha256:" + std::string(64, 'b'));
  EXPECT_FALSE(Selects("images: ['nginx:latest']", c));
}

TEST(Selector, AnImageThatIsNotKnownIsSelectedByNoImage) {
  container::Container c = Web();
  c.image = {};
  EXPECT_FALSE(Selects("images: ['*']", c));
  EXPECT_TRUE(Selects("", c));
}

TEST(Selector, AContainerOfWhichNobodyKnowsWhetherItIsPrivilegedIsNeither) {
  container::Container c = Web();
  c.privileged.reset();
  EXPECT_FALSE(Selects("privileged: true", c));
  EXPECT_FALSE(Selects("privileged: false", c));
}

TEST(Selector, WhatIsAbsentIsSelectedByNoPattern) {
  container::Container c = Web();
  c.k8s_namespace.clear();
  c.k8s_pod.clear();
  EXPECT_FALSE(Selects("k8s_namespaces: ['*']", c));
  EXPECT_FALSE(Selects("pods: ['*']", c));
  EXPECT_TRUE(Selects("k8s_namespaces: ['*']\npods: ['*']", Web()));
}

TEST(Selector, ImagesThatThereCannotBeAreMistakes) {
  for (const char* image :
       {"nginx@sha256:zz", "nginx@sha256:0123", "nginx@sha256:", "nginx@md5:*", "nginx:", ":tag",
        "", "UPPER/x", "nginX", "a//b", "/a", "a/", "nginx:a b", "nginx:-a", "nginx:a$"}) {
    const std::string text = "nswarden: 1\npolicy: p\nimages: ['" + std::string(image) + "']\n";
    EXPECT_EQ(LoadPolicyText(text, "f").set, nullptr) << image;
  }
  for (const char* image : {"localhost/x", "localhost:5000/x:V1.0_a-b", "Registry.Corp/x", "*", "?",
                            "*:*", "*/nginx:1.*", "nginx:latest@sha256:0?*", "a/b__c/d-e.f"}) {
    const std::string text = "nswarden: 1\npolicy: p\nimages: ['" + std::string(image) + "']\n";
    EXPECT_NE(LoadPolicyText(text, "f").set, nullptr) << image;
  }
}

TEST(Selector, HostPoliciesAreForTheHost) {
  const auto set = Load("nswarden: 1\npolicy: p\nhost: true\n");
  EXPECT_EQ(set->SelectHost(), std::vector<uint32_t>{0});
  EXPECT_TRUE(set->Select(Web()).empty());
}

}  // namespace
}  // namespace nsw::rule::test
