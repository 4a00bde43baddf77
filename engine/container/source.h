// SPDX-License-Identifier: Apache-2.0
// Source: where metadata of containers comes from; one for each runtime. A source runs a thread of
// its own, retries for ever with backoff when its runtime is absent, restarts, lies or hangs, and
// never delays anything else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/container/container.h"

namespace nsw::container {

/// Called from the source's thread, for what was there before and what comes and goes; must be
/// quick.
using ChangeHandler = std::function<void(Change)>;

class Source {
 public:
  virtual ~Source() = default;  // stops the thread; returns within a second
  [[nodiscard]] virtual std::string name() const = 0;
  /// For `status`: "connected (docker 20.10.24, 3 containers)" or "not there: /run/docker.sock: No
  /// such file or directory".
  [[nodiscard]] virtual std::string state() const = 0;
};

struct SourceOptions {
  std::string name = "docker";     ///< for `status`, and what kSynced carries
  std::string runtime = "docker";  ///< what containers carry
  std::string socket{};
  long connect_timeout_ms = 3000;
  /// Of one answer. Doubled, up to the longest, each time that a runtime does not keep it: one on a
  /// machine that is overloaded is slow, and known all the same.
  long timeout_ms = 5000;
  long timeout_max_ms = 60'000;
  long listing_interval_ms =
      60'000;               ///< all is listed anew, against lost events and a hung runtime
  long retry_min_ms = 100;  ///< pause after a failure, doubled up to the longest
  long retry_max_ms = 5000;
};

/// Docker through its Engine API. Anything that speaks it will do, podman's service for one.
std::unique_ptr<Source> MakeDockerSource(SourceOptions options, ChangeHandler handler);

/// containerd through its own API: the containers of every namespace but Docker's and those that
/// its CRI plugin manages.
std::unique_ptr<Source> MakeContainerdSource(SourceOptions options, ChangeHandler handler);

/// A container runtime of Kubernetes through the CRI. `containerd_events`: the same socket speaks
/// containerd's own API, whose events tell of changes at once; otherwise CRI's own events do, where
/// the runtime has them, and all is listed each second where it has not.
std::unique_ptr<Source> MakeCriSource(SourceOptions options, bool containerd_events,
                                      ChangeHandler handler);

/// podman without a service, by the files that it leaves: of root, and of every user who has a
/// run-time directory.
struct PodmanFiles {
  std::string root_storage = "/var/lib/containers/storage";
  std::string root_run = "/run/containers/storage";
  std::string users_run = "/run/user";  ///< UID/containers below it
  std::string passwd = "/etc/passwd";
};
std::unique_ptr<Source> MakePodmanSource(SourceOptions options, PodmanFiles files,
                                         ChangeHandler handler);

/// Where the runtimes are; "" for one that is not to be asked.
struct Runtimes {
  std::string docker = "/run/docker.sock";
  std::string containerd = "/run/containerd/containerd.sock";
  std::string crio = "/run/crio/crio.sock";
  std::string podman = "/run/podman/podman.sock";
  std::string podman_storage = "/var/lib/containers/storage";  ///< of root; "": nor users' own
  std::string podman_run = "/run/containers/storage";

  bool operator==(const Runtimes&) const = default;
};

/// A source for each of the table of runtimes (sources.cc) that is to be asked. `expect` gets all
/// names before any of them starts.
std::vector<std::unique_ptr<Source>> MakeSources(
    const Runtimes& runtimes, const std::function<void(const std::string&)>& expect,
    const ChangeHandler& handler);

/// Whether any of them has left a trace on this host.
bool AnyThere(const Runtimes& runtimes);

}  // namespace nsw::container
