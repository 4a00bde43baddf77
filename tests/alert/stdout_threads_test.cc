// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/alert/dispatcher.h"
#include "engine/base/unique_fd.h"
#include "tests/support/slowness.h"

namespace nsw::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

Alert WithOutput(std::string output) {
  Alert alert;
  alert.rule = "r";
  alert.output = std::move(output);
  return alert;
}

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read.Reset(fds[0]);
    write.Reset(fds[1]);
  }
  std::string Drain() const {
    fcntl(read.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    char part[4096];
    for (ssize_t n; (n = ::read(read.get(), part, sizeof part)) > 0;)
      text.append(part, static_cast<size_t>(n));
    return text;
  }
  UniqueFd read;
  UniqueFd write;
};

TEST(StdoutSinkTest, WritesWholeLinesAtOnce) {
  const Pipe pipe;
  const auto json = MakeStdoutSink(StdoutFormat::kJson, pipe.write.get());
  ASSERT_TRUE(json->Write(WithOutput("a\nb")));
  const std::string line = pipe.Drain();
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(nlohmann::json::parse(line)["rule"], "r");
  const auto text = MakeStdoutSink(StdoutFormat::kText, pipe.write.get());
  ASSERT_TRUE(text->Write(WithOutput("a\nb")));
  EXPECT_THAT(pipe.Drain(), HasSubstr(" Error r: a\\nb\n"));
}

TEST(StdoutSinkTest, AReaderThatIsGoneIsAnErrorAndNoSignal) {
  Pipe pipe;
  const auto sink = MakeStdoutSink(StdoutFormat::kText, pipe.write.get());
  pipe.read.Reset();
  for (int i = 0; i < 2; i++) {
    const Status status = sink->Write(WithOutput("x"));
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("Broken pipe"));
  }
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(StdoutSinkTest, AClosedDescriptorIsAnError) {
  Pipe pipe;
  const auto sink = MakeStdoutSink(StdoutFormat::kText, pipe.write.get());
  pipe.write.Reset();
  const Status status = sink->Write(WithOutput("x"));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("Bad file descriptor"));
}

TEST(StdoutSinkTest, AReaderThatStoppedCostsAShortWaitAndNoMixedLines) {
  const Pipe pipe;
  const auto sink = MakeStdoutSink(StdoutFormat::kText, pipe.write.get());
  const std::string large(100'000, 'x');
  const auto begin = steady_clock::now();
  EXPECT_FALSE(sink->Write(WithOutput(large)));
  EXPECT_LT(steady_clock::now() - begin, milliseconds(5000) * test::kSlowness);
  const std::string first = pipe.Drain();
  EXPECT_FALSE(first.ends_with('\n'));
  ASSERT_TRUE(sink->Write(WithOutput("next")));
  const std::string second = pipe.Drain();
  EXPECT_TRUE(second.starts_with('\n'));
  EXPECT_TRUE(second.ends_with("r: next\n"));
}

TEST(StdoutSinkTest, StopEndsTheWait) {
  const Pipe pipe;
  const auto sink = MakeStdoutSink(StdoutFormat::kText, pipe.write.get());
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(50));
    sink->Stop();
  });
  const auto begin = steady_clock::now();
  EXPECT_FALSE(sink->Write(WithOutput(std::string(100'000, 'x'))));
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1500) * test::kSlowness);
  stopper.join();
}

}  // namespace
}  // namespace nsw::alert
