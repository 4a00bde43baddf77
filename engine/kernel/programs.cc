// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <utility>

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

// All of them at once: looking for one walks the whole of it.
std::set<std::string> BtfFunctions() {
  std::set<std::string> names;
  btf* kernel = btf__load_vmlinux_btf();
  if (kernel == nullptr) return names;
  for (__u32 id = 1; id < btf__type_cnt(kernel); id++) {
    const btf_type* type = btf__type_by_id(kernel, id);
    if (btf_is_func(type)) names.insert(btf__name_by_offset(kernel, type->name_off));
  }
  btf__free(kernel);
  return names;
}

bool IsSyscallFunction(const std::string& name) {
  return name.starts_with("__x64_") || name.starts_with("__ia32_");
}

// Those of the functions that system calls enter by: "ffffffff81234567 T __x64_sys_fork".
std::set<std::string> SyscallSymbols() {
  std::set<std::string> symbols;
  std::ifstream lines("/proc/kallsyms");
  for (std::string address, kind, line; lines >> address >> kind && std::getline(lines, line);) {
    const std::string name = line.substr(1, line.find('\t') - 1);
    if (IsSyscallFunction(name)) symbols.insert(name);
  }
  return symbols;
}

// Those of them that can be traced; empty where tracefs does not tell.
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

const std::set<std::string>& Traceable() {
  static const std::set<std::string> functions = TraceableSyscalls();
  return functions;
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

Result<Link> Attach(bpf_program* program) {
  bpf_link* link = bpf_program__attach(program);
  if (link == nullptr) return FailProgram(bpf_program__name(program), "attaching", errno);
  return Link(link);
}

Result<Link> AttachKprobe(bpf_program* program, const std::string& function, bool at_return) {
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

bpf_program* FindProgram(bpf_object* object, const std::string& name) {
  return bpf_object__find_program_by_name(object, name.c_str());
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

bool HasBtfFunction(const std::string& name) {
  static const std::set<std::string> functions = BtfFunctions();
  return functions.contains(name);
}

bool HasFunction(const std::string& name) {
  if (HasBtfFunction(name)) return true;
  if (!Traceable().empty()) return Traceable().contains(name);
  static const std::set<std::string> symbols = SyscallSymbols();
  return symbols.contains(name);
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
