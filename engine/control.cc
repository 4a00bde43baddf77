// SPDX-License-Identifier: Apache-2.0
#include "engine/control.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace nsw {
namespace {

constexpr size_t kLineMax = 16U << 20;  // an answer of `ps` on a large host
constexpr size_t kRequestMax = 64U << 10;
constexpr int kNoStop = -1;

Result<sockaddr_un> Address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return Fail(path.string() + ": too long for a unix socket");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

using Deadline = std::chrono::steady_clock::time_point;

Deadline Patience() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

// What a new policy refuses may need programs that the kernel has to check first: a second, and on
// a machine that is overloaded many.
constexpr std::chrono::seconds kAnswer{120};

// Waits until `fd` is ready. False: the deadline came, or `stop` (-1: none) was signalled.
bool Ready(int fd, short events, int stop, Deadline deadline) {
  std::array<pollfd, 2> watched{{{.fd = fd, .events = events}, {.fd = stop, .events = POLLIN}}};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const int n = poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) return watched[1].revents == 0;
  }
}

// Up to a newline; what was read before the peer closed or a limit came is returned without one.
std::string ReadLine(int fd, size_t limit, int stop, Deadline deadline) {
  std::string line;
  std::array<char, 4096> room;
  while (line.size() < limit && Ready(fd, POLLIN, stop, deadline)) {
    const ssize_t n = recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    line.append(room.data(), static_cast<size_t>(n));
    if (std::memchr(room.data(), '\n', static_cast<size_t>(n)) != nullptr) break;
  }
  return line;
}

bool WriteLine(int fd, const nlohmann::json& value, int stop, Deadline deadline) {
  const std::string line =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  for (size_t at = 0; at < line.size();) {
    const ssize_t n = send(fd, line.data() + at, line.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) at += static_cast<size_t>(n);
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    // Waiting ends when the server is stopped; what needs no waiting is sent: the answer to `stop`.
    if (n == 0 || errno != EAGAIN || !Ready(fd, POLLOUT, stop, deadline)) return false;
  }
  return true;
}

nlohmann::json Refusal(std::string why) { return {{"error", std::move(why)}}; }

nlohmann::json Handle(const ControlServer::Handler& handler, const std::string& line,
                      const Peer& peer) {
  const auto request = nlohmann::json::parse(line, nullptr, false);
  if (!request.is_object()) return Refusal("the request is not one JSON object in a line");
  try {
    return handler(request, peer);
  } catch (const std::exception& error) {  // the engine goes on
    return Refusal(std::string("the engine failed at this request: ") + error.what());
  }
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::Listen(std::filesystem::path path,
                                                             Handler handler) {
  const auto address = Address(path);
  if (!address) return tl::unexpected(address.error());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  if (!fd.valid() || !stop.valid()) return FailErrno("control socket", errno);
  unlink(path.c_str());  // of an engine that was killed; the lock says that there is no other
  // The socket's own mode is what bind gives its name. The umask would be the other threads', too.
  if (fchmod(fd.get(), 0600) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      listen(fd.get(), 8) != 0)
    return FailErrno(path.string(), errno);
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(path), std::move(fd), std::move(stop), std::move(handler)));
}

ControlServer::ControlServer(std::filesystem::path path, UniqueFd socket, UniqueFd stop,
                             Handler handler)
    : path_(std::move(path)),
      socket_(std::move(socket)),
      stop_(std::move(stop)),
      handler_(std::move(handler)) {
  thread_ = std::thread([this] { Serve(); });
}

ControlServer::~ControlServer() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(stop_.get(), &one, sizeof one);
  thread_.join();
  unlink(path_.c_str());
}

void ControlServer::Serve() {
  std::array<pollfd, 2> watched{
      {{.fd = socket_.get(), .events = POLLIN}, {.fd = stop_.get(), .events = POLLIN}}};
  while (poll(watched.data(), watched.size(), -1) >= 0 || errno == EINTR) {
    if (watched[1].revents != 0) return;
    if (watched[0].revents == 0) continue;
    const UniqueFd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.valid()) {
      Answer(connection);
    } else {  // no descriptor free: the peer still waits, so poll would not
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

void ControlServer::Answer(const UniqueFd& connection) {
  const int fd = connection.get();
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != 0) {
    WriteLine(fd, Refusal("only root may control the engine"), stop_.get(), Patience());
    return;
  }
  const std::string line = ReadLine(fd, kRequestMax, stop_.get(), Patience());
  const Peer peer{who.uid, static_cast<uint32_t>(who.pid)};
  WriteLine(fd, Handle(handler_, line, peer), stop_.get(), Patience());
}

Result<nlohmann::json> ControlCall(const std::filesystem::path& path,
                                   const nlohmann::json& request) {
  const auto address = Address(path);
  if (!address) return tl::unexpected(address.error());
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 10, .tv_usec = 0};  // for a server that accepts nobody
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    const int code = errno;
    const char* hint =
        code == EACCES ? "; run as root"
                       : "; is the engine running? start it with `systemctl start nswarden`, or "
                         "from a clone with `sudo tools/run`";
    return Fail(path.string() + ": " + std::strerror(code) + hint);
  }
  if (!WriteLine(fd.get(), request, kNoStop, Patience())) {
    return Fail(path.string() + ": the engine does not take the request");
  }
  const Deadline deadline = std::chrono::steady_clock::now() + kAnswer;
  auto answer =
      nlohmann::json::parse(ReadLine(fd.get(), kLineMax, kNoStop, deadline), nullptr, false);
  if (!answer.is_object())
    return Fail(path.string() + ": the engine gave no answer in two minutes");
  if (answer.contains("error") && answer["error"].is_string())
    return Fail(answer["error"].get<std::string>());
  return answer;
}

}  // namespace nsw
