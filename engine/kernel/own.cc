// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/own.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace nsw::kernel {
namespace {

namespace fs = std::filesystem;

struct Row {
  const char* name;  // in fdinfo
  nsw_own_kind kind;
};
constexpr Row kObjects[] = {
    {"map_id:", NSW_OWN_MAP}, {"prog_id:", NSW_OWN_PROGRAM}, {"link_id:", NSW_OWN_LINK}};

}  // namespace

void Own::Put(uint64_t id, uint32_t dev, nsw_own_kind kind, uint32_t guards) {
  const nsw_own_key key{.id = id, .dev = dev, .kind = static_cast<uint32_t>(kind)};
  nsw_own value{};
  // A folder may be two things, as the one of the pins is.
  if (bpf_map_lookup_elem(map_, &key, &value) != 0 || value.life != life_) value.guards = 0;
  value.guards |= guards;
  value.life = life_;
  if (bpf_map_update_elem(map_, &key, &value, BPF_ANY) == 0) return;
  if (!full_) spdlog::warn("not all that is the engine's own finds room in the kernel's map `own`");
  full_ = true;
}

void Own::Keep(const std::vector<OwnFile>& files) {
  for (const OwnFile& file : files) {
    const Result<Resolved> found = resolver_.Resolve(getpid(), file.path.string());
    if (found)
      Put(found->ino, found->dev, NSW_OWN_INODE, static_cast<uint32_t>(file.kept));
    else
      spdlog::debug("not protected: {}", found.error().message);
  }
  if (const Result<Resolved> program = resolver_.ResolveExe(getpid()))
    Put(program->ino, program->dev, NSW_OWN_INODE, static_cast<uint32_t>(Kept::kFile));
}

void Own::KeepPins(const fs::path& root) {
  std::vector<OwnFile> files{{root, Kept::kFolder}};
  for (fs::path above = root; above.has_relative_path();) {
    above = above.parent_path();
    files.push_back({above, Kept::kPlace});
  }
  std::error_code failed;
  for (fs::recursive_directory_iterator at(root, failed), end; !failed && at != end;
       at.increment(failed)) {
    std::error_code gone;
    if (at->is_directory(gone)) files.push_back({at->path(), Kept::kFolder});
  }
  Keep(files);
}

void Own::KeepDescriptors() {
  std::error_code failed;
  for (fs::directory_iterator at("/proc/self/fdinfo", failed), end; !failed && at != end;
       at.increment(failed)) {
    std::ifstream info(at->path());
    for (std::string word; info >> word;) {
      for (const Row& object : kObjects) {
        if (uint32_t id = 0; word == object.name && info >> id)
          Put(id, 0, object.kind, NSW_OWN_ITSELF);
      }
    }
  }
}

void Own::DropOlder() const {
  std::vector<nsw_own_key> keys;
  nsw_own_key key{};
  while (keys.size() <= NSW_OWN_ROWS &&
         bpf_map_get_next_key(map_, keys.empty() ? nullptr : &keys.back(), &key) == 0)
    keys.push_back(key);
  for (const nsw_own_key& one : keys) {
    nsw_own value{};
    if (bpf_map_lookup_elem(map_, &one, &value) == 0 && value.life != life_)
      bpf_map_delete_elem(map_, &one);
  }
}

}  // namespace nsw::kernel
