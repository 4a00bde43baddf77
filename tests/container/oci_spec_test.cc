// SPDX-License-Identifier: Apache-2.0
#include "engine/container/oci_spec.h"

#include <gtest/gtest.h>

#include "engine/container/facts.h"
#include "engine/container/grpc.h"
#include "engine/container/proto/containerd.pb.h"

namespace nsw::container {
namespace {

TEST(OciSpec, PrivilegedIsEveryCapabilityAndNoMask) {
  const std::string all =
      R"("process":{"capabilities":{"bounding":["CAP_SYS_ADMIN","CAP_SYS_MODULE"]}})";
  EXPECT_TRUE(ParseOciSpec("{" + all + "}").privileged);
  EXPECT_FALSE(ParseOciSpec("{" + all + R"(,"linux":{"maskedPaths":["/proc/kcore"]}})").privileged);
  EXPECT_FALSE(
      ParseOciSpec(R"({"process":{"capabilities":{"bounding":["CAP_SYS_ADMIN"]}}})").privileged);
  EXPECT_FALSE(ParseOciSpec("\xff not JSON").privileged);
}

TEST(OciSpec, MountsAreFilesOfTheHost) {
  const OciSpec spec = ParseOciSpec(
      R"({"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
          {"destination":"/a","source":"/srv/a","options":["rbind","ro"]},
          {"destination":"/b","source":"/srv/b","options":["rshared"]}]})");
  EXPECT_EQ(spec.mounts, "/srv/a:/a::false: /srv/b:/b::true:rshared");
}

TEST(Facts, LabelsAsOneText) {
  EXPECT_EQ(LabelsText({}), "");
  EXPECT_EQ(LabelsText({{"tier", "front"}, {"app", "web"}}), "app:web,tier:front");
}

TEST(Facts, AProcessBeganBeforeNow) {
  const uint64_t begin = ProcessStartNs(getpid());
  const auto now = static_cast<uint64_t>(time(nullptr)) * 1'000'000'000;
  EXPECT_GT(begin, now - 3600'000'000'000);
  EXPECT_LT(begin, now + 2'000'000'000);
  EXPECT_EQ(ProcessStartNs(0), 0U);
  EXPECT_EQ(ProcessStartNs(1 << 29), 0U);
}

TEST(Grpc, ItemsAreTakenOneByOne) {
  containerd::TasksAnswer answer;
  for (const char* id : {"a", "b"}) answer.add_tasks()->set_id(id);
  const std::string bytes = answer.SerializeAsString();
  const auto ids = [](const std::string& text, bool& whole) {
    containerd::TasksAnswer::Task task;
    std::string all;
    whole = ForEachItem(text, task, [&] { all += task.id(); });
    return all;
  };
  bool whole = false;
  EXPECT_EQ(ids(bytes, whole), "ab");
  EXPECT_TRUE(whole);
  EXPECT_EQ(ids(bytes.substr(0, bytes.size() - 1), whole), "a");
  EXPECT_FALSE(whole);
  EXPECT_EQ(ids(bytes + "\x12\x03xyz", whole), "ab") << "other fields are passed over";
  EXPECT_TRUE(whole);
  EXPECT_EQ(ids("\x0a\xff\xff\xff\xff\x0f", whole), "");
  EXPECT_FALSE(whole);
}

}  // namespace
}  // namespace nsw::container
