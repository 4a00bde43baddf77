// SPDX-License-Identifier: Apache-2.0
// Containers in containers, and whose word holds for which.
#include "tests/container/registry_fixture.h"

namespace nsw::container {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

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
  EXPECT_TRUE(third.settled) << "no runtime of this host will ever tell of it";
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

// A user without root says what he likes of containers; it holds for his own processes only.
TEST_F(RegistryTest, AUsersWordHoldsForHisOwnContainersOnly) {
  constexpr uid_t kUser = 1000;
  const auto claim = [&](const std::string& id, const std::string& name) {
    Change change;
    change.container.id = id;
    change.container.name = name;
    change.container.runtime = "podman";
    change.container.owner = kUser;
    return registry_.Apply(change, now_);
  };
  Upsert(kA, "web");
  Process(100, "/docker/" + kA, 5);
  const Binding& web = Seen(HomeOf(5), 100);
  EXPECT_THAT(claim(kA, "evil"), IsEmpty());
  EXPECT_EQ(web.container.name, "web");

  // Told before root's runtime does.
  claim(kB, "evil");
  Process(101, "/docker/" + kB, 6);
  Binding& db = Seen(HomeOf(6), 101);
  EXPECT_FALSE(db.container.known());
  EXPECT_THAT(Upsert(kB, "db"), ElementsAre(&db));
  EXPECT_EQ(db.container.name, "db");
  Change gone{Change::Kind::kRemoved, {}};
  gone.container.id = kB;
  gone.container.owner = kUser;
  EXPECT_THAT(registry_.Apply(gone, now_), IsEmpty());
  EXPECT_FALSE(db.removed);

  // Nor can he free a nested one of its outer one's policies.
  const std::string nested(64, 'd');
  claim(nested, "free");
  Process(103, "/docker/" + kA + "/docker/" + nested, 8);
  EXPECT_EQ(Seen(HomeOf(8), 103).container.name, "web/" + nested.substr(0, 12));

  const std::string mine(64, 'e');
  claim(mine, "mine");
  Process(102, "/user.slice/libpod-" + mine + ".scope", 7);
  facts_.owners[102] = kUser;
  EXPECT_EQ(Seen(HomeOf(7), 102).container.name, "mine");
}

}  // namespace
}  // namespace nsw::container
