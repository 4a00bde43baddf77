// SPDX-License-Identifier: Apache-2.0
// DenyMatcher: which deny entry of a policy speaks of an event. Decides as the kernel's maps do,
// where the kernel cannot, and for what a stricter policy would have refused. Built with the
// policy; asking it allocates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/event/event.h"
#include "engine/rule/deny_plan.h"
#include "engine/rule/string_set.h"

namespace nsw::rule {

class DenyMatcher {
 public:
  static constexpr size_t kNone = ~size_t{0};

  DenyMatcher() = default;
  /// In the entries' order: the earlier speaks first.
  explicit DenyMatcher(std::span<const DenyEntry> entries);

  /// Position of the entry that speaks of the event, or kNone.
  [[nodiscard]] size_t Match(const event::Event& event) const;

 private:
  /// First entry for each class; kNone where there is none.
  using ByClass = std::array<size_t, NSW_CLASS_COUNT>;
  using Table = std::unordered_map<std::string, ByClass, TextHash, std::equal_to<>>;

  struct NetEntry {
    NetRange range;
    size_t entry;
  };

  static void Add(Table& table, const DenyEntry& entry, size_t position);
  [[nodiscard]] size_t MatchPath(std::string_view path, uint32_t classes) const;
  [[nodiscard]] size_t MatchConnect(const event::Event& event) const;

  uint32_t classes_ = 0;
  Table paths_;
  Table below_;
  Table names_;
  std::vector<NetEntry> nets_;
};

}  // namespace nsw::rule
