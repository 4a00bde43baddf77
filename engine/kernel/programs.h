// SPDX-License-Identifier: Apache-2.0
// Small wrappers around libbpf: errors as Result, descriptors and links that close themselves. Used
// in engine/kernel alone. The kernel's own words of a refused program come along in the error.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"

namespace nsw::kernel {

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

/// Takes libbpf's messages: warnings are kept for the next error, the rest goes to the debug log.
/// Once per process.
void CaptureLibbpfLog();
/// What libbpf has warned of since the last call, one line.
std::string TakeLibbpfLog();

/// "PROGRAM: WHAT: strerror; libbpf's words".
tl::unexpected<Error> FailProgram(const std::string& program, const std::string& what, int code);

/// By libbpf's own choice for the program's section.
Result<Link> Attach(bpf_program* program);
Result<Link> AttachKprobe(bpf_program* program, const std::string& function, bool at_return);
/// A program of kind kretprobe.multi, to the return of one function.
Result<Link> AttachMulti(bpf_program* program, const std::string& function);
Result<Link> AttachTracepoint(bpf_program* program, const std::string& category,
                              const std::string& name);

bpf_program* FindProgram(bpf_object* object, const std::string& name);
void Want(bpf_object* object, const std::string& name);

/// Runs a raw_tp program in this thread with up to 12 arguments. Its return value.
Result<uint32_t> RunProgram(int program_fd, std::initializer_list<uint64_t> arguments);

/// True where the kernel's BTF has this function, so that fentry and fexit can be attached to it.
bool HasBtfFunction(const std::string& name);
/// True where the kernel has a function of that name, so that a kprobe can be put on it. The BTF of
/// some kernels leaves out those of system calls without arguments (fork).
bool HasFunction(const std::string& name);
/// False for the function of a system call that this kernel lets nobody put a kprobe on: it was
/// compiled without tracing, as that of perf_event_open on 5.10.
bool IsTraceable(const std::string& function);
/// True where the system call of that name has tracepoints; tracefs must be mounted.
bool HasSyscallTracepoint(const std::string& name);

}  // namespace nsw::kernel
