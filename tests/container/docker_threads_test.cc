// SPDX-License-Identifier: Apache-2.0
// The Docker source against a runtime that behaves well, badly, and not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "engine/container/source.h"
#include "tests/container/source_fixture.h"
#include "tests/support/fake_docker.h"

namespace nsw::container {
namespace {

using test::FakeDocker;
using test::Id;
using testing::HasSubstr;
using testing::StartsWith;

class DockerSourceTest : public SourceTest {
 protected:
  void Begin(SourceOptions options = {}) {
    options.socket = docker_.socket();
    source_ = MakeDockerSource(Quick(options), collector_.handler());
  }
  FakeDocker docker_;
};

TEST_F(DockerSourceTest, ListsWhatWasThereBefore) {
  docker_.Add(Id('a'), "web", "nginx:1.25", 42);
  docker_.Add(Id('b'), "db", "postgres");
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  ASSERT_EQ(collector_.there.size(), 2U);
  const Container& web = collector_.there.at(Id('a'));
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.runtime, "docker");
  EXPECT_EQ(web.init_pid, 42);
  EXPECT_EQ(web.image.tag, "1.25");
  EXPECT_TRUE(WaitForState("connected (docker 20.10.24, 2 containers)"));
  EXPECT_EQ(docker_.last_version(), "v1.41");
  ExpectQuickEnd();
}

TEST_F(DockerSourceTest, FollowsAContainersLife) {
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Add(Id('a'), "web", "nginx");
  docker_.Send("create", Id('a'));
  ASSERT_TRUE(collector_.WaitForName(Id('a'), "web"));
  docker_.Add(Id('a'), "web", "nginx", 77);
  docker_.Send("start", Id('a'));
  ASSERT_TRUE(collector_.WaitFor([](auto& c) { return c.there.at(Id('a')).init_pid == 77; }));
  docker_.Add(Id('a'), "renamed", "nginx", 77);
  docker_.Send("rename", Id('a'));
  ASSERT_TRUE(collector_.WaitForName(Id('a'), "renamed"));
  docker_.Add(Id('a'), "renamed", "nginx", 0);
  docker_.Send("die", Id('a'));
  ASSERT_TRUE(collector_.WaitFor([](auto& c) { return c.there.at(Id('a')).init_pid == 0; }));
  docker_.Remove(Id('a'));
  docker_.Send("destroy", Id('a'));
  EXPECT_TRUE(collector_.WaitForGone(Id('a')));
}

// While a container is started the daemon holds back its inspection.
TEST_F(DockerSourceTest, ACreateEventSaysEnoughByItself) {
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Behave(FakeDocker::Manner::kHangInspect);
  docker_.Send("create", Id('a'), R"("name":"web","image":"nginx:1","app":"prod")");
  ASSERT_TRUE(collector_.WaitForName(Id('a'), "web"));
  // Another one, while the first inspection is waited for.
  docker_.Send("create", Id('b'), R"("name":"db","image":"postgres")");
  ASSERT_TRUE(collector_.WaitForName(Id('b'), "db"));
  EXPECT_EQ(collector_.there.at(Id('a')).image.tag, "1");
  EXPECT_EQ(collector_.there.at(Id('a')).labels.at("app"), "prod");
}

TEST_F(DockerSourceTest, AsksForTheNameOfABareImage) {
  const std::string image = "sha256:" + Id('4');
  docker_.AddImage(image,
                   R"({"Id":")" + image +
                       R"(","RepoTags":["corp/app:3"],"RepoDigests":["corp/app@sha256:99"]})");
  docker_.AddJson(Id('a'), R"({"Id":")" + Id('a') + R"(","Name":"/x","Image":")" + image +
                               R"(","Config":{"Image":"444444444444"}})");
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  const Container& container = collector_.there.at(Id('a'));
  EXPECT_EQ(container.image.reference, "444444444444");
  EXPECT_EQ(container.image.repository, "docker.io/corp/app");
  EXPECT_EQ(container.image.digest, "sha256:99");
}

TEST_F(DockerSourceTest, ACreateFromABareImageWaitsForTheImageOnly) {
  docker_.AddImage("4444", R"({"Id":"sha256:)" + Id('4') + R"(","RepoTags":["corp/app:3"]})");
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Behave(FakeDocker::Manner::kHangInspect);
  docker_.Send("create", Id('a'), R"("name":"web","image":"4444")");
  ASSERT_TRUE(collector_.WaitForName(Id('a'), "web"));
  EXPECT_EQ(collector_.there.at(Id('a')).image.repository, "docker.io/corp/app");
}

TEST_F(DockerSourceTest, AFreshSessionRemovesWhatIsGone) {
  docker_.Add(Id('a'), "stays", "x");
  docker_.Add(Id('b'), "goes", "x");
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Stop();
  EXPECT_TRUE(WaitForState("not there: " + docker_.socket() + ": Connection refused"));
  docker_.Remove(Id('b'));
  docker_.Add(Id('c'), "new", "x");
  docker_.Start();
  EXPECT_TRUE(collector_.WaitForGone(Id('b')));
  EXPECT_TRUE(collector_.WaitForName(Id('c'), "new"));
  EXPECT_TRUE(collector_.there.contains(Id('a')));
  EXPECT_EQ(collector_.synced, 1);
  docker_.Send("destroy", Id('c'));
}

TEST_F(DockerSourceTest, AnAbsentRuntimeHoldsNobodyUp) {
  Begin();
  EXPECT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(WaitForState("not there: "));
  EXPECT_THAT(source_->state(), HasSubstr("No such file or directory"));
  docker_.Add(Id('a'), "web", "x");
  docker_.Start();
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
  ExpectQuickEnd();
}

TEST_F(DockerSourceTest, ListsAnewNowAndThen) {
  docker_.Add(Id('a'), "goes", "x");
  docker_.Start();
  SourceOptions options;
  options.listing_interval_ms = 100;
  Begin(options);
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Remove(Id('a'));  // and no event
  docker_.Add(Id('b'), "comes", "x");
  EXPECT_TRUE(collector_.WaitForGone(Id('a')));
  EXPECT_TRUE(collector_.WaitForName(Id('b'), "comes"));
}

TEST_F(DockerSourceTest, AnInspectionThatHangsIsPutOff_A7) {
  docker_.Add(Id('a'), "web", "x");
  docker_.Behave(FakeDocker::Manner::kHangInspect);
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(WaitForState("1 not inspected"));
  docker_.Behave(FakeDocker::Manner::kGood);
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
}

TEST_F(DockerSourceTest, ATooLongEventLeadsToAListing) {
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  docker_.Add(Id('a'), "web", "x");
  docker_.SendLine(std::string(3U << 20, 'x') + "\n");
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
}

TEST_F(DockerSourceTest, AnEventThatIsNoneEndsTheSessionOnly) {
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  const int before = docker_.listings();
  docker_.SendLine("{]\xff\n");
  const auto deadline = steady_clock::now() + kPatience;
  while (docker_.listings() == before && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_GT(docker_.listings(), before);
}

// Whatever it does: nothing crashes, the state says so, the end is quick, and it is believed again
// as soon as it behaves.
class MisbehavingTest : public DockerSourceTest,
                        public testing::WithParamInterface<FakeDocker::Manner> {};

TEST_P(MisbehavingTest, IsSurvived) {
  docker_.Add(Id('a'), "web", "x");
  docker_.Behave(GetParam());
  docker_.Start();
  Begin();
  EXPECT_TRUE(WaitForState("failing: "));
  EXPECT_EQ(collector_.synced, 0);
  docker_.Behave(FakeDocker::Manner::kGood);
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
  docker_.Behave(GetParam());
  docker_.Send("start", Id('a'));
  std::this_thread::sleep_for(milliseconds(50));
  ExpectQuickEnd();
}
INSTANTIATE_TEST_SUITE_P(Manners, MisbehavingTest,
                         testing::Values(FakeDocker::Manner::kHang, FakeDocker::Manner::kGigabyte,
                                         FakeDocker::Manner::kGarbage,
                                         FakeDocker::Manner::kHeaders));

// For its version podman asks the whole system, which takes its time.
TEST_F(DockerSourceTest, PodmanIsNotAskedForItsVersion) {
  docker_.Add(Id('a'), "web", "x");
  docker_.Behave(FakeDocker::Manner::kPodman);
  docker_.Start();
  Begin();
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
  EXPECT_TRUE(WaitForState("connected (docker 4.3.1, 1 container)"));
}

TEST_F(DockerSourceTest, ARuntimeOnAnOverloadedMachineIsWaitedForLongerEachTime) {
  docker_.Add(Id('a'), "web", "x");
  docker_.Behave(FakeDocker::Manner::kSlow);
  docker_.Start();
  Begin({.timeout_ms = 200});
  EXPECT_TRUE(WaitForState("failing: "));
  EXPECT_TRUE(collector_.WaitForName(Id('a'), "web"));
}

TEST_F(DockerSourceTest, AFloodOfEventsWithoutEndIsSurvived) {
  docker_.Add(Id('a'), "web", "x");
  docker_.Behave(FakeDocker::Manner::kFlood);
  docker_.Start();
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_THAT(source_->state(), StartsWith("connected"));
  std::this_thread::sleep_for(milliseconds(300));
  ExpectQuickEnd();
}

TEST_F(DockerSourceTest, EndsQuicklyInWhateverItWaitsFor) {
  docker_.Behave(FakeDocker::Manner::kHang);
  docker_.Start();
  for (const int ms : {0, 5, 50, 200}) {
    Begin({.timeout_ms = 60'000});
    std::this_thread::sleep_for(milliseconds(ms));
    ExpectQuickEnd();
  }
}

}  // namespace
}  // namespace nsw::container
