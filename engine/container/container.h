// SPDX-License-Identifier: Apache-2.0
// What a container is, and what is known of it. A value type, made by the runtime sources
// (docker.cc, ...) and held by the registry; the matcher, the alerts and the history read it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsw::container {

/// An image reference, normalised: "nginx" is {docker.io/library/nginx, "", ""}.
struct Image {
  std::string reference;   ///< as given at create: "nginx:1.25"
  std::string repository;  ///< with registry, "docker.io/library/nginx"
  std::string tag;         ///< "1.25"; "" when none was given
  std::string digest;      ///< "sha256:..."; "" when none is known

  bool operator==(const Image&) const = default;
};

/// Takes a reference apart: a colon before the last slash is a registry's port. Never fails; odd
/// bytes stay in repository. A bare image id ("sha256:HEX") has no repository: it is the digest.
Image ParseImage(std::string_view reference);

/// Its tag; of a reference with neither tag nor digest "latest". "" where only a digest is named.
std::string_view TagOf(const Image& image);

/// A repository without the default registry and library: what people write ("nginx"), and what
/// Docker shows. A part of `repository`.
std::string_view FamiliarName(std::string_view repository);

/// "app:web,tier:front"
std::string LabelsText(const std::map<std::string, std::string>& labels);

struct Container {
  std::string id;       ///< the runtime's full id; for one of no known runtime "ns-INODE"
  std::string name;     ///< without a leading slash; nested: outer/inner
  std::string runtime;  ///< "docker", "containerd", "cri-o", "podman"; "" when unknown
  uid_t owner = 0;  ///< who runs that runtime: root, or a user whose word holds for his own only
  /// Less than the runtime itself would tell. What another source of that runtime has told of it
  /// stays.
  bool partial = false;
  Image image;
  std::map<std::string, std::string> labels;
  std::optional<bool> privileged;  ///< none: its runtime has not said
  pid_t init_pid = 0;              ///< host's PID namespace; 0 when not running or unknown
  uint64_t created_ns = 0;         ///< CLOCK_REALTIME; 0 when unknown
  uint64_t started_ns = 0;         ///< the same
  std::string ip;                  ///< "172.17.0.2"; "" when it has none of its own
  std::string mounts;              ///< of the host's files: "SOURCE:DEST:MODE:RW:PROPAGATION ..."
  std::map<std::string, std::string> pod_labels;
  std::string labels_text;  ///< the labels once more, by the registry
  std::string pod_labels_text;
  std::string k8s_namespace;
  std::string k8s_pod;
  std::string k8s_pod_uid;
  std::string k8s_container;  ///< its name in the pod; `name` stays what the runtime calls it

  bool operator==(const Container&) const = default;
  /// 12 digits of an id that is made of digits; containerd's others are names, and stay whole.
  [[nodiscard]] std::string_view short_id() const;
  /// False: only the namespace is known, no runtime has claimed it (yet).
  [[nodiscard]] bool known() const { return !runtime.empty(); }
};

/// What a runtime source says; carried from its thread to the pipeline's.
struct Change {
  /// kNameless: there are runtimes here whose containers' cgroups do not name them, so that a home
  /// of which nothing is known may still be claimed.
  enum class Kind { kUpsert, kRemoved, kSynced, kNameless };
  Kind kind = Kind::kUpsert;
  /// kRemoved: the id and the owner alone matter. kSynced: `runtime` alone, the source's name: its
  /// first full listing is complete, or there is no such runtime here to list.
  Container container;
};

}  // namespace nsw::container
