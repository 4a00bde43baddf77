// SPDX-License-Identifier: Apache-2.0
// The control socket: one JSON line in, one JSON line out, for `nswarden ps`, `deny`, `status` and
// `reload`. Root alone may open it (mode 0600), and the peer's uid is checked again. An answer has
// either "error" (a sentence) or the verb's own keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw {

/// Who asks, and why, if that is said.
struct Peer {
  uint32_t uid = 0;
  uint32_t pid = 0;
  std::string reason = {};
};

class ControlServer {
 public:
  /// Called on the server's thread, one request at a time. What it throws becomes the "error".
  using Handler = std::function<nlohmann::json(const nlohmann::json& request, const Peer& peer)>;

  /// Error: the socket cannot be made.
  static Result<std::unique_ptr<ControlServer>> Listen(std::filesystem::path path, Handler handler);
  /// Waits for the handler, if it is at work, and for no peer.
  ~ControlServer();

 private:
  ControlServer(std::filesystem::path path, UniqueFd socket, UniqueFd stop, Handler handler);
  void Serve();
  void Answer(const UniqueFd& connection);

  std::filesystem::path path_;
  UniqueFd socket_;
  UniqueFd stop_;
  Handler handler_;
  std::thread thread_;
};

/// Asks the daemon. Error: it is not running, not allowed, or the daemon's own "error".
Result<nlohmann::json> ControlCall(const std::filesystem::path& path,
                                   const nlohmann::json& request);

}  // namespace nsw
