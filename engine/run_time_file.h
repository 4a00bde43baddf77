// SPDX-License-Identifier: Apache-2.0
// RunTimeFile: what containers were refused at run time, and who is in quarantine, outside the
// kernel: an engine whose maps look different from those of the one before it finds it there. The
// truth are the maps; where these are followed the file says what they cannot, what an entry is
// called. Used by the pipeline's thread alone.
//
// It is root's alone, written whole beside the old one and then renamed, and true for one boot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/rule/rule.h"

namespace nsw {

/// An entry that was pushed at run time.
struct RunTimeEntry {
  rule::RuleInfo rule;
  rule::DenyEntry entry;
  uint64_t expires_ns = 0;  ///< CLOCK_BOOTTIME; 0: never
};

/// What there is of one container.
struct RunTimeHome {
  uint64_t home = 0;  ///< nsw_home_id: the same for each engine, and never used again in a boot
  bool quarantined = false;
  std::vector<RunTimeEntry> entries;
};

class RunTimeFile {
 public:
  /// `boot`: what was written under another one is of no use any more.
  RunTimeFile(std::filesystem::path path, std::string boot)
      : path_(std::move(path)), boot_(std::move(boot)) {}

  /// Nothing where there is no file, or another boot's. Error: what it says is not understood.
  [[nodiscard]] Result<std::vector<RunTimeHome>> Load() const;
  /// Nothing to save: no file. Does not write what is there already.
  [[nodiscard]] Status Save(const std::vector<RunTimeHome>& homes);

 private:
  std::filesystem::path path_;
  std::string boot_;
  std::string written_;
};

}  // namespace nsw
