// SPDX-License-Identifier: Apache-2.0
// What changes in a container after it was bound: links lead elsewhere, files are made and
// replaced, by the container or from outside.
#include <spdlog/spdlog.h>

#include "engine/kernel/deny_map_driver.h"

namespace nsw::kernel {
namespace {

// Found after Bind(), of one home: who sends a link round and round costs himself alone.
constexpr size_t kLateMax = 256;

}  // namespace

Result<size_t> DenyMapDriver::Refresh(uint64_t home, pid_t pid) {
  return Refresh(home, Resolver::Enter(pid));
}

Result<size_t> DenyMapDriver::Refresh(uint64_t home, const Inside& inside) {
  const auto known = homes_.find(home);
  if (known == homes_.end() || left_.contains(home)) return 0;
  Bound& bound = known->second;
  const DenyTables& tables = sets_.tables(bound.slot);
  if (tables.objects.empty() || bound.late >= kLateMax || inside.pid <= 0) return 1;
  Bound now;
  std::map<Place, Ranges> found;
  Resolve(tables, inside, now, found);
  for (auto& [place, ranges] : found) {
    const auto row = bound.rows.find(place);
    if (row == bound.rows.end()) continue;
    const Ranges before = sets_.RangesOf(bound.slot, row->second);
    ranges.insert(ranges.end(), before.begin(), before.end());
  }
  Result<Rows> rows = Join(bound.slot, found);
  if (!rows) {
    bound.late = kLateMax;
    return tl::unexpected(rows.error());
  }
  std::erase_if(*rows, [&](const auto& row) {
    const auto old = bound.rows.find(row.first);
    return old != bound.rows.end() && old->second.first == row.second.first &&
           old->second.count == row.second.count;
  });
  if (!rows->empty())
    if (Status added = Add(home, bound, now, *rows); !added) return tl::unexpected(added.error());
  return tables.objects.size();
}

// The rows first: a flag only says where to look.
Status DenyMapDriver::Add(uint64_t home, Bound& bound, const Bound& now, const Rows& rows) {
  if (Status written = WriteRows(home, bound.slot, rows); !written) return written;
  if (!bound.rows.empty()) bound.late += rows.size();
  for (const auto& [place, clauses] : rows) bound.rows[place] = clauses;
  bound.flags |= now.flags;
  bound.target_depths |= now.target_depths;
  if (bound.late >= kLateMax)
    spdlog::warn(
        "home {:#x}: what its rules name has led to more than {} other files since its policies "
        "were bound; no more are followed until they are loaded anew",
        home, kLateMax);
  return SetHome(home, bound, StateOf(home).phases, NSW_BIND_SWITCH);
}

}  // namespace nsw::kernel
