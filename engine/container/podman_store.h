// SPDX-License-Identifier: Apache-2.0
// PodmanStore: what podman leaves of its containers in files: the list and the specifications in
// its storage, the init processes' ids in its run-time folder. Read only, and with suspicion: of a
// user without root the files are his own to write. Called by the podman source's thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/container.h"
#include "engine/container/user_files.h"

namespace nsw::container {

namespace podman {

struct Listed {
  std::string id;  ///< 64 hex digits
  std::string name;
  std::string image_id;
  std::string image_name;
  uint64_t created_ns = 0;
};
/// An answer of containers.json. What is not whole is left out.
std::vector<Listed> ParseContainers(std::string_view json);

/// The manifest's digest of an image, in images.json; "" if it is not there.
std::string ParseDigest(std::string_view json, std::string_view image_id);

/// Labels of a container in podman's database (bolt_state.db), which since podman 5 is another.
std::optional<std::map<std::string, std::string>> ReadLabels(std::string_view database,
                                                             std::string_view id);

}  // namespace podman

class PodmanStore {
 public:
  struct Paths {
    std::string storage;        ///< a folder that root or the user's own account leads to
    std::string storage_below;  ///< "" or "/.local/share/containers/storage"
    std::string run;
    std::string run_below;
  };
  /// Error: there is none.
  static Result<PodmanStore> Open(const Paths& paths, uid_t owner);

  /// What is there now, with the id of each init process.
  struct Item {
    podman::Listed listed;
    pid_t pid = 0;
  };
  [[nodiscard]] std::vector<Item> List() const;
  /// Large files are read once for many containers, until DropFiles.
  [[nodiscard]] Container Read(const Item& item);
  void DropFiles();
  /// False while podman has not yet written all of a new container.
  [[nodiscard]] bool IsWhole(const Item& item);
  /// Whether it has been started, once at least: its specification is written then.
  [[nodiscard]] bool HasSpec(const Item& item) const;
  /// Lets an inotify descriptor become readable when a container comes or goes.
  void Watch(int inotify) const;
  [[nodiscard]] uid_t owner() const { return owner_; }

 private:
  PodmanStore(UserFolder storage, UserFolder run, Paths paths, std::string driver, uid_t owner)
      : storage_(std::move(storage)),
        run_(std::move(run)),
        paths_(std::move(paths)),
        driver_(std::move(driver)),
        owner_(owner) {}
  [[nodiscard]] std::string Storage(const std::string& path) const;
  [[nodiscard]] Result<std::string> Spec(const std::string& id) const;
  [[nodiscard]] pid_t PidOf(const std::string& id) const;
  [[nodiscard]] const std::string& Images();
  [[nodiscard]] const std::string& Database();

  UserFolder storage_;
  UserFolder run_;
  Paths paths_;
  std::string driver_;  // "overlay"
  uid_t owner_;
  std::optional<std::string> images_;
  std::optional<std::string> database_;
};

}  // namespace nsw::container
