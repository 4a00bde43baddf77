// SPDX-License-Identifier: Apache-2.0
// What a container runtime of Kubernetes says of its pods and containers, made into ours. Pure;
// called by the CRI source.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/container/container.h"
#include "engine/container/proto/cri.pb.h"

namespace nsw::container::cri {

/// What is in the JSON of a verbose status, which is each runtime's own affair.
struct Info {
  pid_t pid = 0;
  bool privileged = false;
  std::string image;
};
Info ParseInfo(std::string_view json);

/// What a pod gives to its containers.
struct Pod {
  std::string name;
  std::string space;
  std::string uid;
  std::string ip;
  std::map<std::string, std::string> labels;
};
Pod PodOf(const nsw::cri::SandboxAnswer& answer);

/// The container that holds a pod's namespaces: "sandbox:POD".
Container SandboxContainer(const nsw::cri::SandboxAnswer& answer);

Container ContainerOf(const nsw::cri::ContainerAnswer& answer, const Pod& pod);

}  // namespace nsw::container::cri
