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

/// Docker through its Engine API on a unix socket (libcurl). `socket`: path, usually
/// /run/docker.sock.
std::unique_ptr<Source> MakeDockerSource(std::string socket, ChangeHandler handler);

}  // namespace nsw::container
