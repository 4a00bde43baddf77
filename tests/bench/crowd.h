// SPDX-License-Identifier: Apache-2.0
// Crowd: containers of namespaces alone (those of the demo) that act at once. Made by one process
// without threads; gone with it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "tools/demo_container.h"

namespace nsw::bench {

class Crowd {
 public:
  /// Error: what the kernel refused.
  [[nodiscard]] Status Make(size_t containers);
  ~Crowd();

  /// Each container runs this program with those arguments, and then the container's number.
  /// Returns at once.
  void Start(const std::vector<std::string>& arguments);
  /// Whether some still do.
  [[nodiscard]] bool Busy();
  /// How many ended with anything but success.
  [[nodiscard]] size_t failed() const { return failed_; }

  /// The first container runs this program and waits for its end.
  [[nodiscard]] Result<tools::Outcome> Run(const std::vector<std::string>& arguments);

 private:
  std::filesystem::path folder_;
  std::vector<tools::DemoContainer> containers_;
  size_t left_ = 0;
  size_t failed_ = 0;
};

}  // namespace nsw::bench
