// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/webhook_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/alert/dispatcher.h"

namespace nsw::alert {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(WebhookUrlTest, NamesTheOriginAndNoSecret) {
  const auto origin = WebhookOrigin("https://user:hunter2@hooks.corp:8443/T00/secret?token=x#y");
  ASSERT_TRUE(origin);
  EXPECT_EQ(*origin, "https://hooks.corp:8443");
  EXPECT_EQ(WebhookOrigin("http://[::1]/x").value(), "http://[::1]");
}

TEST(WebhookUrlTest, RefusesWhatIsNoWebAddressWithoutQuotingIt) {
  for (const char* url : {"", "hunter2", "ftp://u:hunter2@h/", "file:///etc/hunter2", "://hunter2",
                          "http://", "http://a b/hunter2", "http://h:99999/hunter2",
                          "http://u:hunter2@/", "https://h\n/hunter2", "gopher://hunter2"}) {
    const auto sink = MakeWebhookSink({.url = url});
    ASSERT_FALSE(sink) << url;
    EXPECT_THAT(sink.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(WebhookUrlTest, RefusesLimitsThatAreNone) {
  EXPECT_FALSE(MakeWebhookSink({.url = "http://h/", .timeout_ms = 0}));
  EXPECT_FALSE(MakeWebhookSink({.url = "http://h/", .attempts = 0}));
}

}  // namespace
}  // namespace nsw::alert
