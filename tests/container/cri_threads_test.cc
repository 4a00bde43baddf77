// SPDX-License-Identifier: Apache-2.0
// The CRI source against a server that plays containerd's plugin, CRI-O, and worse.
#include <gmock/gmock.h>

#include "engine/container/proto/containerd.pb.h"
#include "engine/container/proto/cri.pb.h"
#include "tests/container/source_fixture.h"
#include "tests/support/fake_grpc.h"

namespace nsw::container {
namespace {

using test::FakeGrpc;
using test::GrpcReply;
using test::GrpcRequest;

std::string HexId(char digit) { return std::string(64, digit); }
const std::string kPod = HexId('0');
const std::string kWeb = HexId('1');

// One pod with one container, as far as they are there.
class FakeCri {
 public:
  FakeCri() : server([this](const GrpcRequest& request) { return Answer(request); }) {}

  std::atomic<bool> has_pod{true};
  std::atomic<bool> has_container{true};
  std::atomic<int> pid{42};
  std::atomic<bool> old_version{false};  // v1alpha2 alone
  std::atomic<bool> has_events{true};
  std::atomic<bool> serves_cri{true};
  std::atomic<int> listings{0};

 private:
  GrpcReply Answer(const GrpcRequest& request) {
    const std::string& method = request.method;
    if (method.ends_with("Subscribe")) return {.endless = true};
    if (!serves_cri || (old_version && !method.starts_with("runtime.v1alpha2."))) {
      return {.status = 12};
    }
    if (method.ends_with("/Version")) return Version();
    if (method.ends_with("GetContainerEvents")) {
      return has_events ? GrpcReply{.endless = true} : GrpcReply{.status = 12};
    }
    if (method.ends_with("ListPodSandbox")) return Sandboxes();
    if (method.ends_with("ListContainers")) return Containers();
    return method.ends_with("PodSandboxStatus") ? Sandbox() : Status();
  }
  static GrpcReply Version() {
    nsw::cri::VersionAnswer answer;
    answer.set_runtime_name("cri-o");
    answer.set_runtime_version("1.27");
    return {.message = answer.SerializeAsString()};
  }
  GrpcReply Sandboxes() {
    listings++;
    nsw::cri::Sandboxes answer;
    if (has_pod) answer.add_items()->set_id(kPod);
    return {.message = answer.SerializeAsString()};
  }
  GrpcReply Containers() const {
    nsw::cri::Containers answer;
    if (has_container) {
      auto* one = answer.add_containers();
      one->set_id(kWeb);
      one->set_sandbox_id(kPod);
      one->set_state(pid != 0 ? 1 : 0);
    }
    return {.message = answer.SerializeAsString()};
  }
  GrpcReply Sandbox() const {
    if (!has_pod) return {.status = 5};
    nsw::cri::SandboxAnswer answer;
    auto& status = *answer.mutable_status();
    status.set_id(kPod);
    status.mutable_name()->set_name("web-0");
    status.mutable_name()->set_uid("u-1");
    status.mutable_name()->set_namespace_("shop");
    status.mutable_network()->set_ip("10.0.0.7");
    (*status.mutable_labels())["tier"] = "front";
    (*answer.mutable_info())["info"] = R"({"pid":41,"image":"registry.k8s.io/pause:3.6"})";
    return {.message = answer.SerializeAsString()};
  }
  GrpcReply Status() const {
    if (!has_container) return {.status = 5};
    nsw::cri::ContainerAnswer answer;
    auto& status = *answer.mutable_status();
    status.set_id(kWeb);
    status.mutable_name()->set_name("web");
    status.mutable_image()->set_image("docker.io/library/nginx:1.25");
    status.set_image_ref("docker.io/library/nginx@sha256:99");
    status.set_created_at(7);
    status.set_started_at(9);
    (*status.mutable_labels())["io.kubernetes.container.name"] = "web";
    auto* mount = status.add_mounts();
    mount->set_host_path("/srv");
    mount->set_container_path("/data");
    mount->set_read_only(true);
    (*answer.mutable_info())["info"] =
        R"({"pid":)" + std::to_string(pid) +
        R"(,"config":{"linux":{"security_context":{"privileged":true}}}})";
    return {.message = answer.SerializeAsString()};
  }

 public:
  FakeGrpc server;  // last: it calls
};

class CriSourceTest : public SourceTest {
 protected:
  void Begin(bool containerd_events = false) {
    SourceOptions options{.name = "cri-o", .runtime = "cri", .socket = fake_.server.socket()};
    source_ = MakeCriSource(Quick(options), containerd_events, collector_.handler());
  }
  bool WaitForSubscriber() {
    const auto deadline = steady_clock::now() + kPatience;
    while (fake_.server.subscribers() == 0 && steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(5));
    return fake_.server.subscribers() > 0;
  }
  void Happens(const std::string& id) {
    nsw::cri::Event event;
    event.set_container_id(id);
    event.set_type(1);
    fake_.server.Publish(event.SerializeAsString());
  }
  FakeCri fake_;
};

TEST_F(CriSourceTest, ListsPodsAndTheirContainers) {
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  const Container& web = collector_.there.at(kWeb);
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.runtime, "cri-o");
  EXPECT_EQ(web.image.repository, "docker.io/library/nginx");
  EXPECT_EQ(web.image.digest, "sha256:99");
  EXPECT_EQ(web.init_pid, 42);
  EXPECT_EQ(web.privileged, true);
  EXPECT_EQ(web.created_ns, 7U);
  EXPECT_EQ(web.started_ns, 9U);
  EXPECT_EQ(web.mounts, "/srv:/data::false:private");
  EXPECT_EQ(web.k8s_namespace, "shop");
  EXPECT_EQ(web.k8s_pod, "web-0");
  EXPECT_EQ(web.k8s_pod_uid, "u-1");
  EXPECT_EQ(web.k8s_container, "web");
  EXPECT_EQ(web.pod_labels.at("tier"), "front");
  EXPECT_EQ(web.ip, "10.0.0.7");
  const Container& pod = collector_.there.at(kPod);
  EXPECT_EQ(pod.name, "sandbox:web-0");
  EXPECT_EQ(pod.k8s_container, "POD");
  EXPECT_EQ(pod.init_pid, 41);
  EXPECT_EQ(pod.image.repository, "registry.k8s.io/pause");
  EXPECT_TRUE(WaitForState("connected (cri-o 1.27, 2 containers)"));
  ExpectQuickEnd();
}

TEST_F(CriSourceTest, SpeaksTheOldVersion) {
  fake_.old_version = true;
  fake_.server.Start();
  Begin();
  EXPECT_TRUE(collector_.WaitForName(kWeb, "web"));
}

TEST_F(CriSourceTest, EventsOfItsOwnTellOfChanges) {
  fake_.has_container = false;
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_TRUE(WaitForSubscriber());
  fake_.pid = 0;
  fake_.has_container = true;
  Happens(kWeb);
  ASSERT_TRUE(collector_.WaitForName(kWeb, "web"));
  fake_.pid = 43;
  Happens(kWeb);
  ASSERT_TRUE(collector_.WaitFor([](auto& c) { return c.there.at(kWeb).init_pid == 43; }));
  fake_.has_container = false;
  Happens(kWeb);
  EXPECT_TRUE(collector_.WaitForGone(kWeb));
}

TEST_F(CriSourceTest, WithoutEventsAllIsListedEachSecond) {
  fake_.has_events = false;
  fake_.has_container = false;
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  fake_.has_container = true;
  EXPECT_TRUE(collector_.WaitForName(kWeb, "web"));
  EXPECT_THAT(source_->state(), testing::StartsWith("connected"));
  fake_.has_container = false;
  EXPECT_TRUE(collector_.WaitForGone(kWeb));
  ExpectQuickEnd();
}

TEST_F(CriSourceTest, ContainerdsEventsComeBeforeItListsThePod) {
  fake_.has_pod = fake_.has_container = false;
  fake_.server.Start();
  Begin(true);
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_TRUE(WaitForSubscriber());
  containerd::Envelope envelope;
  containerd::TaskEvent event;
  event.set_container_id(kPod);
  envelope.set_namespace_("k8s.io");
  envelope.set_topic("/tasks/create");
  envelope.mutable_event()->set_value(event.SerializeAsString());
  fake_.server.Publish(envelope.SerializeAsString());
  const int before = fake_.listings;
  const auto deadline = steady_clock::now() + kPatience;
  while (fake_.listings < before + 2 && steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(5));
  fake_.has_pod = true;
  EXPECT_TRUE(collector_.WaitForName(kPod, "sandbox:web-0"));
}

TEST_F(CriSourceTest, AContainerWithoutItsPodIsStillOne) {
  fake_.has_pod = false;
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_EQ(collector_.there.at(kWeb).name, "web");
  EXPECT_EQ(collector_.there.at(kWeb).k8s_pod, "");
}

TEST_F(CriSourceTest, AContainerdWithoutThePluginIsAbsent) {
  fake_.serves_cri = false;
  fake_.server.Start();
  Begin(true);
  EXPECT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(WaitForState("not there: " + fake_.server.socket() + ": no CRI is served there"));
}

class MisbehavingCriTest : public CriSourceTest,
                           public testing::WithParamInterface<FakeGrpc::Manner> {};

TEST_P(MisbehavingCriTest, IsSurvived) {
  fake_.server.Behave(GetParam());
  fake_.server.Start();
  Begin();
  EXPECT_TRUE(WaitForState("failing: "));
  fake_.server.Stop();
  fake_.server.Behave(FakeGrpc::Manner::kGood);
  fake_.server.Start();
  EXPECT_TRUE(collector_.WaitForName(kWeb, "web"));
  fake_.server.Behave(GetParam());
  Happens(kWeb);
  std::this_thread::sleep_for(milliseconds(50));
  ExpectQuickEnd();
}
INSTANTIATE_TEST_SUITE_P(Manners, MisbehavingCriTest,
                         testing::Values(FakeGrpc::Manner::kHang, FakeGrpc::Manner::kGigabyte,
                                         FakeGrpc::Manner::kGarbage, FakeGrpc::Manner::kNonsense,
                                         FakeGrpc::Manner::kRefuse));

}  // namespace
}  // namespace nsw::container
