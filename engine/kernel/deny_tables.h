// SPDX-License-Identifier: Apache-2.0
// Lowering: what a deny plan becomes in the kernel's maps. Pure; used by the deny-map driver and
// its tests.
//
// Each entry becomes a clause under each of its keys, and each of its exceptions a clause that
// voids it. Keys under which the same clauses stand share them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi.h"
#include "engine/base/result.h"
#include "engine/kernel/path_hash.h"
#include "engine/kernel/refusals.h"
#include "engine/rule/deny_plan.h"

namespace nsw::kernel {

/// Key of a path table: (kind, hash).
using PathKey = std::pair<uint32_t, uint64_t>;

/// A path or a directory, which in each container is also a target and an inode; with an open
/// component, several.
struct NamedObject {
  std::string path;
  uint32_t hole = kNoHole;  ///< which component is any
  bool below = false;
  nsw_clauses clauses{};
};

struct DenyTables {
  nsw_set set{};  ///< all but `generation`
  std::vector<nsw_clause> clauses;
  std::map<PathKey, nsw_clauses> paths;
  std::vector<std::pair<nsw_net_key, nsw_clauses>> nets;
  std::vector<NamedObject> objects;
  uint32_t classes = 0;   ///< bits of all that is spoken of, NSW_CLASS_BY and UNTIL included
  uint32_t enforced = 0;  ///< those of which an enforcing rule speaks
  Refusals refusals;      ///< what the programs must be there for

  /// The kernel memory that the maps of this set take, bytes.
  [[nodiscard]] uint64_t bytes() const;
};

/// Clauses that a set may get beyond its own, for files with several names that entries speak of.
inline constexpr size_t kSpareClauses = 1024;
inline constexpr size_t kEntriesMax = 10'000;  ///< of one class

/// What the programs must be there for.
Refusals RefusalsOf(const rule::DenyPlan& plan);

/// Errors, with the number: what the kernel's walk cannot follow, what it has no room for, an entry
/// without a rule id.
Result<DenyTables> Lower(const rule::DenyPlan& plan, uint64_t seed);

/// Of all keys in `paths`.
std::unique_ptr<nsw_filter> FilterOf(const DenyTables& tables);

/// Clauses by themselves, without a set: what run-time entries look like to the kernel.
nsw_push PushOf(const rule::DenyEntry& entry, uint64_t expires_ns);

/// Where a path or name is found under a hash. Error: what such a key cannot hold.
Result<PathKey> HashKey(const rule::DenyKey& key, uint64_t seed);

}  // namespace nsw::kernel
