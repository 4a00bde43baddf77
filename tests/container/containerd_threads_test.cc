// SPDX-License-Identifier: Apache-2.0
// The containerd source against a server that behaves well, badly, and not at all.
#include <gmock/gmock.h>

#include <set>

#include "engine/container/proto/containerd.pb.h"
#include "tests/container/source_fixture.h"
#include "tests/support/fake_grpc.h"

namespace nsw::container {
namespace {

using test::FakeGrpc;
using test::GrpcReply;
using test::GrpcRequest;

constexpr const char* kSpec =
    R"({"process":{"capabilities":{"bounding":["CAP_SYS_ADMIN","CAP_SYS_MODULE"]}},
  "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
            {"destination":"/data","type":"bind","source":"/srv","options":["rbind","ro","rprivate"]}]})";

std::string HexId(char digit) { return std::string(64, digit); }

// Answers as containerd does, from a few maps.
class FakeContainerd {
 public:
  struct One {
    std::string image;
    std::map<std::string, std::string> labels;
    uint32_t pid = 0;  // 0: no task
  };
  FakeContainerd() : server([this](const GrpcRequest& request) { return Answer(request); }) {}

  void Add(const std::string& space, const std::string& id, One one) {
    const std::lock_guard lock(mutex_);
    spaces_[space][id] = std::move(one);
  }
  void Remove(const std::string& space, const std::string& id) {
    const std::lock_guard lock(mutex_);
    spaces_[space].erase(id);
  }
  template <typename Event>
  void Send(const std::string& space, const std::string& topic, const Event& event) {
    containerd::Envelope envelope;
    envelope.set_namespace_(space);
    envelope.set_topic(topic);
    envelope.mutable_event()->set_value(event.SerializeAsString());
    server.Publish(envelope.SerializeAsString());
  }
  void TaskStarts(const std::string& space, const std::string& id, uint32_t pid) {
    containerd::TaskCreateEvent event;
    event.set_container_id(id);
    event.set_pid(pid);
    Send(space, "/tasks/create", event);
  }
  int listings() {
    const std::lock_guard lock(mutex_);
    return listings_;
  }

 private:
  GrpcReply Answer(const GrpcRequest& request) {
    const std::lock_guard lock(mutex_);
    const std::string& method = request.method;
    if (method.ends_with("Version")) {
      containerd::VersionAnswer answer;
      answer.set_version("1.6.20");
      return {.message = answer.SerializeAsString()};
    }
    if (method.ends_with("Subscribe")) return {.endless = true};
    if (method.ends_with("Namespaces/List")) return Spaces();
    if (method.ends_with("Tasks/List")) return Tasks(request.space);
    if (method.ends_with("Images/Get")) {
      containerd::ImageAnswer answer;
      answer.mutable_image()->mutable_target()->set_digest("sha256:99");
      return {.message = answer.SerializeAsString()};
    }
    containerd::ContainerRequest asked;
    asked.ParseFromString(request.message);
    const auto& space = spaces_[request.space];
    const auto found = space.find(asked.id());
    return found == space.end() ? GrpcReply{.status = 5} : Told(asked.id(), found->second);
  }
  GrpcReply Spaces() {
    listings_++;
    containerd::NamespacesAnswer answer;
    for (const auto& [name, all] : spaces_) answer.add_namespaces()->set_name(name);
    return {.message = answer.SerializeAsString()};
  }
  GrpcReply Tasks(const std::string& space) {
    containerd::TasksAnswer answer;
    for (const auto& [id, one] : spaces_[space]) {
      if (one.pid == 0) continue;
      auto* task = answer.add_tasks();
      task->set_id(id);
      task->set_pid(one.pid);
    }
    return {.message = answer.SerializeAsString()};
  }
  static GrpcReply Told(const std::string& id, const One& one) {
    containerd::ContainerAnswer answer;
    answer.mutable_container()->set_id(id);
    answer.mutable_container()->set_image(one.image);
    answer.mutable_container()->mutable_labels()->insert(one.labels.begin(), one.labels.end());
    answer.mutable_container()->mutable_spec()->set_value(kSpec);
    answer.mutable_container()->mutable_created_at()->set_seconds(5);
    return {.message = answer.SerializeAsString()};
  }

  std::mutex mutex_;
  std::map<std::string, std::map<std::string, One>> spaces_;
  int listings_ = 0;

 public:
  FakeGrpc server;  // last: it calls
};

class ContainerdSourceTest : public SourceTest {
 protected:
  void Begin(SourceOptions options = {}) {
    options.name = options.runtime = "containerd";
    options.socket = fake_.server.socket();
    source_ = MakeContainerdSource(Quick(options), collector_.handler());
  }
  bool WaitForSubscriber() {
    const auto deadline = steady_clock::now() + kPatience;
    while (fake_.server.subscribers() == 0 && steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(5));
    return fake_.server.subscribers() > 0;
  }
  FakeContainerd fake_;
};

TEST_F(ContainerdSourceTest, ListsWhatRuns) {
  fake_.Add("default", "web", {"docker.io/library/nginx:1.25", {{"app", "shop"}}, 42});
  fake_.Add("default", "never-ran", {"x", {}, 0});
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_EQ(collector_.there.size(), 1U);
  const Container& web = collector_.there.at("default/web");
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.runtime, "containerd");
  EXPECT_EQ(web.init_pid, 42);
  EXPECT_EQ(web.image.repository, "docker.io/library/nginx");
  EXPECT_EQ(web.image.tag, "1.25");
  EXPECT_EQ(web.image.digest, "sha256:99");
  EXPECT_EQ(web.labels.at("app"), "shop");
  EXPECT_EQ(web.mounts, "/srv:/data::false:rprivate");
  EXPECT_EQ(web.privileged, true);
  EXPECT_EQ(web.created_ns, 5'000'000'000U);
  EXPECT_EQ(web.short_id(), "default/web");
  EXPECT_TRUE(WaitForState("connected (containerd 1.6.20, 1 container)"));
  EXPECT_EQ(collector_.nameless, 1);
  ExpectQuickEnd();
}

TEST_F(ContainerdSourceTest, TellsNamespacesApart) {
  fake_.Add("default", "web", {"nginx", {}, 42});
  fake_.Add("prod", "web", {"httpd", {}, 43});
  fake_.Add("prod", HexId('a'), {"redis", {{"nerdctl/name", "cache"}}, 44});
  fake_.Add("moby", HexId('b'), {"", {}, 45});
  fake_.Add("k8s.io", HexId('c'), {"pause", {{"io.cri-containerd.kind", "sandbox"}}, 46});
  fake_.Add("k8s.io", "by-hand", {"busybox", {}, 47});
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  std::set<std::string> ids;
  for (const auto& [id, container] : collector_.there) ids.insert(id);
  EXPECT_EQ(ids, (std::set<std::string>{"default/web", "prod/web", HexId('a'), "k8s.io/by-hand"}));
  EXPECT_EQ(collector_.there.at("prod/web").image.reference, "httpd");
  EXPECT_EQ(collector_.there.at(HexId('a')).name, "cache");
}

TEST_F(ContainerdSourceTest, DockersContainersAloneLeaveNoNamelessOnes) {
  fake_.Add("moby", HexId('b'), {"", {}, 45});
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(collector_.there.empty());
  EXPECT_EQ(collector_.nameless, 0);
}

TEST_F(ContainerdSourceTest, FollowsATasksLife) {
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_TRUE(WaitForSubscriber());
  fake_.Add("default", "web", {"nginx", {}, 0});
  fake_.TaskStarts("default", "web", 77);
  ASSERT_TRUE(collector_.WaitForName("default/web", "web"));
  EXPECT_EQ(collector_.there.at("default/web").init_pid, 77);

  containerd::TaskEvent gone;
  gone.set_container_id("web");
  fake_.Send("default", "/tasks/delete", gone);
  ASSERT_TRUE(collector_.WaitForGone("default/web"));

  fake_.TaskStarts("default", "web", 78);  // again, under the same name
  ASSERT_TRUE(collector_.WaitFor([](const Collector& c) {
    const auto found = c.there.find("default/web");
    return found != c.there.end() && found->second.init_pid == 78;
  }));

  fake_.Add("default", "web", {"nginx", {{"tier", "front"}}, 78});
  containerd::ContainerEvent changed;
  changed.set_id("web");
  fake_.Send("default", "/containers/update", changed);
  EXPECT_TRUE(collector_.WaitFor([](const Collector& c) {
    return c.there.contains("default/web") && c.there.at("default/web").labels.contains("tier");
  }));
}

TEST_F(ContainerdSourceTest, WhatWasMissedWhileSubscribingIsListedSoon) {
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  fake_.Add("default", "web", {"nginx", {}, 7});  // and no event
  EXPECT_TRUE(collector_.WaitForName("default/web", "web"));
}

TEST_F(ContainerdSourceTest, ARestartTellsWhatIsGone) {
  fake_.Add("default", "stays", {"x", {}, 1});
  fake_.Add("default", "goes", {"x", {}, 2});
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  fake_.server.Stop();
  EXPECT_TRUE(WaitForState("not there: "));
  fake_.Remove("default", "goes");
  fake_.Add("default", "new", {"x", {}, 3});
  fake_.server.Start();
  EXPECT_TRUE(collector_.WaitForGone("default/goes"));
  EXPECT_TRUE(collector_.WaitForName("default/new", "new"));
  EXPECT_TRUE(collector_.there.contains("default/stays"));
}

TEST_F(ContainerdSourceTest, AnAbsentRuntimeHoldsNobodyUp) {
  Begin();
  EXPECT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(WaitForState("not there: " + fake_.server.socket() + ": No such file or directory"));
  fake_.Add("default", "web", {"x", {}, 3});
  fake_.server.Start();
  EXPECT_TRUE(collector_.WaitForName("default/web", "web"));
  ExpectQuickEnd();
}

TEST_F(ContainerdSourceTest, AnEventThatIsNoneEndsTheSessionOnly) {
  fake_.server.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_TRUE(WaitForSubscriber());
  const int before = fake_.listings();
  fake_.server.Publish("\xff\xff\xff");
  const auto deadline = steady_clock::now() + kPatience;
  while (fake_.listings() == before && steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(5));
  EXPECT_GT(fake_.listings(), before);
}

class MisbehavingContainerdTest : public ContainerdSourceTest,
                                  public testing::WithParamInterface<FakeGrpc::Manner> {};

TEST_P(MisbehavingContainerdTest, IsSurvived) {
  fake_.Add("default", "web", {"x", {}, 3});
  fake_.server.Behave(GetParam());
  fake_.server.Start();
  Begin();
  EXPECT_TRUE(WaitForState("failing: "));
  EXPECT_EQ(collector_.synced, 0);
  // Those that were told nonsense may wait for more of it.
  fake_.server.Stop();
  fake_.server.Behave(FakeGrpc::Manner::kGood);
  fake_.server.Start();
  EXPECT_TRUE(collector_.WaitForName("default/web", "web"));
  fake_.server.Behave(GetParam());
  fake_.TaskStarts("default", "web", 9);
  std::this_thread::sleep_for(milliseconds(50));
  ExpectQuickEnd();
}
INSTANTIATE_TEST_SUITE_P(Manners, MisbehavingContainerdTest,
                         testing::Values(FakeGrpc::Manner::kHang, FakeGrpc::Manner::kGigabyte,
                                         FakeGrpc::Manner::kGarbage, FakeGrpc::Manner::kNonsense,
                                         FakeGrpc::Manner::kRefuse));

}  // namespace
}  // namespace nsw::container
