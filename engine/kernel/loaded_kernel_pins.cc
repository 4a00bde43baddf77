// SPDX-License-Identifier: Apache-2.0
// What LoadedKernel does so that enforcement outlives the engine. How one engine follows another is
// told in pins.h.
#include <bpf/bpf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/kernel/hurry.h"
#include "engine/kernel/layout.h"
#include "engine/kernel/loaded_kernel.h"

namespace nsw::kernel {
namespace {

// What verdicts and identity rest on, and what tells of refusals. The other rings and the counters
// are each engine's own.
constexpr const char* kKept[] = {
    "settings", "labels",      "homes",        "inflight",    "inflight_large",
    "sets",     "clause_sets", "path_sets",    "filter_sets", "net_sets",
    "overlay",  "pushes",      "ring_denials", "untold",      "rule_names",
    "disarm",   "own"};
// Not named by the maps' own types: those of inner maps.
constexpr const char* kKeptStructs[] = {"nsw_clause", "nsw_clauses", "nsw_path_key", "nsw_filter",
                                        "nsw_net_key"};
constexpr std::string_view kData = ".bss";

// An engine of another layout leaves no word of its homes: its links stay until runtimes have had
// the time to tell whose containers are there, and longer where they have not told of all.
constexpr uint64_t kForeignGraceNs = 10'000'000'000;
constexpr uint64_t kForeignGraceMaxNs = 120'000'000'000;

// A file of that file system may have no dot in its name.
std::string FileOf(const bpf_map* map) {
  const std::string_view name = bpf_map__name(map);
  return name.ends_with(kData) ? "data" : std::string(name);
}

std::vector<bpf_map*> KeptMaps(bpf_object* object) {
  std::vector<bpf_map*> maps;
  for (const char* name : kKept) maps.push_back(bpf_object__find_map_by_name(object, name));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).ends_with(kData)) maps.push_back(map);
  }
  return maps;
}

}  // namespace

Status LoadedKernel::OpenPins() {
  if (options_.pins.empty() || !options_.outlive) return {};
  leaves_older_ = options_.enforce && !judging() && Pins::AnyAttached(options_.pins);
  if (!judging()) return {};
  Result<Pins> pins = Pins::Open(options_.pins, LayoutOf(skeleton_->obj, kKept, kKeptStructs));
  if (!pins) {
    spdlog::warn("what is refused is refused only while this process runs: {}",
                 pins.error().message);
    return {};
  }
  pins_.emplace(std::move(*pins));
  return pins_->inherits() ? Inherit() : Status();
}

Status LoadedKernel::Inherit() {
  for (bpf_map* map : KeptMaps(skeleton_->obj)) {
    const Result<UniqueFd> pinned = pins_->Map(FileOf(map));
    if (!pinned) return tl::unexpected(pinned.error());
    if (const int error = bpf_map__reuse_fd(map, pinned->get()); error != 0)
      return FailProgram("enforce", "taking over map " + FileOf(map), -error);
  }
  nsw_settings settings{};
  const uint32_t only = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.settings), &only, &settings) != 0)
    return FailErrno("reading the settings that are pinned", errno);
  life_ = settings.life + 1;
  return {};
}

Status LoadedKernel::PinMaps() {
  if (!pins_) return {};
  if (const auto how = GetDisarmedPinned(options_.pins); how && !pins_->inherits()) {
    if (Status set = SetDisarmed(bpf_map__fd(skeleton_->maps.disarm), *how); !set) return set;
  }
  for (const bpf_map* map : KeptMaps(skeleton_->obj)) {
    if (Status pinned = pins_->PinMap(bpf_map__fd(map), FileOf(map)); !pinned) return pinned;
  }
  return pins_->Begin(life_);
}

// The entries of calls under way whose return nobody will see. Where such a task has begun a wanted
// call in this very moment its entry goes, too; that is counted when it returns. A refusal that was
// to be told with one of them is reported by its rule alone.
void LoadedKernel::DropCalls(uint64_t events) {
  for (const bpf_map* map : {skeleton_->maps.inflight, skeleton_->maps.inflight_large}) {
    const int fd = bpf_map__fd(map);
    std::vector<std::byte> value(bpf_map__value_size(map));
    std::vector<uint64_t> keys;
    for (uint64_t key = 0;
         bpf_map_get_next_key(fd, keys.empty() ? nullptr : &keys.back(), &key) == 0;) {
      // A key that goes meanwhile makes the walk begin anew.
      if (keys.size() > bpf_map__max_entries(map)) break;
      keys.push_back(key);
    }
    for (const uint64_t key : keys) {
      uint16_t type = 0;
      uint32_t state = 0;
      nsw_header header{};
      if (bpf_map_lookup_elem(fd, &key, value.data()) != 0) continue;
      std::memcpy(&type, value.data() + NSW_CALL_TYPE, sizeof type);
      std::memcpy(&state, value.data() + NSW_CALL_STATE, sizeof state);
      std::memcpy(&header, value.data() + NSW_CALL_RECORD, sizeof header);
      if (type >= NSW_EVENT_COUNT || (events >> type & 1) == 0) continue;
      if (bpf_map_delete_elem(fd, &key) != 0) continue;  // it was sent meanwhile
      if (header.verdict == NSW_VERDICT_DENIED && (state & NSW_CALL_SENT) == 0)
        names_->Add(header.rule, 1);
    }
  }
}

// What is pinned is this engine's own, or what it leaves in force of one before it.
std::string LoadedKernel::pinned() const {
  if (pins_) return pins_->root().string();
  return leaves_older_ ? options_.pins.string() : std::string();
}

void LoadedKernel::MarkReady() {
  ready_ = true;
  ready_ns_ = SystemClock().BootNs();
  if (!pins_) return;
  if (Status marked = pins_->MarkReady(); !marked) spdlog::warn("{}", marked.error().message);
}

bool LoadedKernel::TakeOver(bool all_known) {
  if (taken_over_ || leaves_older_ || options_.pins.empty()) return false;
  const bool older = pins_ && pins_->has_older();
  const bool foreign = pins_ ? pins_->has_foreign() : std::filesystem::exists(options_.pins);
  const uint64_t grace = all_known ? kForeignGraceNs : kForeignGraceMaxNs;
  if (foreign && SystemClock().BootNs() < ready_ns_ + grace) return false;
  if (deny_->InheritedInUse()) return false;
  taken_over_ = true;
  if (!older && !foreign) {
    deny_->FreeInherited();
    return false;
  }
  const Hurry hurry;
  if (pins_) {
    pins_->DropOlder();
  } else if (Status removed = Pins::RemoveAll(options_.pins); !removed) {
    spdlog::warn("{}", removed.error().message);
  }
  deny_->FreeInherited();
  if (own_) own_->DropOlder();
  return true;
}

// Before the probes are taken away: from now on nobody relies on them.
void LoadedKernel::ClosePins() {
  if (!pins_ || settings_ == nullptr) {
    if (leave_nothing_ && !options_.pins.empty()) (void)Pins::RemoveAll(options_.pins);
    return;
  }
  settings_->engine = 0;
  settings_->wanted = 0;
  settings_->watch_host = 0;
  if (leave_nothing_) {
    if (Status removed = Pins::RemoveAll(pins_->root()); !removed)
      spdlog::error("{}", removed.error().message);
  } else if (!ready_) {
    pins_->DropOwn();
  }
}

// Once the programs are attached that ask for it.
void LoadedKernel::ProtectAtStart() {
  if (!enforcing()) return;
  const Resolver resolver(ProgramFd("nsw_resolve"), bpf_map__fd(skeleton_->maps.answer));
  own_.emplace(bpf_map__fd(skeleton_->maps.own), resolver, life_);
  own_->KeepDescriptors();
  if (pins_) own_->KeepPins(pins_->root());
  own_->Keep(options_.own);
}

void LoadedKernel::Protect(const std::vector<OwnFile>& files) {
  if (own_) own_->Keep(files);
}

// Of engines before this one, too, for as long as their programs are there.
Status LoadedKernel::Disarm(const Disarmed& how) {
  if (!options_.pins.empty()) {
    if (const auto turned = SetDisarmedPinned(options_.pins, how); !turned)
      return tl::unexpected(turned.error());
  }
  return SetDisarmed(bpf_map__fd(skeleton_->maps.disarm), how);
}

std::optional<Disarmed> LoadedKernel::disarmed() const {
  return leaves_older_ ? GetDisarmedPinned(options_.pins)
                       : GetDisarmed(bpf_map__fd(skeleton_->maps.disarm));
}

}  // namespace nsw::kernel
