// SPDX-License-Identifier: Apache-2.0
#include "tests/container/registry_fixture.h"

namespace nsw::container {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

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

TEST_F(RegistryTest, WhatTheRuntimeHasNotSaidOfPrivilegesTheProcessTells) {
  Upsert(kA, "web");
  Process(100, "/docker/" + kA, 5);
  EXPECT_EQ(Seen(HomeOf(5), 100).container.privileged, false);
  Upsert(kB, "root");
  facts_.privileged.insert(200);
  Process(200, "/docker/" + kB, 6);
  Binding& binding = Seen(HomeOf(6), 200);
  EXPECT_EQ(binding.container.privileged, true);
  Container told{.id = kB, .name = "root", .runtime = "docker", .privileged = false};
  EXPECT_THAT(registry_.Apply({.container = told}, now_), ElementsAre(&binding));
  EXPECT_EQ(binding.container.privileged, false) << "the runtime's word goes first";
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

TEST_F(RegistryTest, TheKernelTellsTheCgroupOfAProcessThatIsGone_I10) {
  Upsert(kA, "web");
  Gone(100);
  const Binding& binding =
      registry_.SeenHome(HomeOf(5), 0, 100, true, now_, nullptr, "/docker/" + kA);
  EXPECT_EQ(binding.container.name, "web");
  EXPECT_TRUE(binding.settled);
}

TEST_F(RegistryTest, TheKernelsWordGoesBeforeThatOfAProcessIdUsedAgain_X12) {
  Upsert(kA, "web");
  Upsert(kB, "other");
  Process(100, "/docker/" + kB + "/docker/" + kB.substr(1) + "c", 9);
  EXPECT_EQ(
      registry_.SeenHome(HomeOf(5), 0, 100, true, now_, nullptr, "/docker/" + kA).container.name,
      "web");
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

TEST_F(RegistryTest, WhatFilesDoNotTellIsNotForgotten) {
  Change whole;
  whole.container.id = kA;
  whole.container.name = "web";
  whole.container.runtime = "podman";
  whole.container.labels = {{"app", "shop"}, {"tier", "front"}};
  registry_.Apply(whole, now_);
  Change partial = whole;
  partial.container.partial = true;
  partial.container.labels.clear();
  partial.container.name = "renamed";
  registry_.Apply(partial, now_);
  Process(100, "/libpod-" + kA + ".scope", 5);
  const Binding& binding = Seen(HomeOf(5), 100);
  EXPECT_EQ(binding.container.name, "renamed");
  EXPECT_EQ(binding.container.labels_text, "app:shop,tier:front");
}

// containerd's containers may have any cgroup: only the init process tells.
TEST_F(RegistryTest, WaitsForARuntimeWhoseCgroupsNameNobody) {
  Process(100, "/default/web", 5);
  EXPECT_TRUE(Seen(HomeOf(5), 100).settled) << "no such runtime is here";
  registry_.Apply({Change::Kind::kNameless, {}}, now_);
  Process(101, "/default/db", 6);
  Binding& db = Seen(HomeOf(6), 101);
  EXPECT_FALSE(db.settled);
  EXPECT_THAT(Upsert("default/db", "db", 101), ElementsAre(&db));
  EXPECT_TRUE(db.settled);
  EXPECT_EQ(db.container.name, "db");
  Process(104, "/default/quick", 9);
  Binding& quick = Seen(HomeOf(9), 104);
  Gone(104);
  EXPECT_THAT(Upsert("default/quick", "quick", 104), ElementsAre(&quick)) << "it ended already";
  EXPECT_EQ(quick.container.name, "quick");
  Process(102, "/system.slice/x.service", 7);
  EXPECT_TRUE(Seen(HomeOf(7), 102, false).settled) << "a service of the host";
  Process(103, "/default/unclaimed", 8);
  Binding& unclaimed = Seen(HomeOf(8), 103);
  EXPECT_THAT(registry_.Settle(now_ + 2 * kSecond, 2 * kSecond), ElementsAre(&unclaimed));
}

}  // namespace
}  // namespace nsw::container
