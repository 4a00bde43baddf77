// SPDX-License-Identifier: Apache-2.0
#include "engine/container/docker_json.h"

#include <gtest/gtest.h>

#include "engine/container/json_scan.h"

namespace nsw::container::docker {
namespace {

const std::string kA(64, 'a');

std::string Inspect(const std::string& config) {
  return R"({"Id":")" + kA +
         R"(","Created":"2026-01-31T12:00:00.000000001Z","State":{"Running":true,"Pid":42},
    "Image":"sha256:11","Name":"/web","HostConfig":{"Privileged":true},"Config":)" +
         config + "}";
}

TEST(DockerJsonTest, ReadsAnInspection) {
  const auto inspected = ParseInspect(Inspect(
      R"({"Image":"nginx:1.25","Labels":{"a":"b","io.kubernetes.pod.namespace":"ns",
          "io.kubernetes.pod.name":"pod","io.kubernetes.pod.uid":"u","io.kubernetes.container.name":"c"}})"));
  ASSERT_TRUE(inspected);
  const Container& container = inspected->container;
  EXPECT_EQ(container.id, kA);
  EXPECT_EQ(container.name, "web");
  EXPECT_EQ(container.init_pid, 42);
  EXPECT_EQ(container.created_ns, 1769860800'000000001ULL);
  EXPECT_EQ(container.privileged, true);
  EXPECT_EQ(container.image.repository, "docker.io/library/nginx");
  EXPECT_EQ(container.image.tag, "1.25");
  EXPECT_EQ(container.labels.at("a"), "b");
  EXPECT_EQ(container.k8s_namespace, "ns");
  EXPECT_EQ(container.k8s_pod, "pod");
  EXPECT_EQ(container.k8s_pod_uid, "u");
  EXPECT_EQ(container.k8s_container, "c");
  EXPECT_EQ(inspected->image_id, "sha256:11");
}

TEST(DockerJsonTest, OddNamesStayData_A8) {
  const auto inspected =
      ParseInspect(R"({"Id":")" + kA + R"(","Name":"/../../etc\n\u001b[31m\u0000x"})");
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->container.name, std::string("../../etc\n\x1b[31m\0x", 17));
}

TEST(DockerJsonTest, WhatIsCutOffIsReadAsFarAsItGoes) {
  const std::string text =
      Inspect(R"({"Image":"nginx","Labels":{"a":"b","c":")" + std::string(1000, 'x'));
  const auto inspected = ParseInspect(text.substr(0, text.size() - 500));
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->container.name, "web");
  EXPECT_EQ(inspected->container.labels.size(), 1U);
}

TEST(DockerJsonTest, LargeLabelsGoFirst_A8) {
  const std::string big(700'000, 'x');
  const auto inspected = ParseInspect(
      Inspect(R"({"Labels":{"0":")" + big + R"(","1":")" + big + R"(","app":"prod"}})"));
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->container.labels.size(), 2U);
  EXPECT_EQ(inspected->container.labels.at("app"), "prod");
}

TEST(DockerJsonTest, NonsenseIsAnErrorOrNothing) {
  for (const std::string text : {"", "null", "[]", "{}", "{\"Id\":7}", "{\"Id\":\"../../x\"}",
                                 "\xff\xfe", "{\"Id\":", "[[[[[[", "1e99999"}) {
    EXPECT_FALSE(ParseInspect(text)) << text;
    EXPECT_FALSE(ParseEvent(text)) << text;
    EXPECT_FALSE(ParseVersion(text)) << text;
    ParseImageInfo(text);
    ParseListing(text);
  }
  const auto wrong =
      ParseInspect(R"({"Id":")" + kA + R"(","Name":[],"State":{"Pid":99999999999999999999},
      "Created":"yesterday","Config":{"Labels":["x"],"Image":{}}})");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->container.init_pid, 0);
  EXPECT_EQ(wrong->container.created_ns, 0U);
  EXPECT_TRUE(wrong->container.labels.empty());
}

TEST(DockerJsonTest, DepthCostsNothing) {
  const std::string deep = std::string(8U << 20, '[');
  EXPECT_FALSE(ScanJson(deep, [](JsonPath, const JsonScalar&) {}));
  const auto listing = ParseListing(deep);
  ASSERT_TRUE(listing);
  EXPECT_FALSE(listing->complete);
}

TEST(DockerJsonTest, OnlyIdsMayStandInARequest) {
  for (const std::string text :
       {"", "abc", "../../../etc", "abcdefABCDEF", "sha256:abcdef", "abcdefabcde/"}) {
    EXPECT_FALSE(IsId(text)) << text;
  }
  EXPECT_TRUE(IsId("abcdefabcdef"));
  EXPECT_TRUE(IsId(kA));
  EXPECT_FALSE(IsId(kA + "a"));
  EXPECT_TRUE(IsImageId("sha256:" + kA));
  EXPECT_TRUE(IsImageId("abcd"));
  EXPECT_FALSE(IsImageId("sha256:abc"));
  EXPECT_FALSE(IsImageId("sha256:sha256:abcd"));
}

TEST(DockerJsonTest, ReadsAListing) {
  const auto listing = ParseListing(R"([{"Id":")" + kA +
                                    R"(","Names":["/web"],"State":"running","Ports":[{"Id":"no"}]},
      {"Id":"../x","Names":["/y"]}])");
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->items.size(), 1U);
  EXPECT_EQ(listing->items[0].id, kA);
  EXPECT_EQ(listing->items[0].mark, "/web\nrunning\n");
  EXPECT_TRUE(listing->complete);
  EXPECT_FALSE(ParseListing(R"([{"Id":")" + kA + "\"},")->complete);
  EXPECT_FALSE(ParseListing("{}"));
}

TEST(DockerJsonTest, ReadsMountsAndAddress) {
  const auto inspected = ParseInspect(R"({"Id":")" + kA +
                                      R"(","State":{"StartedAt":"1970-01-01T00:00:07Z"},"Mounts":[
        {"Type":"bind","Source":"/srv","Destination":"/data","Mode":"ro","RW":false,"Propagation":"rprivate"},
        {"Type":"tmpfs","Destination":"/tmp","Mode":"","RW":true,"Propagation":""}],
        "NetworkSettings":{"IPAddress":"","Networks":{"shop":{"IPAddress":"172.18.0.2"}}}})");
  ASSERT_TRUE(inspected);
  EXPECT_EQ(inspected->container.mounts, "/srv:/data:ro:false:rprivate :/tmp::true:");
  EXPECT_EQ(inspected->container.ip, "172.18.0.2");
  EXPECT_EQ(inspected->container.started_ns, 7'000'000'000U);
}

TEST(DockerJsonTest, ReadsEvents) {
  const auto event = [](const std::string& action, const std::string& attributes) {
    return ParseEvent(R"({"Type":"container","Action":")" + action + R"(","Actor":{"ID":")" + kA +
                      R"(","Attributes":{)" + attributes + "}}}");
  };
  const auto created = event("create", R"("image":"nginx:1","name":"web","app":"prod")");
  ASSERT_TRUE(created);
  EXPECT_EQ(created->meaning, Event::Meaning::kChanged);
  EXPECT_EQ(created->id, kA);
  EXPECT_EQ(created->created.name, "web");
  EXPECT_EQ(created->created.image.tag, "1");
  EXPECT_EQ(created->created.labels, (std::map<std::string, std::string>{{"app", "prod"}}));
  for (const char* action : {"start", "restart", "die", "rename", "pause", "unpause", "update"}) {
    EXPECT_EQ(event(action, R"("name":"web")")->meaning, Event::Meaning::kChanged) << action;
    EXPECT_EQ(event(action, R"("name":"web")")->created.id, "") << action;
  }
  EXPECT_EQ(event("destroy", "")->meaning, Event::Meaning::kGone);
  EXPECT_EQ(event("remove", "")->meaning, Event::Meaning::kGone) << "podman's word";
  EXPECT_EQ(event("exec_create: sh", "")->meaning, Event::Meaning::kIgnored);
  EXPECT_EQ(ParseEvent(R"({"Action":"create","Actor":{"ID":"../../x"}})")->meaning,
            Event::Meaning::kIgnored);
}

TEST(DockerJsonTest, ChoosesAVersionThatBothSpeak) {
  const auto choose = [](const char* api, const char* minimum) {
    return ChooseApi({.engine = "", .api = api, .api_minimum = minimum});
  };
  EXPECT_EQ(choose("1.41", "1.12"), "1.41");
  EXPECT_EQ(choose("1.30", "1.12"), "1.30");
  EXPECT_EQ(choose("1.9", ""), "1.9");
  EXPECT_EQ(choose("1.51", "1.24"), "1.41");
  EXPECT_EQ(choose("1.52", "1.44"), "1.44");
  EXPECT_EQ(choose("", ""), "");
  const auto version = ParseVersion(R"({"Version":"a\u001b b","ApiVersion":"1.41/../x"})");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->engine, "a??b");
  EXPECT_EQ(version->api, "");
}

TEST(DockerJsonTest, CompletesImages) {
  const std::string id = "sha256:" + std::string(64, '4');
  const ImageInfo info{
      id, {"nginx:1.25", "nginx:latest"}, {"reg.corp/x@sha256:22", "nginx@sha256:11"}};
  const auto complete = [&](const std::string& reference, const ImageInfo& with) {
    Image image = ParseImage(reference);
    CompleteImage(with, image);
    return image;
  };
  EXPECT_EQ(complete("nginx:1.25", info).digest, "sha256:11");
  EXPECT_EQ(complete("nginx@sha256:99", info).digest, "sha256:99");
  EXPECT_EQ(complete("nginx", {id, {}, {}}).digest, id);
  for (const std::string& bare : {id, std::string(64, '4'), std::string(12, '4')}) {
    const Image image = complete(bare, info);
    EXPECT_EQ(image.reference, bare);
    EXPECT_EQ(image.repository, "docker.io/library/nginx") << bare;
    EXPECT_EQ(image.tag, "1.25");
    EXPECT_EQ(image.digest, "sha256:11");
  }
  const Image untagged = complete(id, {id, {}, {"reg.corp/x@sha256:22"}});
  EXPECT_EQ(untagged.repository, "reg.corp/x");
  EXPECT_EQ(untagged.tag, "");
  // A name that looks like an id is a name if the image is called so.
  EXPECT_EQ(complete("4444", {id, {"4444:x", "a:y"}, {}}).repository, "docker.io/library/4444");
}

}  // namespace
}  // namespace nsw::container::docker
