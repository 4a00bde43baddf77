// SPDX-License-Identifier: Apache-2.0
// The podman source on folders like podman's, whole, broken, and made to do harm.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/container/podman_store.h"
#include "tests/container/source_fixture.h"

namespace nsw::container {
namespace {

namespace fs = std::filesystem;

const std::string kWeb(64, 'a');
const std::string kDb(64, 'b');

void Write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  // As podman does it: whole, or not at all.
  std::ofstream(path.string() + ".new") << text;
  fs::rename(path.string() + ".new", path);
}

std::string Entry(const std::string& id, const std::string& name) {
  return R"({"id":")" + id + R"(","names":[")" + name +
         R"("],"image":"77","layer":"x","metadata":"{\"image-name\":\"localhost/demo/web:1\",)"
         R"(\"image-id\":\"77\",\"name\":\")" +
         name + R"(\"}","created":"2026-01-31T12:00:00.5Z"})";
}

class PodmanSourceTest : public SourceTest {
 protected:
  PodmanSourceTest() {
    char path[] = "/tmp/nsw-podman-XXXXXX";
    folder_ = mkdtemp(path);
    fs::create_directories(folder_ / "run");
    fs::create_directories(folder_ / "users");
    fs::create_directories(folder_ / "storage");
    Write(folder_ / "passwd", "");
  }
  ~PodmanSourceTest() override {
    source_.reset();
    fs::remove_all(folder_);
  }
  void Begin() {
    SourceOptions options{.name = "podman files", .runtime = "podman"};
    PodmanFiles files{folder_ / "storage", folder_ / "run", folder_ / "users", folder_ / "passwd"};
    source_ = MakePodmanSource(Quick(options), files, collector_.handler());
  }
  void List(const std::string& entries) {
    Write(folder_ / "storage/overlay-containers/containers.json", "[" + entries + "]");
  }
  void Specify(const std::string& id, const std::string& spec = "{}") {
    Write(folder_ / "storage/overlay-containers" / id / "userdata/config.json", spec);
  }
  void Runs(const std::string& id, int pid) {
    Write(folder_ / "run/overlay-containers" / id / "userdata/pidfile", std::to_string(pid));
  }
  fs::path folder_;
};

TEST_F(PodmanSourceTest, ReadsWhatIsThere) {
  List(Entry(kWeb, "web"));
  Runs(kWeb, getpid());
  Write(folder_ / "storage/overlay-images/images.json", R"([{"id":"76","digest":"sha256:1"},
        {"id":"77","digest":"sha256:99"}])");
  Specify(kWeb, R"({"annotations":{"io.podman.annotations.privileged":"TRUE"},
            "mounts":[{"destination":"/data","source":"/srv","options":["rbind","rslave"]}]})");
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  const Container& web = collector_.there.at(kWeb);
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.runtime, "podman");
  EXPECT_EQ(web.image.repository, "localhost/demo/web");
  EXPECT_EQ(web.image.digest, "sha256:99");
  EXPECT_EQ(web.init_pid, getpid());
  EXPECT_EQ(web.privileged, true);
  EXPECT_EQ(web.mounts, "/srv:/data::true:rslave");
  EXPECT_GT(web.created_ns, 0U);
  EXPECT_EQ(web.owner, 0U);
  EXPECT_TRUE(WaitForState("connected (files of 1 user, 1 container)"));
  EXPECT_EQ(collector_.nameless, 0) << "root's have cgroups of their own";
  ExpectQuickEnd();
}

TEST_F(PodmanSourceTest, AProcessThatIsGoneIsNoInitProcess) {
  List(Entry(kWeb, "web"));
  Specify(kWeb);
  Runs(kWeb, 1 << 29);
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_EQ(collector_.there.at(kWeb).init_pid, 0);
}

TEST_F(PodmanSourceTest, SeesContainersComeStartAndGo) {
  List("");
  fs::create_directories(folder_ / "run/overlay-containers");
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  Specify(kWeb);
  List(Entry(kWeb, "web"));
  ASSERT_TRUE(collector_.WaitForName(kWeb, "web"));
  Runs(kWeb, getppid());
  ASSERT_TRUE(collector_.WaitFor([](auto& c) { return c.there.at(kWeb).init_pid == getppid(); }));
  Specify(kDb);
  List(Entry(kWeb, "renamed") + "," + Entry(kDb, "db"));
  ASSERT_TRUE(collector_.WaitForName(kWeb, "renamed"));
  ASSERT_TRUE(collector_.WaitForName(kDb, "db"));
  List(Entry(kDb, "db"));
  EXPECT_TRUE(collector_.WaitForGone(kWeb));
}

TEST_F(PodmanSourceTest, TellsOfNoneBeforeItsSpecificationIsThere) {
  List(Entry(kWeb, "web"));
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_TRUE(collector_.WaitFor([](auto& c) { return !c.there.contains(kWeb); }));
  Specify(kWeb, R"({"annotations":{"io.podman.annotations.privileged":"TRUE"}})");
  ASSERT_TRUE(collector_.WaitForName(kWeb, "web"));
  EXPECT_EQ(collector_.there.at(kWeb).privileged, true);
}

TEST_F(PodmanSourceTest, AHostWithoutPodmanHoldsNobodyUp) {
  Begin();
  EXPECT_TRUE(collector_.WaitForSync());
  EXPECT_TRUE(WaitForState("not there: "));
  Specify(kWeb);
  List(Entry(kWeb, "web"));
  EXPECT_TRUE(collector_.WaitForName(kWeb, "web"));
  ExpectQuickEnd();
}

TEST_F(PodmanSourceTest, AUsersContainersAreHis) {
  constexpr uid_t kUser = 12345;
  const fs::path home = folder_ / "home";
  const fs::path storage = home / ".local/share/containers/storage/overlay-containers";
  Write(folder_ / "passwd", "who:x:1:1::/:/x\nme:x:12345:1::" + home.string() + ":/bin/sh\n");
  Write(storage / "containers.json", "[" + Entry(kWeb, "evil") + "," + Entry(kDb, "mine") + "]");
  Write(folder_ / "users/12345/containers/overlay-containers" / kDb / "userdata/pidfile",
        std::to_string(getpid()));
  for (const fs::path& root : {home, folder_ / "users/12345"}) {
    ASSERT_EQ(chown(root.c_str(), kUser, kUser), 0);
    for (const auto& entry : fs::recursive_directory_iterator(root))
      ASSERT_EQ(chown(entry.path().c_str(), kUser, kUser), 0);
  }
  List(Entry(kWeb, "web"));
  Specify(kWeb);
  Begin();
  ASSERT_TRUE(collector_.WaitForSync());
  EXPECT_EQ(collector_.there.at(kWeb).name, "web") << "root's word goes before his";
  EXPECT_EQ(collector_.there.at(kWeb).owner, 0U);
  EXPECT_EQ(collector_.there.at(kDb).owner, kUser);
  EXPECT_EQ(collector_.there.at(kDb).init_pid, getpid());
  EXPECT_EQ(collector_.nameless, 1) << "a user may not make cgroups";
  EXPECT_TRUE(WaitForState("files of 2 users"));
}

TEST(PodmanStore, TakesWhatIsWhole) {
  const auto all =
      podman::ParseContainers("[" + Entry(kWeb, "web") + R"(,{"id":"../../etc"},{"id":")" + kDb +
                              R"(","names":["db"]},{"id":")" + kWeb);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].image_name, "localhost/demo/web:1");
  EXPECT_EQ(all[1].name, "db");
  EXPECT_EQ(all[1].image_name, "");
}

class UserFolderTest : public testing::Test {
 protected:
  UserFolderTest() {
    char path[] = "/tmp/nsw-user-XXXXXX";
    folder_ = mkdtemp(path);
    fs::create_directories(folder_ / "sub");
    Write(folder_ / "sub/good", "text");
  }
  ~UserFolderTest() override { fs::remove_all(folder_); }
  std::string Read(const std::string& path, size_t max = 100) {
    const auto folder = UserFolder::Open(folder_, geteuid());
    if (!folder) return "cannot open";
    return folder->Read(path, max).value_or("refused");
  }
  fs::path folder_;
};

TEST_F(UserFolderTest, ReadsAPlainFile) { EXPECT_EQ(Read("sub/good"), "text"); }

TEST_F(UserFolderTest, FollowsNoLinks) {
  fs::create_symlink("good", folder_ / "sub/link");
  fs::create_symlink("sub", folder_ / "folder");
  EXPECT_EQ(Read("sub/link"), "refused");
  EXPECT_EQ(Read("folder/good"), "refused");
  EXPECT_EQ(Read("../" + folder_.filename().string() + "/sub/good"), "refused");
}

TEST_F(UserFolderTest, WaitsForNothing) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Read("pipe"), "refused");
  EXPECT_EQ(Read("sub"), "refused");
}

TEST_F(UserFolderTest, ReadsNothingLarge) {
  Write(folder_ / "large", std::string(101, 'x'));
  EXPECT_EQ(Read("large"), "refused");
  fs::resize_file(folder_ / "large", 1ULL << 40);
  EXPECT_EQ(Read("large", 8U << 20), "refused");
}

TEST_F(UserFolderTest, ReadsOnlyWhatBelongsToTheOwner) {
  ASSERT_EQ(chown((folder_ / "sub/good").c_str(), 12345, 12345), 0);
  EXPECT_EQ(Read("sub/good"), "refused");
  EXPECT_FALSE(UserFolder::Open(folder_, 12345));
}

}  // namespace
}  // namespace nsw::container
