// SPDX-License-Identifier: Apache-2.0
// HttpServer: a small server that tests let behave badly. It speaks enough HTTP/1.1 for one request
// on each connection; what is answered, how slowly and how much is the handler's business.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "engine/base/unique_fd.h"

namespace nsw::test {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string headers;  ///< as they came, lines ended by \r\n
  std::string body;
};

/// The way back to the client; valid during the handler's call.
class HttpConnection {
 public:
  HttpConnection(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}

  /// A whole answer.
  void Answer(int status, std::string_view body, std::string_view headers = "");
  /// Raw bytes. False once the client is gone or the server stops.
  bool Send(std::string_view bytes);
  /// Waits. False once the client is gone or the server stops.
  bool Wait(int ms);
  /// Waits for as long as there is a client.
  void Hang();

 private:
  int fd_;
  const std::atomic<bool>& stopping_;
};

class HttpServer {
 public:
  /// Called from a thread of each connection.
  using Handler = std::function<void(const HttpRequest&, HttpConnection&)>;

  /// On the loopback, at a free port.
  explicit HttpServer(Handler handler);
  /// On a unix socket; a socket file that is there is replaced.
  HttpServer(const std::string& socket, Handler handler);
  ~HttpServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void Accept();
  void Serve(UniqueFd client);

  Handler handler_;
  int port_ = 0;  // before the listener, which sets it
  UniqueFd listener_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace nsw::test
