// SPDX-License-Identifier: Apache-2.0
#include "engine/container/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nsw::container {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kSecond = 1'000'000'000;
const std::string kA(64, 'a');
const std::string kB(64, 'b');

uint64_t HomeOf(uint32_t mntns, uint32_t serial = 1) { return uint64_t{serial} << 32 | mntns; }

class FakeFacts final : public ProcessFacts {
 public:
  std::string Cgroup(pid_t pid) const override {
    const auto found = cgroups.find(pid);
    return found == cgroups.end() ? "" : "0::" + found->second + "\n";
  }
  uint32_t MountNamespace(pid_t pid) const override {
    const auto found = namespaces.find(pid);
    return found == namespaces.end() ? 0 : found->second;
  }
  std::map<pid_t, std::string> cgroups;
  std::map<pid_t, uint32_t> namespaces;
};

class RegistryTest : public testing::Test {
 protected:
  // A process that is there.
  void Process(pid_t pid, const std::string& cgroup, uint32_t mntns) {
    facts_.cgroups[pid] = cgroup;
    facts_.namespaces[pid] = mntns;
  }
  void Gone(pid_t pid) {
    facts_.cgroups.erase(pid);
    facts_.namespaces.erase(pid);
  }
  Binding& Seen(uint64_t home, pid_t pid, bool foreign_pidns = true, uint64_t parent = 0) {
    return registry_.SeenHome(home, parent, pid, foreign_pidns, now_);
  }
  std::vector<Binding*> Upsert(const std::string& id, const std::string& name, pid_t init = 0,
                               const std::string& image = "nginx") {
    Change change;
    change.container.id = id;
    change.container.name = name;
    change.container.runtime = "docker";
    change.container.image = ParseImage(image);
    change.container.init_pid = init;
    return registry_.Apply(change, now_);
  }
  std::vector<Binding*> Remove(const std::string& id) {
    Change change{Change::Kind::kRemoved, {}};
    change.container.id = id;
    return registry_.Apply(change, now_);
  }
  std::vector<Binding*> Synced(const std::string& runtime) {
    Change change{Change::Kind::kSynced, {}};
    change.container.runtime = runtime;
    return registry_.Apply(change, now_);
  }

  FakeFacts facts_;
  Registry registry_{facts_};
  uint64_t now_ = kSecond;
};

TEST_F(RegistryTest, BindsByCgroupWhenMetadataIsThereFirst) {
  Upsert(kA, "web");
  Process(100, "/docker/" + kA, 5);
  const Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_EQ(binding.container.name, "web");
  EXPECT_TRUE(binding.settled);
  EXPECT_TRUE(binding.is_container);
  EXPECT_EQ(binding.pid, 100);
  EXPECT_EQ(registry_.Find(HomeOf(5)), &binding);
  EXPECT_EQ(registry_.Find(HomeOf(6)), nullptr);
}

TEST_F(RegistryTest, WaitsForMetadataThatTheCgroupPromises) {
  Process(100, "/docker/" + kA, 5);
  Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_FALSE(binding.settled);
  EXPECT_TRUE(binding.is_container);
  EXPECT_EQ(binding.container.id, kA);
  EXPECT_FALSE(binding.container.known());
  EXPECT_THAT(Upsert(kB, "other"), IsEmpty());
  EXPECT_THAT(Upsert(kA, "web"), ElementsAre(&binding));
  EXPECT_TRUE(binding.settled);
  EXPECT_EQ(binding.container.name, "web");
  EXPECT_THAT(Upsert(kA, "web"), IsEmpty()) << "nothing is new";
  EXPECT_THAT(Upsert(kA, "renamed"), ElementsAre(&binding));
  EXPECT_EQ(binding.container.name, "renamed");
}

TEST_F(RegistryTest, LosesPatience) {
  Process(100, "/docker/" + kA, 5);
  Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_THAT(registry_.Settle(now_ + 2 * kSecond - 1, 2 * kSecond), IsEmpty());
  EXPECT_THAT(registry_.Settle(now_ + 2 * kSecond, 2 * kSecond), ElementsAre(&binding));
  EXPECT_THAT(registry_.Settle(now_ + 9 * kSecond, 2 * kSecond), IsEmpty());
  EXPECT_TRUE(binding.settled);
  EXPECT_EQ(binding.container.name, kA.substr(0, 12));
  EXPECT_THAT(Upsert(kA, "late"), ElementsAre(&binding));
  EXPECT_EQ(binding.container.name, "late");
}

TEST_F(RegistryTest, BindsByInitProcessWhereTheCgroupIsSilent) {
  Process(100, "/", 5);
  Process(101, "/", 5);
  Binding& binding = Seen(HomeOf(5), 101);  // not the init process itself
  EXPECT_EQ(binding.container.id, "ns-5");
  EXPECT_EQ(binding.container.name, "ns-5");
  EXPECT_THAT(Upsert(kA, "web", 100), ElementsAre(&binding));
  EXPECT_EQ(binding.container.id, kA);
  EXPECT_EQ(binding.pid, 100);
}

TEST_F(RegistryTest, BindsAnInitProcessThatWasNamedBefore) {
  Process(100, "/", 5);
  Upsert(kA, "web", 100);
  EXPECT_EQ(Seen(HomeOf(5), 100).container.name, "web");
}

TEST_F(RegistryTest, KnowsTheFirstEventsOfOneThatIsGoneAlready) {
  Process(100, "/", 5);
  Upsert(kA, "brief", 100);
  Upsert(kA, "brief", 0);
  Remove(kA);
  Gone(100);
  const Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_EQ(binding.container.name, "brief");
  EXPECT_TRUE(binding.removed);
  // Not for ever.
  registry_.Settle(now_ + 61 * kSecond, kSecond);
  EXPECT_EQ(Seen(HomeOf(5, 2), 100).container.name, "ns-5");
}

TEST_F(RegistryTest, AReusedInodeNumberIsAnotherHome_I6) {
  Process(100, "/", 5);
  Upsert(kA, "web", 100);
  Seen(HomeOf(5, 1), 100);
  now_ += kSecond;
  Upsert(kA, "web", 0);
  Process(200, "/", 5);
  Binding& second = Seen(HomeOf(5, 2), 200);
  EXPECT_EQ(second.container.name, "ns-5");
  EXPECT_THAT(Upsert(kB, "next", 200), ElementsAre(&second));
  EXPECT_EQ(registry_.Find(HomeOf(5, 1))->container.name, "web");
}

TEST_F(RegistryTest, ARuntimeCannotTakeAnothersContainer) {
  Process(100, "/docker/" + kA, 5);
  Binding& binding = Seen(HomeOf(5), 100);
  Upsert(kA, "web", 100);
  EXPECT_THAT(Upsert(kB, "liar", 100), IsEmpty());
  EXPECT_EQ(binding.container.name, "web");
}

TEST_F(RegistryTest, AServiceWithItsOwnMountNamespaceIsNoContainer_I14) {
  Process(100, "/system.slice/nginx.service", 5);
  const Binding& binding = Seen(HomeOf(5), 100, false);
  EXPECT_FALSE(binding.is_container);
  EXPECT_TRUE(binding.settled) << "nobody is waited for";
}

TEST_F(RegistryTest, HostPidNamespaceIsAContainerByCgroupOrByClaim_I5) {
  Process(100, "/docker/" + kA, 5);
  EXPECT_TRUE(Seen(HomeOf(5), 100, false).is_container);
  Process(200, "/custom", 6);
  Binding& claimed = Seen(HomeOf(6), 200, false);
  EXPECT_FALSE(claimed.is_container);
  EXPECT_THAT(Upsert(kB, "hostpid", 200), ElementsAre(&claimed));
  EXPECT_TRUE(claimed.is_container);
}

TEST_F(RegistryTest, AFirstListingIsWaitedFor) {
  registry_.Expect("docker");
  registry_.Expect("podman");
  Process(100, "/", 5);
  Process(101, "/docker/" + kA, 6);
  Binding& binding = Seen(HomeOf(5), 100);
  Binding& promised = Seen(HomeOf(6), 101);
  EXPECT_FALSE(binding.settled);
  EXPECT_THAT(Synced("docker"), IsEmpty());
  EXPECT_THAT(Synced("docker"), IsEmpty());
  EXPECT_THAT(Synced("podman"), ElementsAre(&binding));
  EXPECT_TRUE(binding.settled);
  EXPECT_FALSE(promised.settled) << "its cgroup says more";
  Process(102, "/", 7);
  EXPECT_TRUE(Seen(HomeOf(7), 102).settled);
}

TEST_F(RegistryTest, NestedOnesAreNamedAndJudgedByTheOuter_I3) {
  Process(100, "/docker/" + kA, 5);
  Binding& outer = Seen(HomeOf(5), 100);
  Process(101, "/docker/" + kA, 6);
  Binding& inner = Seen(HomeOf(6), 101, true, HomeOf(5));
  Process(102, "/docker/" + kA + "/docker/" + kB, 7);
  Binding& third = Seen(HomeOf(7), 102, false, HomeOf(6));
  EXPECT_FALSE(inner.settled);

  EXPECT_THAT(Upsert(kA, "dind"), UnorderedElementsAre(&outer, &inner, &third));
  EXPECT_EQ(inner.container.name, "dind/ns-6");
  EXPECT_EQ(inner.container.id, "ns-6");
  EXPECT_EQ(inner.container.image.repository, "docker.io/library/nginx");
  EXPECT_TRUE(inner.settled);
  EXPECT_TRUE(third.is_container);
  EXPECT_EQ(third.container.name, "dind/ns-6/" + kB.substr(0, 12));
  EXPECT_EQ(&registry_.Outermost(third), &outer);
  EXPECT_EQ(&registry_.Outermost(outer), &outer);

  EXPECT_THAT(Upsert(kA, "renamed"), UnorderedElementsAre(&outer, &inner, &third));
  EXPECT_EQ(registry_.FindByName("renamed"), &outer);
  EXPECT_EQ(registry_.FindByName("renamed/ns-6"), &inner);
}

TEST_F(RegistryTest, AContainerCannotTakeAnothersNameByItsCgroup) {
  Upsert(kB, "victim");
  Process(100, "/docker/" + kA, 5);
  Upsert(kA, "evil");
  Binding& outer = Seen(HomeOf(5), 100);
  Process(101, "/docker/" + kA + "/docker/" + kB, 6);
  Binding& inner = Seen(HomeOf(6), 101, true, HomeOf(5));
  EXPECT_EQ(inner.container.name, "evil/victim");
  EXPECT_EQ(&registry_.Outermost(inner), &outer);
}

TEST_F(RegistryTest, AServiceIsNoOuterContainer) {
  Process(100, "/system.slice/docker.service", 5);
  Seen(HomeOf(5), 100, false);
  Process(101, "/docker/" + kA, 6);
  Binding& binding = Seen(HomeOf(6), 101, true, HomeOf(5));
  Upsert(kA, "web");
  EXPECT_EQ(binding.container.name, "web");
  EXPECT_EQ(&registry_.Outermost(binding), &binding);
}

TEST_F(RegistryTest, TheCgroupTellsOfNestingWhereNoParentIsKnown) {
  Process(100, "/docker/" + kA, 5);
  Binding& outer = Seen(HomeOf(5), 100);
  Upsert(kA, "dind");
  Process(101, "/docker/" + kA + "/docker/" + kB, 6);
  Binding& inner = Seen(HomeOf(6), 101);
  EXPECT_EQ(&registry_.Outermost(inner), &outer);
  EXPECT_EQ(inner.container.name, "dind/" + kB.substr(0, 12));
  // With a runtime's word it is a sibling with another's cgroup as parent.
  Upsert(kB, "sibling");
  EXPECT_EQ(inner.container.name, "sibling");
  EXPECT_EQ(&registry_.Outermost(inner), &inner);
}

TEST_F(RegistryTest, AParentThatIsToldLateIsLearnt) {
  Process(100, "/docker/" + kA, 5);
  Binding& outer = Seen(HomeOf(5), 100);
  Upsert(kA, "dind");
  Process(101, "/docker/" + kA, 6);
  Binding& inner = Seen(HomeOf(6), 101);  // another record of it, which has no parent
  EXPECT_EQ(inner.container.name, "dind") << "all that the cgroup tells";
  std::vector<Binding*> changed;
  registry_.SeenHome(HomeOf(6), HomeOf(5), 101, true, now_, &changed);
  EXPECT_THAT(changed, ElementsAre(&inner));
  EXPECT_EQ(inner.container.name, "dind/ns-6");
  EXPECT_EQ(&registry_.Outermost(inner), &outer);
  registry_.SeenHome(HomeOf(6), HomeOf(9), 101, true, now_, &changed);
  EXPECT_EQ(inner.parent, HomeOf(5)) << "the first word stands";
  EXPECT_EQ(registry_.FindByName("dind"), &outer);
}

TEST_F(RegistryTest, AParentThatIsSeenLateIsFound) {
  Upsert(kA, "dind");
  Process(101, "/docker/" + kA, 6);
  Process(102, "/docker/" + kA + "/docker/" + kB, 7);
  Binding& inner = Seen(HomeOf(6), 101, true, HomeOf(5));
  Binding& third = Seen(HomeOf(7), 102, true, HomeOf(6));
  Process(100, "/docker/" + kA, 5);
  std::vector<Binding*> changed;
  Binding& outer = registry_.SeenHome(HomeOf(5), 0, 100, true, now_, &changed);
  EXPECT_THAT(changed, UnorderedElementsAre(&inner, &third));
  EXPECT_EQ(outer.container.name, "dind");
  EXPECT_EQ(inner.container.name, "dind/ns-6");
  EXPECT_EQ(third.container.name, "dind/ns-6/" + kB.substr(0, 12));
  EXPECT_EQ(&registry_.Outermost(third), &outer);
}

TEST_F(RegistryTest, TwiceNestedInOneCgroupIsNotTheContainerOnceMore) {
  Upsert(kA, "dind");
  for (const uint32_t n : {5, 6, 7}) Process(static_cast<pid_t>(n), "/docker/" + kA, n);
  Seen(HomeOf(5), 5);
  Seen(HomeOf(6), 6, true, HomeOf(5));
  EXPECT_EQ(Seen(HomeOf(7), 7, true, HomeOf(6)).container.name, "dind/ns-6/ns-7");
}

TEST_F(RegistryTest, ANestedOneKeepsItsOuterOneAlive) {
  Process(100, "/docker/" + kA, 5);
  Upsert(kA, "outer");
  Seen(HomeOf(5), 100);
  Process(101, "/docker/" + kA, 6);
  Binding& inner = Seen(HomeOf(6), 101, true, HomeOf(5));
  registry_.Forget(HomeOf(5));
  EXPECT_EQ(inner.container.name, "outer/ns-6");
  EXPECT_EQ(registry_.Outermost(inner).container.name, "outer");
  Process(102, "/docker/" + kB, 7);
  Upsert(kB, "outer");
  Binding& next = Seen(HomeOf(7), 102);
  EXPECT_EQ(registry_.FindByName("outer"), &next) << "what is kept is not meant";
  registry_.Forget(HomeOf(7));
  registry_.Forget(HomeOf(6));
  EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(RegistryTest, ARestartIsANewHomeOfTheSameContainer) {
  Process(100, "/docker/" + kA, 5);
  Upsert(kA, "web", 100);
  Binding& first = Seen(HomeOf(5, 1), 100);
  Upsert(kA, "web", 0);
  Gone(100);
  now_ += kSecond;
  Process(200, "/docker/" + kA, 8);
  Binding& second = Seen(HomeOf(8, 2), 200);
  Upsert(kA, "web", 200);
  EXPECT_EQ(second.container.init_pid, 200);
  EXPECT_EQ(registry_.FindByName("web"), &second);
  EXPECT_EQ(registry_.FindByName(kA), &second);
  EXPECT_EQ(first.container.name, "web");
  registry_.Forget(HomeOf(5, 1));
  EXPECT_EQ(registry_.FindByName("web"), &second);
}

TEST_F(RegistryTest, ARemovedOneStaysUntilForgotten) {
  Process(100, "/docker/" + kA, 5);
  Upsert(kA, "web", 100);
  Binding& first = Seen(HomeOf(5), 100);
  EXPECT_THAT(Remove(kA), ElementsAre(&first));
  EXPECT_TRUE(first.removed);
  EXPECT_EQ(first.container.name, "web");
  EXPECT_EQ(registry_.FindByName("web"), &first);

  Upsert(kB, "web");
  Process(200, "/docker/" + kB, 6);
  Binding& second = Seen(HomeOf(6), 200);
  EXPECT_EQ(registry_.FindByName("web"), &second);
  registry_.Forget(HomeOf(6));
  EXPECT_EQ(registry_.FindByName("web"), &first);
  EXPECT_THAT(Upsert(kA, "web"), ElementsAre(&first)) << "its runtime lost it for a while";
  EXPECT_FALSE(first.removed);
}

TEST_F(RegistryTest, RemovalOfOneThatIsWaitedForSettlesIt) {
  Process(100, "/docker/" + kA, 5);
  Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_THAT(Remove(kA), ElementsAre(&binding));
  EXPECT_TRUE(binding.settled);
}

TEST_F(RegistryTest, FindsByNameIdAndPrefix) {
  const std::string other = "ab" + kA.substr(2);
  Process(1, "/docker/" + kA, 5);
  Process(2, "/docker/" + other, 6);
  Upsert(kA, "../../etc");
  Upsert(other, "b\n\xff");
  Binding& a = Seen(HomeOf(5), 1);
  Binding& b = Seen(HomeOf(6), 2);
  EXPECT_EQ(registry_.FindByName("../../etc"), &a);
  EXPECT_EQ(registry_.FindByName("b\n\xff"), &b);
  EXPECT_EQ(registry_.FindByName(kA), &a);
  EXPECT_EQ(registry_.FindByName("aa"), &a);
  EXPECT_EQ(registry_.FindByName("ab"), &b);
  EXPECT_EQ(registry_.FindByName("a"), nullptr);
  EXPECT_EQ(registry_.FindByName("x"), nullptr);
  EXPECT_EQ(registry_.FindByName(""), nullptr);
}

TEST_F(RegistryTest, SeeingAHomeAgainKeepsIt) {
  Process(100, "/", 5);
  Binding& binding = Seen(HomeOf(5), 100, false);
  EXPECT_EQ(&Seen(HomeOf(5), 100, true), &binding);
  EXPECT_TRUE(binding.is_container);
  EXPECT_EQ(registry_.size(), 1U);
}

TEST_F(RegistryTest, AParentThatGoesInACircleEnds) {
  Process(100, "/", 5);
  Process(101, "/", 6);
  Seen(HomeOf(5), 100, true, HomeOf(6));
  Binding& binding = Seen(HomeOf(6), 101, true, HomeOf(5));
  EXPECT_TRUE(registry_.Outermost(binding).is_container);
  Seen(HomeOf(7), 100, true, HomeOf(7));
  registry_.Forget(HomeOf(5));
  registry_.Forget(HomeOf(6));
}

}  // namespace
}  // namespace nsw::container
