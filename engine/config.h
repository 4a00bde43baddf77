// SPDX-License-Identifier: Apache-2.0
// The configuration of the daemon: nswarden.yaml, overruled by the command line's flags.
//
// Every key is a row of the table in config.cc; an unknown key is an error, and all mistakes are
// reported at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/alert/dispatcher.h"
#include "engine/base/result.h"
#include "engine/container/source.h"
#include "engine/event/event.h"

namespace nsw {

enum class Output { kText, kJson, kNone };

struct Config {
  std::filesystem::path file;  ///< that it was read from; empty: none
  std::vector<std::filesystem::path> policies{"/usr/share/nswarden/policies",
                                              "/etc/nswarden/policies.d"};
  Output output = Output::kText;
  std::filesystem::path history = "/var/lib/nswarden/history.db";  ///< empty: no history
  uint64_t history_retention_ns = 7ULL * 86'400'000'000'000;
  uint64_t history_max_bytes = 2ULL << 30;
  /// Bit per nsw_event. Those of processes are always recorded.
  uint64_t history_events = event::EventsOf({event::History::ALWAYS, event::History::KEPT});
  std::string webhook_url;  ///< empty: none
  uint64_t webhook_timeout_ns = 5'000'000'000;
  int webhook_attempts = 5;
  container::Runtimes runtimes;
  std::filesystem::path run_directory = "/run/nswarden";  ///< lock and control socket
  bool enforce = true;             ///< false: nothing is refused, whatever the policies say
  uint64_t hold_ns = 500'000'000;  ///< how long a container's first exec waits for its policies
  bool unbound_closed = false;     ///< then it is refused, not permitted
  bool outlive = true;             ///< what is refused stays refused when the engine ends
  bool check_policy_owner = true;  ///< policies must belong to root and be writable by nobody else
  uint64_t files_ring_bytes = 16U << 20;
  uint64_t events_ring_bytes = 8U << 20;
  uint64_t denials_ring_bytes = 1U << 20;
  uint64_t max_tasks = 65536;  ///< processes of containers at once

  [[nodiscard]] std::filesystem::path control_socket() const {
    return run_directory / "control.sock";
  }
  bool operator==(const Config&) const = default;
};

/// Reads a file over the defaults. Error: every mistake, a line each, as FILE:LINE:COL: what; hint.
Result<Config> ReadConfig(const std::filesystem::path& file);

}  // namespace nsw
