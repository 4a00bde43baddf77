// SPDX-License-Identifier: Apache-2.0
#include "engine/container/podman_store.h"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/container/bolt_file.h"
#include "engine/container/facts.h"
#include "engine/container/json_scan.h"
#include "engine/container/oci_spec.h"

namespace nsw::container {
namespace {

constexpr std::array<const char*, 5> kDrivers{"overlay", "vfs", "btrfs", "zfs", "fuse-overlayfs"};
constexpr std::array<const char*, 2> kLists{"containers.json", "volatile-containers.json"};
constexpr size_t kListMax = 4U << 20;
constexpr size_t kDatabaseMax = 32U << 20;
constexpr size_t kSpecMax = 1U << 20;
constexpr size_t kPidMax = 16;
// So many users with so many find room beside root's.
constexpr size_t kContainersOfRoot = 3000;
constexpr size_t kContainersOfUser = 200;
constexpr size_t kNameMax = 256;

bool IsId(std::string_view id) {
  return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool At(JsonPath path, std::initializer_list<std::string_view> keys) {
  return std::ranges::equal(path, keys);
}

// A JSON text of podman's in a value of the storage library's.
void TakeMetadata(std::string_view json, podman::Listed& listed) {
  ScanJson(json, [&](JsonPath path, const JsonScalar& value) {
    if (At(path, {"image-name"})) listed.image_name = value.text;
    if (At(path, {"image-id"})) listed.image_id = value.text;
    if (At(path, {"name"}) && !value.text.empty()) listed.name = value.text.substr(0, kNameMax);
  });
}

}  // namespace

std::vector<podman::Listed> podman::ParseContainers(std::string_view json) {
  std::vector<Listed> all;
  ScanJson(json, [&](JsonPath path, const JsonScalar& value) {
    // The id comes first in each.
    if (At(path, {"", "id"})) {
      all.emplace_back().id = value.text;
    } else if (all.empty()) {
      return;
    } else if (At(path, {"", "names", ""}) && all.back().name.empty()) {
      all.back().name = value.text.substr(0, kNameMax);
    } else if (At(path, {"", "image"}) && all.back().image_id.empty()) {
      all.back().image_id = value.text;
    } else if (At(path, {"", "created"})) {
      all.back().created_ns = ParseTime(value.text);
    } else if (At(path, {"", "metadata"})) {
      TakeMetadata(value.text, all.back());
    }
  });
  std::erase_if(all, [](const Listed& listed) { return !IsId(listed.id); });
  return all;
}

std::string podman::ParseDigest(std::string_view json, std::string_view image_id) {
  std::string digest;
  bool here = false;
  ScanJson(json, [&](JsonPath path, const JsonScalar& value) {
    if (At(path, {"", "id"})) here = value.text == image_id;
    if (here && At(path, {"", "digest"})) digest = value.text;
  });
  return digest;
}

std::optional<std::map<std::string, std::string>> podman::ReadLabels(std::string_view database,
                                                                     std::string_view id) {
  const auto config = BoltFile(database).Find(std::array<std::string_view, 3>{"ctr", id, "config"});
  if (!config) return std::nullopt;
  std::map<std::string, std::string> labels;
  bool whole = ScanJson(*config, [&](JsonPath path, const JsonScalar& value) {
    if (path.size() == 2 && path[0] == "labels") labels[path[1]] = value.text;
  });
  if (!whole) return std::nullopt;  // copied while it was written
  BoundLabels(labels);
  return labels;
}

Result<PodmanStore> PodmanStore::Open(const Paths& paths, uid_t owner) {
  auto storage = UserFolder::Open(paths.storage, owner);
  if (!storage) return tl::unexpected(storage.error());
  auto run = UserFolder::Open(paths.run, owner);
  if (!run) return tl::unexpected(run.error());
  for (const char* driver : kDrivers) {
    if (storage->HasFolder(paths.storage_below + driver + "-containers")) {
      return PodmanStore(std::move(*storage), std::move(*run), paths, driver, owner);
    }
  }
  return Fail(paths.storage + "/" + paths.storage_below + ": no containers of podman");
}

std::string PodmanStore::Storage(const std::string& path) const {
  return paths_.storage_below + driver_ + path;
}

pid_t PodmanStore::PidOf(const std::string& id) const {
  const auto text =
      run_.Read(paths_.run_below + driver_ + "-containers/" + id + "/userdata/pidfile", kPidMax);
  pid_t pid = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
  // The file outlives the process.
  return pid > 0 && ProcessStartNs(pid) != 0 ? pid : 0;
}

std::vector<PodmanStore::Item> PodmanStore::List() const {
  std::vector<Item> items;
  for (const char* list : kLists) {
    const auto text = storage_.Read(Storage("-containers/") + list, kListMax);
    if (!text) continue;
    for (podman::Listed& listed : podman::ParseContainers(*text)) {
      if (items.size() >= (owner_ == 0 ? kContainersOfRoot : kContainersOfUser)) break;
      const pid_t pid = PidOf(listed.id);
      items.push_back({std::move(listed), pid});
    }
  }
  return items;
}

const std::string& PodmanStore::Images() {
  if (!images_) images_ = storage_.Read(Storage("-images/images.json"), kListMax).value_or("");
  return *images_;
}

const std::string& PodmanStore::Database() {
  constexpr const char* kName = "libpod/bolt_state.db";
  if (!database_)
    database_ = storage_.Read(paths_.storage_below + kName, kDatabaseMax).value_or("");
  return *database_;
}

void PodmanStore::DropFiles() {
  images_.reset();
  database_.reset();
}

// The list comes first, the database after it.
bool PodmanStore::IsWhole(const Item& item) {
  return Database().empty() || podman::ReadLabels(Database(), item.listed.id);
}

Result<std::string> PodmanStore::Spec(const std::string& id) const {
  return storage_.Read(Storage("-containers/") + id + "/userdata/config.json", kSpecMax);
}

bool PodmanStore::HasSpec(const Item& item) const { return Spec(item.listed.id).has_value(); }

Container PodmanStore::Read(const Item& item) {
  Container container;
  container.id = item.listed.id;
  container.name = item.listed.name;
  container.runtime = "podman";
  container.owner = owner_;
  container.partial = true;
  container.image = ParseImage(item.listed.image_name);
  container.created_ns = item.listed.created_ns;
  container.init_pid = item.pid;
  container.started_ns = ProcessStartNs(item.pid);
  container.image.digest = podman::ParseDigest(Images(), item.listed.image_id);
  if (auto labels = podman::ReadLabels(Database(), container.id)) {
    container.labels = std::move(*labels);
  }
  const auto text = Spec(item.listed.id);
  if (!text) return container;
  OciSpec spec = ParseOciSpec(*text);
  const auto told = spec.annotations.find("io.podman.annotations.privileged");
  container.privileged = told != spec.annotations.end() ? told->second == "TRUE" : spec.privileged;
  container.mounts = std::move(spec.mounts);
  return container;
}

void PodmanStore::Watch(int inotify) const {
  constexpr uint32_t kComesOrGoes = IN_CREATE | IN_MOVED_TO | IN_DELETE;
  (void)storage_.Watch(inotify, Storage("-containers"), kComesOrGoes);
  (void)run_.Watch(inotify, paths_.run_below + driver_ + "-containers", kComesOrGoes);
}

}  // namespace nsw::container
