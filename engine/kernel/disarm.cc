// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/disarm.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "engine/base/unique_fd.h"

namespace nsw::kernel {
namespace {

constexpr uint32_t kOnly = 0;

// Another version's element may be longer or shorter; `on` is its first number in all of them.
Result<std::vector<std::byte>> Room(int map) {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(map, &info, &size) != 0)
    return FailErrno("asking for the size of the map `disarm`", errno);
  return std::vector<std::byte>(std::max<size_t>(info.value_size, sizeof(nsw_disarm)));
}

}  // namespace

Status SetDisarmed(int map, const Disarmed& disarmed) {
  Result<std::vector<std::byte>> room = Room(map);
  if (!room) return tl::unexpected(room.error());
  nsw_disarm value{};
  value.on = disarmed.how;
  value.uid = disarmed.uid;
  value.pid = disarmed.pid;
  value.time_ns = disarmed.time_ns;
  disarmed.reason.copy(value.reason, sizeof value.reason - 1);
  std::memcpy(room->data(), &value, sizeof value);
  if (bpf_map_update_elem(map, &kOnly, room->data(), BPF_ANY) != 0)
    return FailErrno("writing the map `disarm`", errno);
  return {};
}

std::optional<Disarmed> GetDisarmed(int map) {
  const Result<std::vector<std::byte>> room = Room(map);
  nsw_disarm value{};
  std::vector<std::byte> bytes = room.value_or(std::vector<std::byte>(sizeof value));
  if (bpf_map_lookup_elem(map, &kOnly, bytes.data()) != 0) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof value);
  if (value.on == NSW_ARMED) return std::nullopt;
  return Disarmed{value.on == NSW_DISARMED_AT_START ? NSW_DISARMED_AT_START : NSW_DISARMED_BY_HAND,
                  value.uid, value.pid, value.time_ns,
                  std::string(value.reason, strnlen(value.reason, sizeof value.reason))};
}

Result<size_t> SetDisarmedPinned(const std::filesystem::path& root, const Disarmed& disarmed) {
  size_t turned = 0;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(root, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::filesystem::path path = at->path() / "maps" / "disarm";
    const UniqueFd map(bpf_obj_get(path.c_str()));
    if (!map.valid() && errno == ENOENT) continue;
    if (!map.valid()) return FailErrno(path.string(), errno);
    if (Status set = SetDisarmed(map.get(), disarmed); !set) return tl::unexpected(set.error());
    ++turned;
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return Fail(root.string() + ": " + failed.message());
  return turned;
}

std::optional<Disarmed> GetDisarmedPinned(const std::filesystem::path& root) {
  std::error_code failed;
  for (std::filesystem::directory_iterator at(root, failed), end; !failed && at != end;
       at.increment(failed)) {
    const UniqueFd map(bpf_obj_get((at->path() / "maps" / "disarm").c_str()));
    std::optional<Disarmed> how = map.valid() ? GetDisarmed(map.get()) : std::nullopt;
    if (how) return how;
  }
  return std::nullopt;
}

}  // namespace nsw::kernel
