// SPDX-License-Identifier: Apache-2.0
// Source: where metadata of containers comes from; one for each runtime. A source runs a thread of
// its own, retries for ever with backoff when its runtime is absent, restarts, lies or hangs, and
// never delays anything else.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/container/container.h"

namespace nsw::container {

/// Called from the source's thread, for what was there before and what comes and goes; must be
/// quick.
using ChangeHandler = std::function<void(Change)>;

class Source {
 public:
  virtual ~Source() = default;  // stops the thread; returns within a second
  [[nodiscard]] virtual std::string name() const = 0;
  /// For `status`: "connected (Docker 20.10.24, 3 containers)" or "not there: /run/docker.sock: No
  /// such file or directory".
  [[nodiscard]] virtual std::string state() const = 0;
};

struct DockerOptions {
  std::string socket = "/run/docker.sock";
  std::string runtime = "docker";  ///< what containers and kSynced carry
  long connect_timeout_ms = 3000;
  long timeout_ms = 5000;  ///< of one answer
  long listing_interval_ms =
      60'000;               ///< all is listed anew, against lost events and a hung runtime
  long retry_min_ms = 100;  ///< pause after a failure, doubled up to the longest
  long retry_max_ms = 5000;
};

/// Docker through its Engine API on a unix socket (libcurl). Anything that speaks it will do.
std::unique_ptr<Source> MakeDockerSource(DockerOptions options, ChangeHandler handler);
/// `socket`: path, usually /run/docker.sock.
std::unique_ptr<Source> MakeDockerSource(std::string socket, ChangeHandler handler);

}  // namespace nsw::container
