// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/kernel.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "engine/base/clock.h"
#include "engine/event/event.h"
#include "engine/kernel/hurry.h"
#include "engine/kernel/loaded_kernel.h"
#include "engine/kernel/path_hash.h"

namespace nsw::kernel {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr int kLabelPasses = 16;
// Once the engine has not come round for so long, no container's start waits for it.
constexpr uint64_t kAliveNs = 10 * kSecond;

/// Ring buffers are a power of two of at least a page.
uint32_t RingBytes(uint32_t asked) { return std::bit_ceil(std::max<uint32_t>(asked, 4096)); }

constexpr const char* kIdentity[] = {"nsw_free",      "nsw_set_home",   "nsw_resolve",
                                     "nsw_find_host", "nsw_home_wants", "nsw_engine_gone"};
// Where there are LSM programs, no verdict rests on these.
constexpr const char* kTracepoints[] = {"nsw_inherit", "nsw_seed_late"};
// On hooks; and those that are on LSM hooks alone.
constexpr const char* kHookedIdentity[] = {"nsw_task_alloc", "nsw_seed"};
constexpr const char* kLsmIdentity[] = {"nsw_task_free", "nsw_enter_namespace"};

// What was asked for, and what knowing the processes rests on.
uint64_t WithTheirNeeds(uint64_t events) {
  events |= event::EventsOf({event::History::ALWAYS});
  return events & (((1ULL << NSW_EVENT_COUNT) - 1) | NSW_WANT_NAMED_READS | NSW_WANT_ANY_PORT |
                   NSW_WANT_ENVIRONMENT);
}

}  // namespace

Result<std::unique_ptr<Kernel>> Kernel::Load(const Features& features, const Options& options) {
  auto kernel = std::make_unique<LoadedKernel>(features, options);
  if (Status status = kernel->Start(); !status) return tl::unexpected(status.error());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

LoadedKernel::~LoadedKernel() {
  const Hurry hurry;
  ClosePins();
  canary_.reset();
  sensor_.reset();
  enforcer_.reset();
  links_.clear();
  if (settings_ != nullptr)
    munmap(const_cast<nsw_settings*>(settings_), static_cast<size_t>(getpagesize()));
}

Status LoadedKernel::Start() {
  CaptureLibbpfLog();
  const Hurry hurry;
  if (!features_.tracing || !features_.ring_buffer) {
    return Fail(
        "this kernel lacks BTF tracepoints or BPF ring buffers; nswarden needs Linux 5.10 with "
        "CONFIG_DEBUG_INFO_BTF");
  }
  PoolKretprobe::RemoveStale();
  if (options_.enforce) enforcement_ = features_.enforcement();
  if (Status status = OpenIdentity(); !status) return status;
  if (Status status = FillSettings(); !status) return status;
  if (Status status = OpenRings(); !status) return status;
  OpenDenyMaps();
  if (Status status = PinMaps(); !status) return status;
  // Identity before the sensor, so that no act is seen whose process has no label yet.
  if (Status status = AttachIdentity(); !status) return status;
  ProtectAtStart();
  if (inherits()) {
    if (Status status = deny_->Inherit(); !status) return status;
  }
  Result<Sensor> sensor =
      Sensor::Load(features_, skeleton_->obj, judging(), life_, WithTheirNeeds(options_.wanted));
  if (!sensor) return tl::unexpected(sensor.error());
  sensor_.emplace(std::move(*sensor));
  if (Status status = LoadCanary(); !status)
    spdlog::warn("nobody will notice if what the engine relies on is switched off: {}",
                 status.error().message);
  SetWanted(options_.wanted, ~0ULL);
  return {};
}

Status LoadedKernel::OpenIdentity() {
  skeleton_.reset(enforce__open());
  if (!skeleton_) return FailProgram("enforce", "opening the object", errno);
  bpf_map__set_max_entries(skeleton_->maps.ring_events, RingBytes(options_.events_ring_bytes));
  bpf_map__set_max_entries(skeleton_->maps.ring_files, RingBytes(options_.files_ring_bytes));
  bpf_map__set_max_entries(skeleton_->maps.ring_denials, RingBytes(options_.denials_ring_bytes));
  bpf_map__set_max_entries(skeleton_->maps.labels, options_.max_tasks);
  skeleton_->rodata->unbound_closed = options_.unbound_closed && enforcing() ? 1 : 0;
  if (Status status = OpenPins(); !status) return status;
  skeleton_->rodata->own_life = life_;
  const uint32_t tasks = bpf_map__max_entries(skeleton_->maps.labels);  // of those that are pinned
  skeleton_->rodata->home_tasks_max = tasks - tasks / 8;
  if (Status status = ChooseIdentity(); !status) return status;
  if (const int error = enforce__load(skeleton_.get()); error != 0)
    return FailProgram("enforce", "loading", -error);
  return {};
}

Status LoadedKernel::ChooseIdentity() {
  bpf_object* object = skeleton_->obj;
  for (const char* name : kIdentity) Want(object, name);
  if (options_.tracepoints) {
    for (const char* name : kTracepoints) Want(object, name);
  }
  if (features_.iterator) {
    Want(object, "nsw_label_running");
    Want(object, "nsw_tell_homes");
  }
  if (!enforcing() && features_.fexit && HasBtfFunction("switch_task_namespaces"))
    Want(object, "nsw_switch");
  if (!judging()) return {};
  enforcer_.emplace(object, pins_ ? &*pins_ : nullptr, life_, enforcement_);
  enforcer_->hooks().Describe(skeleton_.get());
  if (enforcing()) {
    for (const char* name : kLsmIdentity) Want(object, name);
    enforcer_->hooks().ChooseGuards(object);
  }
  for (const char* name : kHookedIdentity) {
    if (Status asked = enforcer_->hooks().Ask(object, name); !asked) return asked;
  }
  return {};
}

Status LoadedKernel::FillSettings() {
  const auto page = static_cast<size_t>(getpagesize());
  void* memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED,
                      bpf_map__fd(skeleton_->maps.settings), 0);
  if (memory == MAP_FAILED) return FailErrno("mapping the settings", errno);
  settings_ = static_cast<volatile nsw_settings*>(memory);
  const Result<uint32_t> failed = RunProgram(ProgramFd("nsw_find_host"), {});
  if (!failed) return tl::unexpected(failed.error());
  if (*failed != 0)
    return Fail(
        "process 1 is not among the ancestors of this process: the host's namespaces are unknown");
  names_.emplace(bpf_map__fd(skeleton_->maps.rule_names), bpf_map__fd(skeleton_->maps.untold),
                 settings_->untold);
  if (inherits()) {
    seed_ = settings_->seed;  // what the sets' hashes were made with
    DropCalls(~0ULL);
  } else if (getrandom(&seed_, sizeof seed_, 0) != sizeof seed_) {
    return FailErrno("getrandom", errno);
  }
  settings_->seed = seed_;
  settings_->life = life_;
  settings_->watch_host = options_.watch_host ? 1 : 0;
  settings_->engine = static_cast<uint32_t>(getpid());
  settings_->wanted = 0;  // until all is attached
  settings_->paired = 0;
  return {};
}

Status LoadedKernel::AttachIdentity() {
  Result<std::vector<Link>> links =
      AttachAll(skeleton_->obj, attachments_, pins_ ? &*pins_ : nullptr);
  if (!links) return tl::unexpected(links.error());
  links_ = std::move(*links);
  return {};
}

Status LoadedKernel::OpenRings() {
  std::vector<RingSource::Map> maps;
  for (bpf_map* map :
       {skeleton_->maps.ring_files, skeleton_->maps.ring_events, skeleton_->maps.ring_denials}) {
    maps.push_back({bpf_map__fd(map), bpf_map__max_entries(map)});
  }
  Result<RingSource> source = RingSource::Open(maps);
  if (!source) return tl::unexpected(source.error());
  source_.emplace(std::move(*source));
  return {};
}

void LoadedKernel::OpenDenyMaps() {
  const DenyMapFds fds = DenyMapFdsOf(skeleton_.get());
  const auto serve = [this](const Refusals& wanted) {
    const Status served = enforcer_ ? enforcer_->Serve(wanted) : Status();
    if (own_) own_->KeepDescriptors();
    return served;
  };
  deny_ = std::make_unique<DenyMapDriver>(fds, seed_, bpf_map__max_entries(skeleton_->maps.sets),
                                          enforcer_ ? enforcer_->hooks().operations() : 0,
                                          enforcement_, serve);
}

int LoadedKernel::ProgramFd(const std::string& name) const {
  return bpf_program__fd(FindProgram(skeleton_->obj, name));
}

// Returns how many bytes it wrote.
Result<size_t> LoadedKernel::RunIterator(const char* program) {
  bpf_link* raw = bpf_program__attach_iter(FindProgram(skeleton_->obj, program), nullptr);
  if (raw == nullptr) return FailProgram(program, "attaching", errno);
  const Link link(raw);
  const UniqueFd iterator(bpf_iter_create(bpf_link__fd(raw)));
  if (!iterator.valid()) return FailErrno("making a task iterator", errno);
  std::array<char, 4096> buffer{};
  size_t written = 0;
  for (;;) {
    const ssize_t bytes = read(iterator.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EAGAIN) continue;
    if (bytes < 0) return FailErrno("walking the running tasks", errno);
    if (bytes == 0) return written;
    written += static_cast<size_t>(bytes);
  }
}

Status LoadedKernel::LabelRunning() {
  if (!features_.iterator) {
    return Fail(
        "this kernel has no task iterator: containers that run already are seen from their next "
        "exec on");
  }
  size_t total = 0;
  for (int pass = 0; pass < kLabelPasses; ++pass) {
    const Result<size_t> labelled = RunIterator("nsw_label_running");
    if (!labelled) return tl::unexpected(labelled.error());
    total += *labelled;
    if (*labelled == 0) break;
  }
  spdlog::info("{} in containers already",
               total == 1 ? "1 task was" : std::to_string(total) + " tasks were");
  if (!inherits()) return {};
  const Result<size_t> told = RunIterator("nsw_tell_homes");
  return told ? Status() : tl::unexpected(told.error());
}

uint64_t LoadedKernel::AsTold(uint64_t events) const {
  events = WithTheirNeeds(events);
  const bool all = all_reads_ && (events & NSW_WANT_NAMED_READS) != 0;
  return all ? events | NSW_WANT_READS : events;
}

// First what is new: at no instant less than the policies in force want.
void LoadedKernel::SetReadNames(const std::set<std::string>& names) {
  const int fd = bpf_map__fd(skeleton_->maps.read_names);
  all_reads_ = names.size() > NSW_READ_NAMES;
  const std::set<std::string> wanted = all_reads_ ? std::set<std::string>() : names;
  const uint8_t one = 1;
  for (const std::string& name : wanted) {
    const uint64_t hash = NameHash(name, seed_);
    if (bpf_map_update_elem(fd, &hash, &one, BPF_ANY) != 0) all_reads_ = true;
  }
  for (const std::string& name : read_names_) {
    const uint64_t hash = NameHash(name, seed_);
    if (!wanted.contains(name)) bpf_map_delete_elem(fd, &hash);
  }
  read_names_ = wanted;
}

// A port that is wanted before and after is at each instant: no bit is ever cleared on the way.
void LoadedKernel::SetPorts(const rule::Ports& ports) {
  nsw_ports wanted{};
  for (const rule::Ports::Range& range : ports.ranges()) {
    for (uint32_t port = range.first; port <= range.last; port++)
      wanted.bits[port / 64] |= 1ULL << port % 64;
  }
  const uint32_t zero = 0;
  bpf_map_update_elem(bpf_map__fd(skeleton_->maps.ports), &zero, &wanted, BPF_ANY);
}

void LoadedKernel::SetWanted(uint64_t events, uint64_t everywhere) {
  events = AsTold(events);
  settings_->everywhere = AsTold(everywhere);
  const uint64_t gone = settings_->wanted & ~events;
  settings_->paired = settings_->paired & ~gone;
  settings_->wanted = settings_->wanted & ~gone;
  const Hurry hurry;
  if (gone != 0) {
    link_watch_.Forget();
    sensor_->Detach(gone);
    DropCalls(gone);
  }
  if (const Status status = sensor_->Attach(events); !status)
    spdlog::error("what was not wanted before is not watched: {}", status.error().message);
  if (own_) own_->KeepDescriptors();
  settings_->wanted = events;
  // A call that was under way when its probes came has a return without an entry. That is no loss.
  paired_from_ns_ = SystemClock().BootNs() + kSecond;
}

size_t LoadedKernel::Poll(int timeout_ms, const Handler& handler) {
  settings_->alive_until = SystemClock().BootNs() + kAliveNs;
  const size_t handed = source_->Poll(timeout_ms, handler);
  if (const uint64_t now = SystemClock().BootNs(); now >= next_expiry_ns_) {
    next_expiry_ns_ = now + kSecond;
    deny_->Expire(now);
    if (now >= paired_from_ns_) settings_->paired = settings_->wanted;
  }
  return handed;
}

std::vector<Counter> LoadedKernel::Counters() const {
  const int fd = bpf_map__fd(skeleton_->maps.counters);
  std::vector<uint64_t> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
  const EventCounts skipped = sensor_->Skipped();
  std::vector<Counter> all;
  for (uint32_t index = 0; index < uint32_t{NSW_EVENT_COUNT} * NSW_COUNT_KINDS; ++index) {
    if (bpf_map_lookup_elem(fd, &index, per_cpu.data()) != 0) continue;
    const auto event = static_cast<nsw_event>(index / NSW_COUNT_KINDS);
    const auto kind = static_cast<nsw_count>(index % NSW_COUNT_KINDS);
    uint64_t sum = kind == NSW_COUNT_SKIPPED ? skipped[event] : 0;
    for (const uint64_t value : per_cpu) sum += value;
    all.push_back({event, kind, sum});
  }
  return all;
}

std::vector<HomeState> LoadedKernel::Homes() const {
  const int fd = bpf_map__fd(skeleton_->maps.homes);
  std::vector<HomeState> all;
  uint64_t key = 0;
  uint64_t next = 0;
  const uint64_t* previous = nullptr;
  while (bpf_map_get_next_key(fd, previous, &next) == 0) {
    nsw_home value{};
    if (bpf_map_lookup_elem(fd, &next, &value) == 0) all.push_back({next, value});
    key = next;
    previous = &key;
  }
  return all;
}

Status LoadedKernel::SetHomeFlags(uint64_t home, uint32_t flags) {
  if (enforcer_ && (flags & NSW_HOME_QUARANTINED) != 0) {
    if (Status ready = enforcer_->Serve({NSW_CLASSES_QUARANTINE, 0}); !ready) return ready;
  }
  return ChangeHome(home, flags, 0);
}

Status LoadedKernel::ClearHomeFlags(uint64_t home, uint32_t flags) {
  return ChangeHome(home, 0, flags);
}

// What else its flags say stays: a quarantine is not for a reload to end.
Status LoadedKernel::ChangeHome(uint64_t home, uint32_t set, uint32_t clear) {
  const Result<uint32_t> failed = RunProgram(ProgramFd("nsw_set_home"), {home, set, clear});
  if (!failed) return tl::unexpected(failed.error());
  if (*failed != 0) return Fail("no room for one more container in the kernel's map `homes`");
  return {};
}

Status LoadedKernel::SetHomeWants(uint64_t home, uint64_t events) {
  const Result<uint32_t> done = RunProgram(ProgramFd("nsw_home_wants"), {home, ~AsTold(events)});
  if (!done) return tl::unexpected(done.error());
  return {};
}

std::vector<std::string> LoadedKernel::attachments() const {
  std::vector<std::string> all = attachments_;
  if (enforcer_)
    all.insert(all.end(), enforcer_->attachments().begin(), enforcer_->attachments().end());
  const std::vector<std::string> sensor = sensor_->attachments();
  all.insert(all.end(), sensor.begin(), sensor.end());
  return all;
}

}  // namespace nsw::kernel
