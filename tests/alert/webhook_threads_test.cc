// SPDX-License-Identifier: Apache-2.0
// The webhook sink against receivers that work, fail, lie, hang and never stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/alert/dispatcher.h"
#include "tests/support/http_server.h"
#include "tests/support/slowness.h"

namespace nsw::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::HttpConnection;
using test::HttpRequest;
using test::HttpServer;
using testing::HasSubstr;
using testing::Not;

Alert MakeOne() {
  Alert alert;
  alert.rule = "r";
  alert.output = "o";
  return alert;
}

// What came, and the answer to the n-th request.
class Receiver {
 public:
  using Answer = std::function<void(int n, HttpConnection&)>;
  explicit Receiver(Answer answer)
      : answer_(std::move(answer)),
        server_([this](const HttpRequest& request, HttpConnection& connection) {
          int n = 0;
          {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
            n = static_cast<int>(requests_.size());
          }
          answer_(n, connection);
        }) {}
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string url() const { return server_.url(); }

 private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  HttpServer server_;
};

class WebhookTest : public testing::Test {
 protected:
  Status Send(const std::string& url, int timeout_ms = 2000, int attempts = 3) {
    auto sink = MakeWebhookSink({.url = url, .timeout_ms = timeout_ms, .attempts = attempts});
    if (!sink) return tl::unexpected(sink.error());
    const auto begin = steady_clock::now();
    const Status status = (*sink)->Write(MakeOne());
    took_ = steady_clock::now() - begin;
    return status;
  }
  steady_clock::duration took_{};
};

TEST_F(WebhookTest, PostsJson) {
  Receiver receiver([](int, HttpConnection& c) { c.Answer(200, "ok"); });
  ASSERT_TRUE(Send(receiver.url() + "/hook?x=1"));
  ASSERT_EQ(receiver.requests().size(), 1U);
  const HttpRequest request = receiver.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/hook?x=1");
  EXPECT_THAT(request.headers, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(request.headers, Not(HasSubstr("Authorization")));
  EXPECT_EQ(nlohmann::json::parse(request.body)["rule"], "r");
}

TEST_F(WebhookTest, TriesAgainWhenTheReceiverFails) {
  for (const int status : {500, 503, 429}) {
    Receiver receiver([&](int n, HttpConnection& c) { c.Answer(n == 1 ? status : 204, ""); });
    EXPECT_TRUE(Send(receiver.url())) << status;
    EXPECT_EQ(receiver.requests().size(), 2U);
    EXPECT_GE(took_, milliseconds(200));
  }
}

TEST_F(WebhookTest, GivesUpAfterItsAttempts) {
  Receiver receiver([](int, HttpConnection& c) { c.Answer(500, ""); });
  const Status status = Send(receiver.url());
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("status 500"));
  EXPECT_EQ(receiver.requests().size(), 3U);
}

TEST_F(WebhookTest, DoesNotInsistOnWhatIsRefused) {
  for (const int code : {400, 401, 404, 413}) {
    Receiver receiver([&](int, HttpConnection& c) { c.Answer(code, ""); });
    EXPECT_FALSE(Send(receiver.url()));
    EXPECT_EQ(receiver.requests().size(), 1U) << code;
  }
}

TEST_F(WebhookTest, FollowsNoRedirect_A5) {
  Receiver elsewhere([](int, HttpConnection& c) { c.Answer(200, ""); });
  for (const int code : {301, 302, 307, 308}) {
    Receiver receiver([&](int, HttpConnection& c) {
      c.Answer(code, "", "Location: " + elsewhere.url() + "/\r\n");
    });
    const Status status = Send(receiver.url());
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("redirect"));
    EXPECT_EQ(receiver.requests().size(), 1U);
  }
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(WebhookTest, NobodyThereIsTriedAgainAndSaid) {
  std::string url;
  {
    HttpServer gone([](const HttpRequest&, HttpConnection&) {});
    url = gone.url();
  }
  const Status status = Send("http://user:hunter2@" + url.substr(7) + "/hunter2", 500, 2);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr(url));
  EXPECT_THAT(status.error().message, Not(HasSubstr("hunter2")));
  EXPECT_GE(took_, milliseconds(200));
}

TEST_F(WebhookTest, CredentialsOfTheUrlAreUsed) {
  Receiver receiver([](int, HttpConnection& c) { c.Answer(200, ""); });
  ASSERT_TRUE(Send("http://u:p@" + receiver.url().substr(7)));
  EXPECT_THAT(receiver.requests()[0].headers, HasSubstr("Authorization: Basic dTpw\r\n"));
}

TEST_F(WebhookTest, OneThatNeverAnswersCostsItsTimeouts) {
  Receiver receiver([](int, HttpConnection& c) { c.Hang(); });
  const Status status = Send(receiver.url(), 200, 2);
  ASSERT_FALSE(status);
  EXPECT_LT(took_, milliseconds(2500) * test::kSlowness);
  EXPECT_EQ(receiver.requests().size(), 2U);
}

// The answer says that the alert was taken: sending it again would double it.
TEST_F(WebhookTest, AnEndlessAnswerIsCutOffAndCountsByItsStatus) {
  Receiver receiver([](int, HttpConnection& c) {
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (c.Send(std::string(8192, 'x'))) {
    }
  });
  EXPECT_TRUE(Send(receiver.url()));
  EXPECT_LT(took_, milliseconds(1500) * test::kSlowness);
  EXPECT_EQ(receiver.requests().size(), 1U);
}

TEST_F(WebhookTest, ASlowAnswerIsCutOffAndCountsByItsStatus_A5) {
  Receiver receiver([](int, HttpConnection& c) {
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (c.Send("x") && c.Wait(20)) {
    }
  });
  EXPECT_TRUE(Send(receiver.url(), 300));
  EXPECT_LT(took_, milliseconds(2000) * test::kSlowness);
  EXPECT_EQ(receiver.requests().size(), 1U);
}

TEST_F(WebhookTest, EndlessHeadersAreCutOff) {
  Receiver receiver([](int, HttpConnection& c) {
    c.Send("HTTP/1.1 500 No\r\n");
    while (c.Send("X: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EXPECT_FALSE(Send(receiver.url(), 2000, 1));
  EXPECT_LT(took_, milliseconds(1500) * test::kSlowness);
}

TEST_F(WebhookTest, AnAnswerThatIsNoHttpIsAFailure) {
  Receiver receiver([](int, HttpConnection& c) { c.Send("SSH-2.0-OpenSSH_9.2\r\n\x01\xff"); });
  EXPECT_FALSE(Send(receiver.url()));
}

TEST_F(WebhookTest, StopEndsThePausesAndTheHanging) {
  Receiver receiver([](int, HttpConnection& c) { c.Hang(); });
  auto sink = MakeWebhookSink({.url = receiver.url(), .timeout_ms = 60'000, .attempts = 9});
  ASSERT_TRUE(sink);
  std::thread writer([&] { EXPECT_FALSE((*sink)->Write(MakeOne())); });
  std::this_thread::sleep_for(milliseconds(100));
  const auto begin = steady_clock::now();
  (*sink)->Stop();
  writer.join();
  EXPECT_LT(steady_clock::now() - begin, milliseconds(4000) * test::kSlowness);
}

}  // namespace
}  // namespace nsw::alert
