// SPDX-License-Identifier: Apache-2.0
// Pins: what holds the programs and maps in the kernel when the engine is gone. Made by
// LoadedKernel; one thread. Everything lies below one folder of the BPF file system, root's alone:
//
//     LAYOUT/maps/MAP             what verdicts and identity rest on
//     LAYOUT/links/LIFE/PROGRAM   the programs of one engine, attached
//     LAYOUT/ready-LIFE           that engine has come up
//
// How one engine follows another without a moment of neither: where LAYOUT (a hash of what the maps
// look like) is the same, the new engine works on the old one's maps. So both engines' programs
// answer from the same sets, homes and labels, and while both are attached the stricter answer
// counts. The new one builds its own sets beside the old ones, binds each home anew, and when no
// home is bound to an old set any more it takes the old links away. Where LAYOUT differs it begins
// with maps of its own, labels what runs as a first start does, and takes the old links away once
// all containers have their policies. An engine that dies on the way leaves both engines' links;
// the next one follows both.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::kernel {

class Pins {
 public:
  /// Makes LAYOUT's folder, unless it is there. Error: no BPF file system, no permission.
  static Result<Pins> Open(std::filesystem::path root, const std::string& layout);

  /// A program of an engine, of whatever layout, is pinned below `root`, and attached still.
  [[nodiscard]] static bool AnyAttached(const std::filesystem::path& root);

  /// There are an engine's maps of this layout, and all of them.
  [[nodiscard]] bool inherits() const { return inherits_; }
  /// There is something of engines before this one: of this layout, of another.
  [[nodiscard]] bool has_older() const;
  [[nodiscard]] bool has_foreign() const;
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  [[nodiscard]] Result<UniqueFd> Map(const std::string& name) const;
  /// Where maps are inherited, only notes that it is pinned there. `fd` must stay open; so for
  /// links.
  [[nodiscard]] Status PinMap(int fd, const std::string& name);
  /// All maps are pinned: from now on they are inherited, and links can be pinned as this life's.
  /// What engines left that died while they came up is taken away, but for the last.
  [[nodiscard]] Status Begin(uint32_t life);
  [[nodiscard]] Status PinLink(bpf_link* link, const std::string& program);
  /// ... and takes that back.
  void UnpinLink(bpf_link* link);
  /// This engine has come up.
  [[nodiscard]] Status MarkReady();

  /// What this engine has pinned, and its mark, that are not there any more.
  [[nodiscard]] std::vector<std::filesystem::path> Missing() const;
  /// Pins that again. Error: the first that failed.
  [[nodiscard]] Status Restore() const;

  /// Takes away what engines before this one have left.
  void DropOlder() const;
  /// Takes away this engine's own links; the maps, too, where nobody else's links need them.
  void DropOwn() const;
  /// Takes everything below `root` away, links first. Error: what could not be removed.
  [[nodiscard]] static Status RemoveAll(const std::filesystem::path& root);

 private:
  Pins(std::filesystem::path root, const std::string& layout);
  struct Pinned {
    std::filesystem::path path;
    int fd;
  };

  [[nodiscard]] std::filesystem::path Links(uint32_t life) const;
  [[nodiscard]] std::filesystem::path Ready(uint32_t life) const;
  [[nodiscard]] std::vector<uint32_t> OlderLives() const;
  void DropLife(uint32_t life) const;

  std::filesystem::path root_;
  std::filesystem::path folder_;  ///< root_/LAYOUT
  bool inherits_ = false;
  uint32_t life_ = 0;
  bool ready_ = false;
  std::vector<Pinned> pinned_;
};

}  // namespace nsw::kernel
