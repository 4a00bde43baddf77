// SPDX-License-Identifier: Apache-2.0
// DemoContainer: a container made of namespaces alone, without image, runtime or network. Its root
// is a tmpfs with this host's programs and libraries bound in read-only and an /etc of its own, so
// nothing done in it reaches the host. Used by `nswarden demo` on one thread. Its init waits for
// commands on a socket and dies with this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::tools {

/// What became of a command.
struct Outcome {
  int status = 0;      ///< exit status; 128 + signal if one killed it
  std::string output;  ///< stdout and stderr, the first 2 KiB
};

class DemoContainer {
 public:
  /// `folder`: an empty one of the caller's own, the mount point of the root. Error: what could not
  /// be set up, and why.
  static Result<DemoContainer> Start(const std::filesystem::path& folder);
  DemoContainer(DemoContainer&& other) noexcept;
  ~DemoContainer();

  /// Runs one command, argv[0] an absolute path, and waits for it. Error: the container is gone.
  [[nodiscard]] Result<Outcome> Run(const std::vector<std::string>& argv);

  /// What the engine calls a container of no runtime: after the mount namespace's number.
  [[nodiscard]] std::string name() const { return "ns-" + std::to_string(mount_namespace_); }

 private:
  DemoContainer(pid_t init, UniqueFd socket) : init_(init), socket_(std::move(socket)) {}
  /// Waits until the root is made.
  [[nodiscard]] Status Settle();

  pid_t init_;
  UniqueFd socket_;
  uint32_t mount_namespace_ = 0;
};

/// Where the container has the program that it runs in, nswarden itself.
constexpr const char* kDemoProgram = "/opt/demo/fetch";

}  // namespace nsw::tools
