// SPDX-License-Identifier: Apache-2.0
#include "engine/base/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "engine/base/unique_fd.h"

namespace nsw {
namespace {

class NotifyTest : public testing::Test {
 protected:
  ~NotifyTest() override { unsetenv("NOTIFY_SOCKET"); }

  // Binds `name` as the manager would.
  UniqueFd Manager(const std::string& name) {
    UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    return fd;
  }

  static std::string Received(const UniqueFd& fd) {
    std::array<char, 64> room{};
    const ssize_t size = recv(fd.get(), room.data(), room.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(room.data(), static_cast<size_t>(size));
  }
};

TEST_F(NotifyTest, TellsASocketInTheFileSystem) {
  const std::string name = testing::TempDir() + "notify." + std::to_string(getpid());
  const UniqueFd manager = Manager(name);
  NotifyManager("READY=1");
  EXPECT_EQ(Received(manager), "READY=1");
  unlink(name.c_str());
}

TEST_F(NotifyTest, TellsAnAbstractSocket) {
  const UniqueFd manager = Manager("@nswarden-notify-" + std::to_string(getpid()));
  NotifyManager("STOPPING=1");
  EXPECT_EQ(Received(manager), "STOPPING=1");
}

TEST_F(NotifyTest, TheWatchdogIsToldWhereItWaitsForThisProcess) {
  const UniqueFd manager = Manager("@nswarden-watchdog-" + std::to_string(getpid()));
  NotifyWatchdog();
  EXPECT_EQ(Received(manager), "nothing");
  setenv("WATCHDOG_USEC", "3000000", 1);
  NotifyWatchdog();
  EXPECT_EQ(Received(manager), "WATCHDOG=1");
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  NotifyWatchdog();
  EXPECT_EQ(Received(manager), "WATCHDOG=1");
  setenv("WATCHDOG_PID", "1", 1);
  NotifyWatchdog();
  EXPECT_EQ(Received(manager), "nothing");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

TEST_F(NotifyTest, SurvivesAManagerThatIsNotThere) {
  setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  NotifyManager("READY=1");
  setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  NotifyManager("READY=1");
  unsetenv("NOTIFY_SOCKET");
  NotifyManager("READY=1");
}

}  // namespace
}  // namespace nsw
