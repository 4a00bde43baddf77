// SPDX-License-Identifier: Apache-2.0
// Small wrappers around libbpf: errors as Result, descriptors and links that close themselves. Used
// in engine/kernel alone. The kernel's own words of a refused program come along in the error.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// A perf event of the calling thread's making that counts everybody's hits; `address` is that of a
/// kprobe, else 0. Invalid, with errno: the kernel refuses it.
UniqueFd OpenPerfEvent(uint32_t type, uint64_t config, uint64_t address);

/// By what the program's section says, unless it was put elsewhere.
Result<Link> Attach(bpf_program* program);
/// Makes an LSM program, before it is loaded, one that decides what that kernel function returns
/// (fmod_ret): 0 lets it run, an error is returned in its place. Its arguments are the function's.
[[nodiscard]] Status PutOnFunction(bpf_program* program, const std::string& function);
Result<Link> AttachKprobe(bpf_program* program, const std::string& function, bool at_return);
/// A program of kind kretprobe.multi, to the return of one function.
Result<Link> AttachMulti(bpf_program* program, const std::string& function);
Result<Link> AttachTracepoint(bpf_program* program, const std::string& category,
                              const std::string& name);

class Pins;

/// All programs of an object that are loaded and have a hook of their own. Appends to `lines`
/// "HOOK: KIND" of each. With `pins` they outlive the engine. Error: of the first that cannot be
/// attached or pinned.
Result<std::vector<Link>> AttachAll(bpf_object* object, std::vector<std::string>& lines,
                                    Pins* pins = nullptr);

/// Makes an object that is not loaded yet use the maps of the same names of one that is. Of maps
/// that hold a section of data only that of the name `data` is shared.
Status ShareMaps(bpf_object* object, bpf_object* shared, const std::string& data = {});

bpf_program* FindProgram(bpf_object* object, const std::string& name);
/// As that; null, too, where it is not to be loaded.
bpf_program* FindLoaded(bpf_object* object, const std::string& name);
/// Of its section: "kprobe", and what it is on.
std::string KindOf(const bpf_program* program);
std::string TargetOf(const bpf_program* program);
void Want(bpf_object* object, const std::string& name);

/// Runs a raw_tp program in this thread with up to 12 arguments. Its return value.
Result<uint32_t> RunProgram(int program_fd, std::initializer_list<uint64_t> arguments);

/// Its number in the kernel's BTF; 0 if it is not there.
uint32_t FindBtfFunction(std::string_view name);
/// True where it is, so that fentry and fexit can be attached to it.
bool HasBtfFunction(std::string_view name);
/// How many arguments it has; 0 where it is not there.
uint32_t BtfArguments(std::string_view name);
/// True where one of these is a structure: not every kernel has fentry for such a function.
bool HasBtfStructure(std::string_view name);
/// True where that struct of the kernel's has a member of that name.
bool HasBtfMember(const char* type, std::string_view member);
/// True where the kernel has a function of that name, so that a kprobe can be put on it. The BTF of
/// some kernels leaves out those of system calls without arguments (fork).
bool HasFunction(const std::string& name);
/// False for the function of a system call that this kernel lets nobody put a kprobe on: it was
/// compiled without tracing, as that of perf_event_open on 5.10.
bool IsTraceable(const std::string& function);
/// True where the system call of that name has tracepoints; tracefs must be mounted.
bool HasSyscallTracepoint(const std::string& name);

}  // namespace nsw::kernel
