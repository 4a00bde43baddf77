// SPDX-License-Identifier: Apache-2.0
// UnixHttp: requests over a unix socket (libcurl), one long answer read piece by piece beside short
// ones read whole. HTTP/1.1, whose pieces are lines, or HTTP/2 as gRPC has it, whose pieces are
// messages (grpc.h). Used by the runtime sources, each from its one thread; Stop alone may be
// called from any. Every wait has a bound, every answer a limit: the other side may hang, lie and
// talk for ever.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace nsw::container {

struct HttpLimits {
  long connect_timeout_ms = 3000;
  long timeout_ms = 10'000;           ///< of a whole short answer
  size_t answer_max = 8U << 20;       ///< bytes; what follows is not read
  size_t headers_max = 64U << 10;     ///< bytes
  size_t line_max = 1U << 20;         ///< bytes; a longer line is dropped
  size_t lines_bytes_max = 8U << 20;  ///< bytes waiting to be taken; what follows is dropped
};

struct HttpRequest {
  std::string path;
  bool grpc = false;                   ///< POST by HTTP/2, without a prelude in HTTP/1.1
  std::string body{};                  ///< of a gRPC call
  std::vector<std::string> headers{};  ///< "name: value"
};

struct HttpAnswer {
  long status = 0;
  std::string body;
  bool cut = false;    ///< longer than answer_max: the beginning of it
  std::string server;  ///< what the header Server says: "Libpod/4.3.1 (linux)"
  /// What a gRPC server says at the end; -1: nothing.
  int grpc_status = -1;
  std::string grpc_message;
};

/// Why there is no answer.
struct HttpError {
  /// kAbsent: nobody listens on that socket, or not to this. kOdd: an answer that makes no sense.
  enum class Kind { kAbsent, kTimeout, kOdd, kOther, kStopped };
  Kind kind = Kind::kOther;
  std::string message;
  int grpc_status = 0;  ///< of a call that was answered with an error
};

using Outcome = tl::expected<void, HttpError>;

class UnixHttp {
 public:
  UnixHttp(std::string socket, HttpLimits limits);
  ~UnixHttp();
  UnixHttp(const UnixHttp&) = delete;
  UnixHttp& operator=(const UnixHttp&) = delete;

  /// A whole answer, of any status. Lines of the stream that come meanwhile are kept.
  tl::expected<HttpAnswer, HttpError> Ask(const HttpRequest& request);
  tl::expected<HttpAnswer, HttpError> Get(const std::string& path) { return Ask({.path = path}); }

  using LineHandler = std::function<void(const std::string&)>;

  /// Asks for an endless answer and waits for its headers; not so for gRPC, where they come with
  /// the first message. Replaces the stream before. `early` sees each line as soon as it comes,
  /// while another answer is waited for, too; it must not ask.
  Outcome OpenStream(const HttpRequest& request, LineHandler early = {});
  void CloseStream();
  [[nodiscard]] bool stream_ended() const;
  [[nodiscard]] bool has_stream() const { return stream_ != nullptr; }
  /// Waits until a line (of gRPC: a message) is there, the stream ended (an error) or `timeout` is
  /// over.
  Outcome WaitLine(std::chrono::milliseconds timeout);
  /// Takes the next line; false if none is there.
  bool TakeLine(std::string& line);
  /// True once after lines were dropped.
  bool TakeMissed();

  /// Of the answers that are asked for from now on.
  void SetTimeout(long timeout_ms) { limits_.timeout_ms = timeout_ms; }

  /// Waits, as before a new attempt; Stop ends it, and so does `fd` when it can be read.
  void Sleep(std::chrono::milliseconds time, int fd = -1);
  /// Ends every wait, now and from now on. From any thread.
  void Stop();
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  struct Transfer;
  using Deadline = std::chrono::steady_clock::time_point;

  std::unique_ptr<Transfer> Begin(const HttpRequest& request, bool stream);
  void Move();
  bool Wait(Deadline deadline, int fd = -1);
  void CollectEnded();
  [[nodiscard]] HttpError ErrorOf(const Transfer& transfer) const;
  static size_t OnHeader(char* data, size_t size, size_t count, void* transfer);
  static size_t OnBody(char* data, size_t size, size_t count, void* transfer);
  void AddToLines(Transfer& transfer, std::string_view part);
  void AddToMessages(Transfer& transfer, std::string_view part);
  void EndLine(Transfer& transfer);

  std::string socket_;
  HttpLimits limits_;
  CURLM* multi_;
  std::atomic<bool> stopped_{false};
  std::unique_ptr<Transfer> stream_;
  LineHandler early_;
  std::deque<std::string> lines_;
  size_t lines_bytes_ = 0;
  bool missed_ = false;
};

}  // namespace nsw::container
