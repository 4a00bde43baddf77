// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/container/registry.h"

namespace nsw::container {
namespace {

using testing::ElementsAre;

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST(CgroupTest, FindsTheIdWhereRuntimesPutIt) {
  const std::string pod =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice";
  for (const std::string& path : {
           "/docker/" + kA,
           "/system.slice/docker-" + kA + ".scope",
           "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + kA + ".scope",
           "/system.slice/cri-containerd-" + kA + ".scope",
           "/kubepods/besteffort/pod0f8d9e0c-1111-2222-3333-444455556666/" + kA,
           pod + "/cri-containerd-" + kA + ".scope",
           pod + "/crio-" + kA + ".scope",
           "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kA,
           "/machine.slice/libpod-" + kA + ".scope",
           "/machine.slice/libpod-" + kA + ".scope/container",
           "/libpod_parent/libpod-" + kA,
           "/docker/" + kA + "/init.scope",
           "/somebody/chose/this/" + kA,
           "/../../docker/" + kA,
       }) {
    EXPECT_EQ(ContainerIdOfCgroup("0::" + path + "\n"), kA) << path;
    EXPECT_EQ(ContainerIdOfCgroup("12:cpu,cpuacct:/\n1:name=systemd:" + path + "\n0::/"), kA)
        << path;
  }
}

TEST(CgroupTest, FindsNoneWhereThereIsNone) {
  for (const std::string& path : {
           std::string("/"),
           std::string("/system.slice/nginx.service"),
           std::string("/system.slice/docker.service"),
           "/machine.slice/libpod-conmon-" + kA + ".scope",
           "/system.slice/crio-conmon-" + kA + ".scope",
           "/docker/" + kA.substr(1),
           "/docker/" + kA + "a",
           "/docker/" + std::string(64, 'A'),
           "/docker/" + std::string(64, 'g'),
           std::string("/kubepods/besteffort/pod0f8d9e0c-1111-2222-3333-444455556666"),
       }) {
    EXPECT_EQ(ContainerIdOfCgroup("0::" + path + "\n"), "") << path;
  }
  EXPECT_EQ(ContainerIdOfCgroup(""), "");
  EXPECT_EQ(ContainerIdOfCgroup("\n\n::\n" + kA), "");
}

TEST(CgroupTest, OfNestedOnesTheInnermostCounts) {
  const std::string cgroup =
      "2:pids:/docker/" + kA + "\n1:name=systemd:/docker/" + kA + "/docker/" + kB;
  EXPECT_THAT(ContainerIdsOfCgroup(cgroup), ElementsAre(kA, kB));
  EXPECT_EQ(ContainerIdOfCgroup(cgroup), kB);
}

TEST(ProcFsTest, TellsOfThisProcessAndNothingOfOneThatIsNot) {
  EXPECT_NE(ProcFs().MountNamespace(getpid()), 0U);
  EXPECT_NE(ProcFs().Cgroup(getpid()), "");
  EXPECT_EQ(ProcFs().MountNamespace(0x7fffffff), 0U);
  EXPECT_EQ(ProcFs().Cgroup(0x7fffffff), "");
  EXPECT_EQ(ProcFs().MountNamespace(ProcFs().ProcessIn(ProcFs().MountNamespace(getpid()))),
            ProcFs().MountNamespace(getpid()));
  EXPECT_EQ(ProcFs().ProcessIn(1), 0);
  EXPECT_EQ(ProcFs().Privileged(0x7fffffff), std::nullopt);
  EXPECT_EQ(ProcFs().Privileged(1), true) << "all others are measured by it";
}

}  // namespace
}  // namespace nsw::container
