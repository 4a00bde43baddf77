// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/pins.h"

#include <bpf/bpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "engine/kernel/disarm.h"
#include "engine/kernel/link_watch.h"

namespace nsw::kernel {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
    entries.push_back(at->path());
  std::ranges::sort(entries);
  return entries;
}

Status MakeFolder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return FailErrno(folder.string(), errno);
}

// Links before maps, so that no program is left attached that looks into a map which is gone.
void RemoveLayout(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder / "links", ignored);
  fs::remove_all(folder, ignored);
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

Pins::Pins(fs::path root, const std::string& layout)
    : root_(std::move(root)), folder_(root_ / layout) {}

Result<Pins> Pins::Open(fs::path root, const std::string& layout) {
  Pins pins(std::move(root), layout);
  if (Status made = MakeFolder(pins.root_); !made) return tl::unexpected(made.error());
  if (chmod(pins.root_.c_str(), 0700) != 0) return FailErrno(pins.root_.string(), errno);
  // The links' folder is made when all maps are there: see Begin.
  pins.inherits_ = Exists(pins.folder_ / "links");
  if (!pins.inherits_) RemoveLayout(pins.folder_);
  for (const fs::path& folder : {pins.folder_, pins.folder_ / "maps"}) {
    if (Status made = MakeFolder(folder); !made) return tl::unexpected(made.error());
  }
  return pins;
}

bool Pins::AnyAttached(const fs::path& root) {
  for (const fs::path& layout : EntriesOf(root)) {
    for (const fs::path& life : EntriesOf(layout / "links")) {
      for (const fs::path& link : EntriesOf(life)) {
        const UniqueFd fd(bpf_obj_get(link.c_str()));
        if (fd.valid() && AttachmentOf(fd.get()) != 0) return true;
      }
    }
  }
  return false;
}

Result<UniqueFd> Pins::Map(const std::string& name) const {
  const fs::path path = folder_ / "maps" / name;
  UniqueFd map(bpf_obj_get(path.c_str()));
  if (!map.valid()) return FailErrno(path.string(), errno);
  return map;
}

Status Pins::PinMap(int fd, const std::string& name) {
  const fs::path path = folder_ / "maps" / name;
  if (!inherits_ && bpf_obj_pin(fd, path.c_str()) != 0) return FailErrno(path.string(), errno);
  pinned_.push_back({path, fd});
  return {};
}

fs::path Pins::Links(uint32_t life) const { return folder_ / "links" / std::to_string(life); }

fs::path Pins::Ready(uint32_t life) const { return folder_ / ("ready-" + std::to_string(life)); }

std::vector<uint32_t> Pins::OlderLives() const {
  std::vector<uint32_t> lives;
  for (const fs::path& folder : EntriesOf(folder_ / "links")) {
    const auto life = static_cast<uint32_t>(std::strtoul(folder.filename().c_str(), nullptr, 10));
    if (life != life_) lives.push_back(life);
  }
  std::ranges::sort(lives);
  return lives;
}

void Pins::DropLife(uint32_t life) const {
  std::error_code ignored;
  fs::remove_all(Links(life), ignored);
  fs::remove_all(Ready(life), ignored);
}

// A hook takes some 40 programs: of an engine that dies again and again while it comes up, not all
// can be kept. What is in force is the last that came up, and what a later one has begun.
Status Pins::Begin(uint32_t life) {
  life_ = life;
  const std::vector<uint32_t> older = OlderLives();
  const auto ready =
      std::find_if(older.rbegin(), older.rend(), [&](uint32_t one) { return Exists(Ready(one)); });
  for (const uint32_t one : older) {
    if (one != older.back() && (ready == older.rend() || one != *ready)) DropLife(one);
  }
  DropLife(life_);
  if (Status made = MakeFolder(folder_ / "links"); !made) return made;
  return MakeFolder(Links(life_));
}

Status Pins::PinLink(bpf_link* link, const std::string& program) {
  const fs::path path = Links(life_) / program;
  if (const int error = bpf_link__pin(link, path.c_str()); error != 0)
    return FailErrno(path.string(), -error);
  pinned_.push_back({path, bpf_link__fd(link)});
  return {};
}

void Pins::UnpinLink(bpf_link* link) {
  std::erase_if(pinned_, [&](const Pinned& one) { return one.fd == bpf_link__fd(link); });
  bpf_link__unpin(link);
}

Status Pins::MarkReady() {
  ready_ = true;
  return MakeFolder(Ready(life_));
}

std::vector<fs::path> Pins::Missing() const {
  std::vector<fs::path> missing;
  for (const Pinned& one : pinned_) {
    if (!Exists(one.path)) missing.push_back(one.path);
  }
  if (ready_ && !Exists(Ready(life_))) missing.push_back(Ready(life_));
  return missing;
}

// Maps before links and the mark last, as at the start: whoever follows then finds all of it.
Status Pins::Restore() const {
  const std::vector<fs::path> folders = {root_, folder_, folder_ / "maps", folder_ / "links",
                                         Links(life_)};
  for (const fs::path& folder : folders) {
    if (Status made = MakeFolder(folder); !made) return made;
  }
  for (const Pinned& one : pinned_) {
    if (!Exists(one.path) && bpf_obj_pin(one.fd, one.path.c_str()) != 0)
      return FailErrno(one.path.string(), errno);
  }
  return ready_ ? MakeFolder(Ready(life_)) : Status();
}

bool Pins::has_foreign() const {
  return std::ranges::any_of(EntriesOf(root_),
                             [&](const fs::path& folder) { return folder != folder_; });
}

bool Pins::has_older() const { return !OlderLives().empty(); }

void Pins::DropOlder() const {
  for (const uint32_t life : OlderLives()) DropLife(life);
  for (const fs::path& folder : EntriesOf(root_)) {
    if (folder != folder_) RemoveLayout(folder);
  }
}

void Pins::DropOwn() const {
  DropLife(life_);
  if (OlderLives().empty()) RemoveLayout(folder_);
}

// The kernel takes the programs off by and by, when the links' inodes are done with: some seconds
// on a slow machine. Their refusals are to end now.
Status Pins::RemoveAll(const fs::path& root) {
  if (const auto disarmed = SetDisarmedPinned(root, {.reason = "removed"}); !disarmed)
    return tl::unexpected(disarmed.error());
  for (const fs::path& folder : EntriesOf(root)) RemoveLayout(folder);
  std::error_code failed;
  fs::remove_all(root, failed);
  if (failed) return Fail(root.string() + ": " + failed.message());
  return {};
}

}  // namespace nsw::kernel
