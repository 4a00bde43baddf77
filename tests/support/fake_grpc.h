// SPDX-License-Identifier: Apache-2.0
// FakeGrpc: a gRPC server on a unix socket, which behaves well or badly. What its methods answer is
// the test's business. Its own methods may be called from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/unique_fd.h"

namespace nsw::test {

struct GrpcRequest {
  std::string method;  ///< "package.Service/Method"
  std::string message;
  std::string space;  ///< header containerd-namespace
};

struct GrpcReply {
  int status = 0;
  std::string message;
  bool endless = false;  ///< what is published from now on is sent, and the end never comes
};

class FakeGrpc {
 public:
  enum class Manner {
    kGood,
    kHang,      ///< takes requests and never answers
    kGigabyte,  ///< one message without end
    kGarbage,   ///< answers bytes that are no HTTP
    kNonsense,  ///< answers messages that cannot be read
    kRefuse     ///< every answer is an error
  };
  using Handler = std::function<GrpcReply(const GrpcRequest&)>;

  /// `handler`: called from threads of the server's. It does not listen yet.
  explicit FakeGrpc(Handler handler);
  ~FakeGrpc();

  void Start();
  void Stop();  ///< ends every connection
  [[nodiscard]] const std::string& socket() const { return socket_; }
  void Behave(Manner manner) { manner_ = manner; }
  [[nodiscard]] Manner manner() const { return manner_; }
  /// Sends a message on every endless answer.
  void Publish(std::string message);
  [[nodiscard]] int subscribers() const { return subscribers_; }

 private:
  friend class GrpcConnection;
  void Accept();

  const Handler handler_;
  std::string folder_;
  std::string socket_;
  std::atomic<Manner> manner_{Manner::kGood};
  std::atomic<int> subscribers_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> published_;
  UniqueFd listener_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace nsw::test
