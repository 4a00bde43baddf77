// SPDX-License-Identifier: Apache-2.0
// DemoEngine: an engine as a child process, with a configuration, policy and history in a folder
// that the caller throws away: nothing of the host's own configuration is read. Used by `nswarden
// demo` on one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::tools {

using Deadline = std::chrono::steady_clock::time_point;

/// Error: an engine watches this host already.
[[nodiscard]] Status NoEngineRuns();

class DemoEngine {
 public:
  /// Starts it on one policy, and returns once `container` is bound. Error: with what the engine
  /// itself said.
  static Result<DemoEngine> Start(const std::filesystem::path& folder, const std::string& policy,
                                  const std::string& container);
  DemoEngine(DemoEngine&& other) noexcept;
  ~DemoEngine() { Stop(); }

  /// Whether its kernel half can refuse.
  [[nodiscard]] bool enforcing() const { return enforcing_; }
  /// The next alert; nothing if none came by then.
  std::optional<nlohmann::json> NextAlert(Deadline deadline);
  /// Tells it to stop, and waits: all that it saw is in the history then. False: it had to be
  /// killed, or failed.
  bool Stop();

  [[nodiscard]] std::filesystem::path history() const { return folder_ / "history.db"; }

 private:
  explicit DemoEngine(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] Status WriteFiles(const std::string& policy) const;
  [[nodiscard]] Status Launch();
  [[nodiscard]] Status WaitUntilBound(const std::string& container);
  [[nodiscard]] bool Ended();
  [[nodiscard]] Error Failure(const std::string& what) const;

  std::filesystem::path folder_;
  pid_t pid_ = 0;
  bool enforcing_ = false;
  UniqueFd alerts_;
  std::string unread_;
};

}  // namespace nsw::tools
