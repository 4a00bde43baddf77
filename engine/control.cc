// SPDX-License-Identifier: Apache-2.0
#include "engine/control.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace nsw {
namespace {

constexpr size_t kLineMax = 16U << 20;  // an answer of `ps` on a large host
constexpr size_t kRequestMax = 64U << 10;
constexpr int kPatienceMs = 10'000;

Result<sockaddr_un> Address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return Fail(path.string() + ": too long for a unix socket");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

void SetPatience(int fd) {
  const timeval limit{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// Up to a newline; what was read before the peer closed or the limit came is returned without one.
std::string ReadLine(int fd, size_t limit) {
  std::string line;
  std::array<char, 4096> room;
  while (line.size() < limit && line.find('\n') == std::string::npos) {
    const ssize_t n = recv(fd, room.data(), room.size(), 0);
    if (n <= 0) break;
    line.append(room.data(), static_cast<size_t>(n));
  }
  return line;
}

bool WriteLine(int fd, const nlohmann::json& value) {
  const std::string line =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  for (size_t at = 0; at < line.size();) {
    const ssize_t n = send(fd, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
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
  const mode_t before = umask(0177);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  umask(before);
  if (bound != 0 || listen(fd.get(), 8) != 0) return FailErrno(path.string(), errno);
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
    if (connection.valid()) Answer(connection);
  }
}

void ControlServer::Answer(const UniqueFd& connection) {
  SetPatience(connection.get());
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != 0) {
    WriteLine(connection.get(), {{"error", "only root may control the engine"}});
    return;
  }
  const std::string line = ReadLine(connection.get(), kRequestMax);
  const auto request = nlohmann::json::parse(line, nullptr, false);
  if (!request.is_object()) {
    WriteLine(connection.get(), {{"error", "the request is not one JSON object in a line"}});
    return;
  }
  WriteLine(connection.get(), handler_(request, {who.uid, static_cast<uint32_t>(who.pid)}));
}

Result<nlohmann::json> ControlCall(const std::filesystem::path& path,
                                   const nlohmann::json& request) {
  const auto address = Address(path);
  if (!address) return tl::unexpected(address.error());
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    const int code = errno;
    const char* hint =
        code == EACCES ? "; run as root" : "; is the engine running? start it with `nswarden run`";
    return Fail(path.string() + ": " + std::strerror(code) + hint);
  }
  SetPatience(fd.get());
  if (!WriteLine(fd.get(), request)) return FailErrno(path.string(), errno);
  auto answer = nlohmann::json::parse(ReadLine(fd.get(), kLineMax), nullptr, false);
  if (!answer.is_object()) return Fail(path.string() + ": the engine gave no answer within 10 s");
  if (answer.contains("error") && answer["error"].is_string())
    return Fail(answer["error"].get<std::string>());
  return answer;
}

}  // namespace nsw
