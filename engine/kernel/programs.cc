// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/perf_event.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <utility>

#include "engine/kernel/pins.h"
#include "engine/kernel/symbols.h"

namespace nsw::kernel {
namespace {

constexpr size_t kKept = 2000;

std::mutex log_mutex;
std::string log_text;

int OnLibbpf(libbpf_print_level level, const char* format, va_list arguments) {
  char line[1024];
  const int length = vsnprintf(line, sizeof line, format, arguments);
  std::string text(line);
  std::replace(text.begin(), text.end(), '\n', ' ');
  spdlog::debug("{}", text);
  // It guesses at a limit that kernels no longer have for root.
  const bool misleads = text.find("try raising 'ulimit -l'") != std::string::npos;
  if (level == LIBBPF_WARN && !misleads) {
    const std::lock_guard lock(log_mutex);
    if (log_text.size() < kKept) log_text += text;
  }
  return length;
}

// There are some 60,000: of a name only its hash is kept.
struct BtfFunction {
  size_t name;
  uint32_t id;
  uint16_t arguments;
  bool structure;  // one of them is a structure, and no pointer to one
};

BtfFunction Describe(const btf* kernel, const btf_type* function, uint32_t id) {
  const std::string_view name = btf__name_by_offset(kernel, function->name_off);
  BtfFunction described{std::hash<std::string_view>()(name), id, 0, false};
  const btf_type* prototype = btf__type_by_id(kernel, function->type);
  if (prototype == nullptr) return described;
  described.arguments = btf_vlen(prototype);
  for (uint32_t i = 0; i < described.arguments; i++) {
    const int resolved = btf__resolve_type(kernel, btf_params(prototype)[i].type);
    const btf_type* type =
        resolved > 0 ? btf__type_by_id(kernel, static_cast<uint32_t>(resolved)) : nullptr;
    described.structure = described.structure || (type != nullptr && btf_is_composite(type));
  }
  return described;
}

// All of them at once: looking for one walks the whole of the types.
std::vector<BtfFunction> BtfFunctions() {
  std::vector<BtfFunction> functions;
  btf* kernel = btf__load_vmlinux_btf();
  if (kernel == nullptr) return functions;
  for (__u32 id = 1; id < btf__type_cnt(kernel); id++) {
    const btf_type* type = btf__type_by_id(kernel, id);
    if (btf_is_func(type)) functions.push_back(Describe(kernel, type, id));
  }
  btf__free(kernel);
  std::ranges::sort(functions, {}, &BtfFunction::name);
  functions.shrink_to_fit();
  return functions;
}

// Null if it is not there.
const BtfFunction* FindFunction(std::string_view name) {
  static const std::vector<BtfFunction> functions = BtfFunctions();
  const size_t hash = std::hash<std::string_view>()(name);
  const auto found = std::ranges::lower_bound(functions, hash, {}, &BtfFunction::name);
  return found != functions.end() && found->name == hash ? &*found : nullptr;
}

bool IsSyscallFunction(const std::string& name) {
  return name.starts_with("__x64_") || name.starts_with("__ia32_");
}

// Those that can be traced; empty where tracefs does not tell.
std::set<std::string> TraceableSyscalls() {
  std::set<std::string> functions;
  for (const char* path : {"/sys/kernel/tracing/available_filter_functions",
                           "/sys/kernel/debug/tracing/available_filter_functions"}) {
    std::ifstream lines(path);
    for (std::string line; std::getline(lines, line);) {
      if (IsSyscallFunction(line)) functions.insert(line.substr(0, line.find(' ')));
    }
    if (!functions.empty()) break;
  }
  return functions;
}

// Number of the kernel's kind of perf event for kprobes; negative where it has none.
int KprobeEvents() {
  int type = -1;
  std::ifstream("/sys/bus/event_source/devices/kprobe/type") >> type;
  return type;
}

// Without a name for the kernel to look up. Nothing where that does not work, for whatever reason.
Link AttachToAddress(bpf_program* program, const std::string& function, bool at_return) {
  static const int type = KprobeEvents();
  const uint64_t address = FindSymbol(function).value_or(0);
  if (type < 0 || address == 0) return {};
  UniqueFd event = OpenPerfEvent(static_cast<uint32_t>(type), at_return ? 1 : 0, address);
  if (!event.valid()) return {};
  bpf_link* link = bpf_program__attach_perf_event(program, event.get());
  if (link == nullptr) return {};
  static_cast<void>(event.Release());  // the link's now
  return Link(link);
}

const std::set<std::string>& Traceable() {
  static const std::set<std::string> functions = TraceableSyscalls();
  return functions;
}

bool ModifiesReturn(const bpf_program* program) {
  return bpf_program__expected_attach_type(program) == BPF_MODIFY_RETURN;
}

}  // namespace

void CaptureLibbpfLog() { libbpf_set_print(OnLibbpf); }

std::string TakeLibbpfLog() {
  const std::lock_guard lock(log_mutex);
  return std::exchange(log_text, {});
}

tl::unexpected<Error> FailProgram(const std::string& program, const std::string& what, int code) {
  const std::string words = TakeLibbpfLog();
  tl::unexpected<Error> error = FailErrno(program + ": " + what, code);
  return words.empty() ? error : Fail(error.value().message + "; " + words);
}

UniqueFd OpenPerfEvent(uint32_t type, uint64_t config, uint64_t address) {
  perf_event_attr attributes{};
  attributes.type = type;
  attributes.size = sizeof attributes;
  attributes.config = config;
  attributes.kprobe_addr = address;
  attributes.sample_period = 1;
  attributes.wakeup_events = 1;
  // On CPU 0 alone: a program on the event runs wherever the probe hits.
  return UniqueFd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1,
                                           static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))));
}

Result<Link> Attach(bpf_program* program) {
  const std::string section = bpf_program__section_name(program);
  if (section.starts_with("kprobe/"))
    return AttachKprobe(program, section.substr(section.find('/') + 1), false);
  bpf_link* link =
      ModifiesReturn(program) ? bpf_program__attach_trace(program) : bpf_program__attach(program);
  if (link == nullptr) return FailProgram(bpf_program__name(program), "attaching", errno);
  return Link(link);
}

Status PutOnFunction(bpf_program* program, const std::string& function) {
  bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
  bpf_program__set_expected_attach_type(program, BPF_MODIFY_RETURN);
  if (const int error = bpf_program__set_attach_target(program, 0, function.c_str()); error != 0)
    return FailProgram(bpf_program__name(program), "putting it on " + function, -error);
  return {};
}

Result<Link> AttachKprobe(bpf_program* program, const std::string& function, bool at_return) {
  if (Link link = AttachToAddress(program, function, at_return)) return link;
  bpf_link* link = bpf_program__attach_kprobe(program, at_return, function.c_str());
  if (link == nullptr)
    return FailProgram(bpf_program__name(program), "kprobe on " + function, errno);
  return Link(link);
}

Result<Link> AttachMulti(bpf_program* program, const std::string& function) {
  const char* name = function.c_str();
  LIBBPF_OPTS(bpf_kprobe_multi_opts, options);
  options.syms = &name;
  options.cnt = 1;
  options.retprobe = true;
  bpf_link* link = bpf_program__attach_kprobe_multi_opts(program, nullptr, &options);
  if (link == nullptr)
    return FailProgram(bpf_program__name(program), "kretprobe.multi on " + function, errno);
  return Link(link);
}

Result<Link> AttachTracepoint(bpf_program* program, const std::string& category,
                              const std::string& name) {
  bpf_link* link = bpf_program__attach_tracepoint(program, category.c_str(), name.c_str());
  if (link == nullptr) {
    return FailProgram(bpf_program__name(program), "tracepoint " + category + "/" + name, errno);
  }
  return Link(link);
}

Result<std::vector<Link>> AttachAll(bpf_object* object, std::vector<std::string>& lines,
                                    Pins* pins) {
  std::vector<Link> links;
  // All or none: what stayed pinned would be in the way of the next attempt.
  const auto give_up = [&](const Error& error) {
    for (const Link& link : links) {
      if (pins != nullptr) pins->UnpinLink(link.get());
    }
    return tl::unexpected(error);
  };
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const std::string section = bpf_program__section_name(program);
    if (!bpf_program__autoload(program) || section == "raw_tp" || section == "iter/task") continue;
    Result<Link> link = Attach(program);
    if (!link) return give_up(link.error());
    if (pins != nullptr) {
      Status pinned = pins->PinLink(link->get(), bpf_program__name(program));
      if (!pinned) return give_up(pinned.error());
    }
    links.push_back(std::move(*link));
    lines.push_back(section.substr(section.find('/') + 1) + ": " +
                    (ModifiesReturn(program) ? "fmod_ret" : section.substr(0, section.find('/'))));
  }
  return links;
}

Status ShareMaps(bpf_object* object, bpf_object* shared, const std::string& data) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    const size_t dot = name.find('.');
    if (dot != std::string::npos && name.substr(dot) != data) continue;  // each object's own
    bpf_map* same = bpf_object__find_map_by_name(shared, name.c_str());
    if (same == nullptr) continue;
    if (const int error = bpf_map__reuse_fd(map, bpf_map__fd(same)); error != 0)
      return FailProgram(bpf_object__name(object), "sharing map " + name, -error);
  }
  return {};
}

bpf_program* FindProgram(bpf_object* object, const std::string& name) {
  return bpf_object__find_program_by_name(object, name.c_str());
}

bpf_program* FindLoaded(bpf_object* object, const std::string& name) {
  bpf_program* program = FindProgram(object, name);
  return program != nullptr && bpf_program__autoload(program) ? program : nullptr;
}

std::string KindOf(const bpf_program* program) {
  const std::string_view section = bpf_program__section_name(program);
  return std::string(section.substr(0, section.find('/')));
}

std::string TargetOf(const bpf_program* program) {
  const std::string_view section = bpf_program__section_name(program);
  return std::string(section.substr(section.find('/') + 1));
}

void Want(bpf_object* object, const std::string& name) {
  if (bpf_program* program = FindProgram(object, name)) bpf_program__set_autoload(program, true);
}

Result<uint32_t> RunProgram(int program_fd, std::initializer_list<uint64_t> arguments) {
  std::array<uint64_t, 12> context{};
  std::copy(arguments.begin(), arguments.end(), context.begin());
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = context.data();
  options.ctx_size_in = sizeof context;
  if (bpf_prog_test_run_opts(program_fd, &options) != 0)
    return FailErrno("running a BPF program", errno);
  return options.retval;
}

uint32_t FindBtfFunction(std::string_view name) {
  const BtfFunction* function = FindFunction(name);
  return function != nullptr ? function->id : 0;
}

bool HasBtfFunction(std::string_view name) { return FindBtfFunction(name) != 0; }

uint32_t BtfArguments(std::string_view name) {
  const BtfFunction* function = FindFunction(name);
  return function != nullptr ? function->arguments : 0;
}

bool HasBtfStructure(std::string_view name) {
  const BtfFunction* function = FindFunction(name);
  return function != nullptr && function->structure;
}

bool HasBtfMember(const char* type, std::string_view member) {
  btf* kernel = btf__load_vmlinux_btf();
  if (kernel == nullptr) return false;
  const int id = btf__find_by_name_kind(kernel, type, BTF_KIND_STRUCT);
  const btf_type* found = id > 0 ? btf__type_by_id(kernel, static_cast<__u32>(id)) : nullptr;
  bool has = false;
  for (__u32 i = 0; found != nullptr && i < btf_vlen(found); i++)
    has = has || member == btf__name_by_offset(kernel, btf_members(found)[i].name_off);
  btf__free(kernel);
  return has;
}

bool HasFunction(const std::string& name) {
  if (HasBtfFunction(name)) return true;
  if (!Traceable().empty()) return Traceable().contains(name);
  return IsSyscallFunction(name) && FindSymbol(name).has_value();
}

bool IsTraceable(const std::string& function) {
  return Traceable().empty() || Traceable().contains(function);
}

bool HasSyscallTracepoint(const std::string& name) {
  const std::string event = "/events/syscalls/sys_enter_" + name;
  return access(("/sys/kernel/tracing" + event).c_str(), F_OK) == 0 ||
         access(("/sys/kernel/debug/tracing" + event).c_str(), F_OK) == 0;
}

}  // namespace nsw::kernel
