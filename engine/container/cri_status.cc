// SPDX-License-Identifier: Apache-2.0
#include "engine/container/cri_status.h"

#include <algorithm>
#include <limits>

#include "engine/container/facts.h"
#include "engine/container/json_scan.h"

namespace nsw::container::cri {
namespace {

constexpr size_t kAddressTextMax = 64;

uint64_t Time(int64_t ns) { return static_cast<uint64_t>(std::max<int64_t>(ns, 0)); }

void Join(const Pod& pod, Container& container) {
  container.k8s_namespace = pod.space;
  container.k8s_pod = pod.name;
  container.k8s_pod_uid = pod.uid;
  container.pod_labels = pod.labels;
  container.ip = pod.ip;
}

// The name as people gave it, if the runtime still knows it; the digest by what it resolved to.
Image ImageOf(const nsw::cri::ContainerAnswer::Status& status) {
  const std::string& as_given = status.image().as_given();
  Image image = ParseImage(as_given.empty() ? status.image().image() : as_given);
  const Image resolved = ParseImage(status.image_ref());
  if (image.repository.empty()) image.repository = resolved.repository;
  if (!resolved.digest.empty() && image.digest.empty()) image.digest = resolved.digest;
  return image;
}

std::string MountsOf(const nsw::cri::ContainerAnswer::Status& status) {
  MountList mounts;
  for (const auto& told : status.mounts()) {
    constexpr std::string_view kPropagation[] = {"private", "rslave", "rshared"};
    mounts.Add(told.host_path(), told.container_path());
    MountList::Mount& mount = mounts.all.back();
    mount.writable = !told.read_only();
    const auto how = static_cast<size_t>(told.propagation());
    if (how < std::size(kPropagation)) mount.propagation = kPropagation[how];
  }
  return mounts.Text();
}

template <typename Answer>
Info InfoOf(const Answer& answer) {
  const auto found = answer.info().find("info");
  return found == answer.info().end() ? Info{} : ParseInfo(found->second);
}

}  // namespace

// containerd and CRI-O differ in where they have what.
Info ParseInfo(std::string_view json) {
  Info info;
  ScanJson(json, [&](JsonPath path, const JsonScalar& value) {
    const std::string& last = path.empty() ? std::string() : path.back();
    if (path.size() == 1 && last == "pid") {
      const bool plausible = value.number > 0 && value.number <= std::numeric_limits<pid_t>::max();
      info.pid = plausible ? static_cast<pid_t>(value.number) : 0;
    } else if (path.size() == 1 && last == "image") {
      info.image = value.text;
    } else if (last == "privileged" && (path.size() == 1 || path[0] == "config")) {
      info.privileged |= value.kind == JsonScalar::Kind::kBool && value.number != 0;
    }
  });
  return info;
}

Pod PodOf(const nsw::cri::SandboxAnswer& answer) {
  const auto& status = answer.status();
  Pod pod{.name = status.name().name(),
          .space = status.name().namespace_(),
          .uid = status.name().uid(),
          .ip = status.network().ip().substr(0, kAddressTextMax)};
  pod.labels.insert(status.labels().begin(), status.labels().end());
  BoundLabels(pod.labels);
  return pod;
}

Container SandboxContainer(const nsw::cri::SandboxAnswer& answer) {
  const Pod pod = PodOf(answer);
  const Info info = InfoOf(answer);
  Container container;
  container.id = answer.status().id();
  container.name = "sandbox:" + pod.name;
  container.k8s_container = "POD";
  container.image = ParseImage(info.image);
  container.privileged = info.privileged;
  container.init_pid = info.pid;
  container.created_ns = Time(answer.status().created_at());
  container.started_ns = ProcessStartNs(info.pid);
  container.labels = pod.labels;
  Join(pod, container);
  return container;
}

Container ContainerOf(const nsw::cri::ContainerAnswer& answer, const Pod& pod) {
  const auto& status = answer.status();
  const Info info = InfoOf(answer);
  Container container;
  container.id = status.id();
  container.name = status.name().name();
  container.labels.insert(status.labels().begin(), status.labels().end());
  BoundLabels(container.labels);
  TakePod(container);
  container.k8s_container = status.name().name();
  container.image = ImageOf(status);
  container.privileged = info.privileged;
  container.init_pid = info.pid;
  container.created_ns = Time(status.created_at());
  container.started_ns = Time(status.started_at());
  container.mounts = MountsOf(status);
  Join(pod, container);
  return container;
}

}  // namespace nsw::container::cri
