// SPDX-License-Identifier: Apache-2.0
// Own: what the kernel keeps containers from touching since it is the engine's: the files that it
// is told of, its pins, and whatever BPF object it holds a descriptor of. Fills the map `own`, in
// which bpf/protect.bpf.c looks. Part of LoadedKernel; one thread. What finds no room is not
// protected; that is logged, and no failure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "bpf/abi.h"
#include "engine/kernel/resolve.h"

namespace nsw::kernel {

/// How much of a file or folder is the engine's.
enum class Kept : uint32_t {
  kFile = NSW_OWN_ITSELF | NSW_OWN_PLACE,
  kFolder = NSW_OWN_ITSELF | NSW_OWN_PLACE | NSW_OWN_FILES | NSW_OWN_NAMES,
  kFiles = NSW_OWN_FILES,  ///< what is directly in the folder, but not which files are there
  kPlace = NSW_OWN_PLACE,  ///< where the host has it mounted
};

struct OwnFile {
  std::filesystem::path path;
  Kept kept = Kept::kFile;
  bool operator==(const OwnFile&) const = default;
};

class Own {
 public:
  /// `map`: descriptor of the map `own`; it stays the object's. `life`: nsw_settings.life.
  Own(int map, Resolver resolver, uint32_t life) : map_(map), resolver_(resolver), life_(life) {}

  /// As they are now: one that is not there is left out, and one that is exchanged is another.
  void Keep(const std::vector<OwnFile>& files);
  /// `root`, all folders below it, and what `root` is mounted on.
  void KeepPins(const std::filesystem::path& root);
  /// The maps, programs and links that this process has open. Programs and maps that are made later
  /// the kernel adds by itself.
  void KeepDescriptors();
  /// What is of engines before this one only.
  void DropOlder() const;

 private:
  void Put(uint64_t id, uint32_t dev, nsw_own_kind kind, uint32_t guards);

  int map_;
  Resolver resolver_;
  uint32_t life_;
  bool full_ = false;
};

}  // namespace nsw::kernel
