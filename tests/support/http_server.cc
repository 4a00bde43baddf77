// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace nsw::test {
namespace {

constexpr int kSliceMs = 20;

void Require(bool ok) {
  if (!ok) abort();
}

UniqueFd ListenOn(const sockaddr* address, socklen_t size) {
  UniqueFd fd(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(fd.valid() && bind(fd.get(), address, size) == 0 && listen(fd.get(), 64) == 0);
  return fd;
}

UniqueFd ListenAt(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  Require(path.size() < sizeof address.sun_path);
  memcpy(address.sun_path, path.data(), path.size());
  unlink(path.c_str());
  return ListenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

UniqueFd ListenOnLoopback(int& port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd = ListenOn(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  Require(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

bool Readable(int fd, int ms) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, ms) > 0;
}

size_t ContentLength(const std::string& headers) {
  const char* found = strcasestr(headers.c_str(), "content-length:");
  return found == nullptr ? 0 : strtoul(found + strlen("content-length:"), nullptr, 10);
}

// False when the client went away in the middle of its request.
bool ReadRequest(int fd, const std::atomic<bool>& stopping, HttpRequest& request) {
  std::string text;
  std::array<char, 4096> part;
  size_t head = std::string::npos;
  for (;;) {
    head = text.find("\r\n\r\n");
    if (head != std::string::npos && text.size() >= head + 4 + ContentLength(text)) break;
    while (!Readable(fd, kSliceMs)) {
      if (stopping) return false;
    }
    const ssize_t n = recv(fd, part.data(), part.size(), 0);
    if (n <= 0) return false;
    text.append(part.data(), static_cast<size_t>(n));
  }
  const size_t line = text.find("\r\n");
  const size_t first = text.find(' ');
  const size_t second = text.find(' ', first + 1);
  if (first > line || second > line) return false;
  request.method = text.substr(0, first);
  request.target = text.substr(first + 1, second - first - 1);
  request.headers = text.substr(line + 2, head - line);
  request.body = text.substr(head + 4);
  return true;
}

}  // namespace

void HttpConnection::Answer(int status, std::string_view body, std::string_view headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Status\r\nConnection: close\r\n";
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  text.append(headers).append("\r\n").append(body);
  Send(text);
}

bool HttpConnection::Send(std::string_view bytes) {
  while (!bytes.empty() && !stopping_) {
    pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&wait, 1, kSliceMs) == 0) continue;
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return !stopping_;
}

bool HttpConnection::Wait(int ms) {
  for (int waited = 0; waited < ms; waited += kSliceMs) {
    if (stopping_) return false;
    if (!Readable(fd_, kSliceMs)) continue;
    char byte;
    if (recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) return false;
  }
  return true;
}

void HttpConnection::Hang() {
  while (Wait(1000)) {
  }
}

HttpServer::HttpServer(Handler handler)
    : handler_(std::move(handler)), listener_(ListenOnLoopback(port_)) {
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::HttpServer(const std::string& socket, Handler handler)
    : handler_(std::move(handler)), listener_(ListenAt(socket)) {
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  acceptor_.join();
  listener_.Reset();
  for (std::thread& connection : connections_) connection.join();
}

void HttpServer::Accept() {
  while (!stopping_) {
    if (!Readable(listener_.get(), kSliceMs)) continue;
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, fd = std::move(client)]() mutable { Serve(std::move(fd)); });
  }
}

void HttpServer::Serve(UniqueFd client) {
  HttpRequest request;
  if (!ReadRequest(client.get(), stopping_, request)) return;
  HttpConnection connection(client.get(), stopping_);
  handler_(request, connection);
  shutdown(client.get(), SHUT_WR);
}

}  // namespace nsw::test
