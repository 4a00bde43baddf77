// SPDX-License-Identifier: Apache-2.0
// Alerts as lines on standard output, which may be a terminal, a file, a pipe or a socket, and
// whose reader may be slow, stopped or gone. A line goes out whole or is a counted loss.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "engine/alert/dispatcher.h"

namespace nsw::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// To a pipe that is writable at all, no more than this can be written without waiting.
constexpr size_t kPartMax = 4096;
constexpr milliseconds kPatience{2000};
constexpr milliseconds kSlice{100};

// While one lives, a write to a pipe without reader is an error and nothing worse.
class NoSigPipe {
 public:
  NoSigPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigPipe() {
    if (sigismember(&before_, SIGPIPE) == 1) return;
    const timespec now{};
    while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigPipe(const NoSigPipe&) = delete;
  NoSigPipe& operator=(const NoSigPipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

class StdoutSink final : public Sink {
 public:
  StdoutSink(StdoutFormat format, int fd)
      : format_(format), fd_(fd), colour_(isatty(fd) == 1 && getenv("NO_COLOR") == nullptr) {}

  std::string name() const override { return "stdout"; }
  void Stop() override { stopped_ = true; }

  Status Write(const Alert& alert) override {
    const NoSigPipe guard;
    std::string line = broken_ ? "\n" : "";  // what was begun before must not run into this one
    line += format_ == StdoutFormat::kJson ? ToJson(alert) : ToLine(alert, colour_);
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
      const Status written = WritePart(rest);
      if (written) continue;
      broken_ = broken_ || rest.size() != line.size();
      return written;
    }
    broken_ = false;
    return {};
  }

 private:
  Status WritePart(std::string_view& rest) {
    if (const Status ready = WaitWritable(); !ready) return ready;
    const ssize_t n = write(fd_, rest.data(), std::min(rest.size(), kPartMax));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n < 0) return FailErrno("stdout", errno);
    rest.remove_prefix(static_cast<size_t>(n));
    return {};
  }

  // The descriptor is shared with whoever started us, so it cannot be made non-blocking.
  Status WaitWritable() const {
    const auto deadline = steady_clock::now() + kPatience;
    do {
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      const int n = poll(&wait, 1, static_cast<int>(kSlice.count()));
      if (n > 0) return (wait.revents & POLLNVAL) != 0 ? FailErrno("stdout", EBADF) : Status{};
      if (n < 0 && errno != EINTR) return FailErrno("stdout", errno);
    } while (!stopped_ && steady_clock::now() < deadline);
    return Fail("stdout: nobody reads it");
  }

  const StdoutFormat format_;
  const int fd_;
  const bool colour_;
  bool broken_ = false;  // a line was begun and not ended
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Sink> MakeStdoutSink(StdoutFormat format, int fd) {
  return std::make_unique<StdoutSink>(format, fd);
}

}  // namespace nsw::alert
