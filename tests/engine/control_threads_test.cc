// SPDX-License-Identifier: Apache-2.0
// The control socket, over a real one. Whom it does not know it refuses: most of this needs root.
#include "engine/control.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "engine/work_queue.h"

namespace nsw {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "the socket answers root alone";
    std::filesystem::create_directory(dir_);
    Listen([this](const json& request, const Peer& peer) {
      asked_++;
      peer_pid_ = peer.pid;
      return json{{"echo", request}};
    });
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Listen(ControlServer::Handler handler) {
    server_.reset();
    auto server = ControlServer::Listen(path_, std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  [[nodiscard]] UniqueFd Connect() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
  }
  static void Send(const UniqueFd& fd, const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t n = send(fd.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has had enough
      at += static_cast<size_t>(n);
    }
  }
  static std::string Receive(const UniqueFd& fd) {
    std::string all;
    char room[4096];
    for (ssize_t n; (n = recv(fd.get(), room, sizeof room, 0)) > 0;)
      all.append(room, static_cast<size_t>(n));
    return all;
  }
  std::string Exchange(const std::string& text) const {
    const UniqueFd fd = Connect();
    Send(fd, text);
    return Receive(fd);
  }
  void ExpectAlive() const {
    const auto answer = ControlCall(path_, {{"verb", "ps"}});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ((*answer)["echo"]["verb"], "ps");
  }

  std::filesystem::path dir_ = testing::TempDir() + "nsw-control-" + std::to_string(getpid());
  std::filesystem::path path_ = dir_ / "control.sock";
  std::atomic<int> asked_ = 0;
  std::atomic<uint32_t> peer_pid_ = 0;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlTest, AnswersWhoAsks) {
  const auto answer = ControlCall(path_, {{"verb", "status"}, {"n", 5}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["echo"]["n"], 5);
  EXPECT_EQ(peer_pid_, static_cast<uint32_t>(getpid()));
}

TEST_F(ControlTest, RootAloneMayOpenIt) {
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ControlTest, LeavesTheUmaskAlone) {
  const mode_t before = umask(0022);
  Listen([](const json&, const Peer&) { return json::object(); });
  EXPECT_EQ(umask(before), 0022U);
}

TEST_F(ControlTest, GarbageIsToldSo) {
  for (const std::string text :
       {"\n", "{\n", "[1]\n", "5\n", "\"verb\"\n", "\xff\xfe\n", "{\"a\":1} x\n"}) {
    EXPECT_NE(Exchange(text).find("not one JSON object"), std::string::npos) << text;
  }
  EXPECT_NE(Exchange(std::string("\0\0\n", 3)).find("not one JSON object"), std::string::npos);
  EXPECT_EQ(asked_, 0);
  ExpectAlive();
}

TEST_F(ControlTest, DeepNestingIsNoDanger) {
  EXPECT_NE(Exchange(std::string(60'000, '[') + '\n').find("error"), std::string::npos);
  ExpectAlive();
}

TEST_F(ControlTest, AnOversizedRequestIsRefused) {
  const UniqueFd fd = Connect();
  Send(fd, "{\"verb\":\"" + std::string(1 << 20, 'x') + "\"}\n");
  Receive(fd);  // the answer may be lost in the reset of what was not read
  EXPECT_EQ(asked_, 0);
  ExpectAlive();
}

TEST_F(ControlTest, ARequestMayComeInPieces) {
  const UniqueFd fd = Connect();
  for (const char* piece : {"{\"verb\"", ":", "\"ps\"}", "\n"}) {
    Send(fd, piece);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_NE(Receive(fd).find("\"echo\""), std::string::npos);
}

TEST_F(ControlTest, APeerThatLeavesEarlyIsForgotten) {
  { const UniqueFd fd = Connect(); }
  {
    const UniqueFd fd = Connect();
    Send(fd, "{\"verb\":");
  }
  {
    const UniqueFd fd = Connect();
    Send(fd, "{\"verb\":\"ps\"}\n");
  }
  ExpectAlive();
}

TEST_F(ControlTest, BytesThatAreNotUtf8AreReplaced) {
  Listen([](const json&, const Peer&) { return json{{"name", "a\xff\nb"}}; });
  const auto answer = ControlCall(path_, json::object());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["name"], "a\xEF\xBF\xBD\nb");
}

TEST_F(ControlTest, ALargeAnswerIsWhole) {
  const std::string large(5 << 20, 'x');
  Listen([&](const json&, const Peer&) { return json{{"large", large}}; });
  const auto answer = ControlCall(path_, json::object());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["large"].get<std::string>().size(), large.size());
}

TEST_F(ControlTest, WhatTheHandlerThrowsIsAnErrorAndNoEnd) {
  Listen([](const json& request, const Peer&) -> json {
    if (request.contains("fail"))
      return {{"n", request.at("fail").get<int>()}};  // of a text: throws
    return {{"echo", request}};
  });
  const auto answer = ControlCall(path_, {{"fail", "text"}});
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("failed at this request"), std::string::npos);
  ExpectAlive();
}

TEST_F(ControlTest, TheDaemonsErrorIsTheCallers) {
  Listen([](const json&, const Peer&) { return json{{"error", "no such container"}}; });
  const auto answer = ControlCall(path_, json::object());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "no such container");
}

TEST_F(ControlTest, StoppingWaitsForNoPeer) {
  const UniqueFd idle = Connect();
  const UniqueFd slow = Connect();
  Send(slow, "{");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the server reads from the first
  const auto before = Clock::now();
  server_.reset();
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5)) << "the patience with a peer is ten";
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlTest, StoppingWaitsForNoPeerThatDoesNotRead) {
  const std::string large(1 << 20, 'x');
  Listen([&](const json&, const Peer&) { return json{{"large", large}}; });
  const UniqueFd fd = Connect();
  Send(fd, "{}\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto before = Clock::now();
  server_.reset();
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5)) << "the patience with a peer is ten";
}

// As the daemon does: the handler asks the thread that stops the server.
TEST_F(ControlTest, StoppingDuringARequestEnds) {
  std::atomic<bool> asking = false;
  WorkQueue queue([&] { asking = true; });
  Listen([&](const json&, const Peer&) {
    const auto answer = queue.Ask([] { return 1; });
    return answer ? json{{"n", *answer}} : json{{"error", "stopping"}};
  });
  const UniqueFd fd = Connect();
  Send(fd, "{}\n");
  while (!asking) std::this_thread::yield();
  queue.Close();
  server_.reset();
  SUCCEED() << "a deadlock would have hung";
}

TEST_F(ControlTest, TakesThePlaceOfAnEngineThatWasKilled) {
  server_.reset();
  {
    const UniqueFd stale(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Listen([](const json& request, const Peer&) { return json{{"echo", request}}; });
  ExpectAlive();
}

// `nswarden stop`: the engine takes the server down while the answer is on its way.
TEST_F(ControlTest, AnswersTheRequestThatEndsTheServer) {
  std::atomic<bool> asked = false;
  Listen([&](const json&, const Peer&) {
    asked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the end has begun by then
    return json{{"stops", true}};
  });
  std::thread engine([&] {
    while (!asked) std::this_thread::yield();
    server_.reset();
  });
  const auto answer = ControlCall(path_, {{"verb", "stop"}});
  engine.join();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["stops"], true);
}

TEST(ControlCall, SaysWhenThereIsNoEngine) {
  const auto answer = ControlCall("/nonexistent/control.sock", json::object());
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("is the engine running?"), std::string::npos);
  const std::string long_path = '/' + std::string(200, 'x');
  EXPECT_NE(ControlCall(long_path, json::object()).error().message.find("too long"),
            std::string::npos);
}

TEST(ControlServer, SaysWhenItCannotListen) {
  const auto server = ControlServer::Listen("/nonexistent/control.sock", nullptr);
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace nsw
