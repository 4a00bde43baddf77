// SPDX-License-Identifier: Apache-2.0
// A container's runtime specification (OCI, config.json), as containerd keeps it and podman leaves
// it beside the container.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace nsw::container {

struct OciSpec {
  bool privileged = false;  ///< every capability, and nothing of /proc masked
  std::string mounts;       ///< as in Container
  std::map<std::string, std::string> annotations;
};
/// Takes what it can; a text that is no specification gives nothing.
OciSpec ParseOciSpec(std::string_view json);

}  // namespace nsw::container
