// SPDX-License-Identifier: Apache-2.0
// What all sources make of what their runtimes say: times, mounts, labels. Everything is bounded;
// what is hostile only costs itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/container/container.h"

namespace nsw::container {

/// A version or a name, for people: short, and without odd bytes.
std::string Printable(std::string_view text);

/// CLOCK_REALTIME of RFC 3339 as Go writes it; 0 for anything else.
uint64_t ParseTime(std::string_view text);

/// When a process began (CLOCK_REALTIME), to the clock tick; 0 when it is gone.
uint64_t ProcessStartNs(pid_t pid);

/// An image brings labels of its own, so whoever made the image must not be able to crowd out those
/// that were given at create, which policies go by: the largest go first.
void BoundLabels(std::map<std::string, std::string>& labels);

/// The pod and the container's name in it, as the labels that Kubernetes gives have them.
void TakePod(Container& container);

/// Mounts of the host's files.
struct MountList {
  struct Mount {
    std::string source;
    std::string destination;
    std::string mode;
    bool writable = true;
    std::string propagation;
  };
  std::vector<Mount> all;
  std::string next_source;  ///< of the one whose destination comes next

  void Add(std::string_view source, std::string_view destination);
  /// "SOURCE:DEST:MODE:RW:PROPAGATION", with spaces between.
  [[nodiscard]] std::string Text() const;
};

}  // namespace nsw::container
