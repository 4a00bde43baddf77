// SPDX-License-Identifier: Apache-2.0
// What reaches into the kernel, and memory that becomes executable: one event each.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "tests/acts/act.h"

namespace acts {
namespace {

constexpr size_t kPage = 4096;

// The arguments are written here, so that their page is there: the kernel itself does not get as
// far as reading them.
Outcome InitModule(Stage&) {
  char image[kPage] = "this is no module";
  const char arguments[] = "debug=1";
  return Done(syscall(SYS_init_module, image, sizeof image, arguments));
}

Outcome ModuleFile(Stage& s) {
  if (!MakeFile(s.Path("module.ko"))) return Outcome::kBroken;
  s.fd[0] = open(s.Path("module.ko").c_str(), O_RDONLY);
  return Must(s.fd[0] >= 0);
}
Outcome FinitModule(Stage& s) {
  const char arguments[] = "debug=1";
  return Done(syscall(SYS_finit_module, s.fd[0], arguments, 1));
}
Outcome DeleteModule(Stage&) { return Done(syscall(SYS_delete_module, "acts_none", O_NONBLOCK)); }

bpf_attr Program() {
  static const bpf_insn kInstructions[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
                                           {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attr.insn_cnt = 2;
  attr.insns = reinterpret_cast<uint64_t>(kInstructions);
  attr.license = reinterpret_cast<uint64_t>("GPL");
  memcpy(attr.prog_name, "acts", 4);
  return attr;
}

Outcome LoadProgram(Stage&) {
  bpf_attr attr = Program();
  return Done(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
}

Outcome MakeMap(Stage& s) {
  bpf_attr attr{};
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4;
  attr.value_size = 8;
  attr.max_entries = 1;
  memcpy(attr.map_name, "acts", 4);
  s.fd[0] = static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
  return Must(s.fd[0] >= 0);
}

Outcome LookUp(Stage& s) {
  uint32_t key = 0;
  uint64_t value = 0;
  bpf_attr attr{};
  attr.map_fd = static_cast<uint32_t>(s.fd[0]);
  attr.key = reinterpret_cast<uint64_t>(&key);
  attr.value = reinterpret_cast<uint64_t>(&value);
  return Must(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof attr) == 0);
}

Outcome Perf(Stage&) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_SOFTWARE;
  attr.size = sizeof attr;
  attr.config = PERF_COUNT_SW_PAGE_FAULTS;
  return Done(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

Outcome Memfd(Stage&) { return Done(memfd_create("acts-memory", MFD_CLOEXEC)); }
Outcome Memfd32(Stage&) {
  return Done(Call32(356, reinterpret_cast<long>(Low("acts-memory")), MFD_CLOEXEC));
}
Outcome Userfaultfd(Stage&) { return Done(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)); }

Outcome Ring(Stage&) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_CLAMP;
  return Done(syscall(SYS_io_uring_setup, 4, &parameters));
}

// ---- memory ----

Outcome MapWritten(Stage&) {
  return Must(mmap(nullptr, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0) != MAP_FAILED);
}
Outcome MapFile(Stage& s) {
  return Must(mmap(nullptr, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, s.fd[0], 0) !=
              MAP_FAILED);
}
Outcome MapLibrary(Stage& s) {
  return Must(mmap(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, s.fd[0], 0) != MAP_FAILED);
}

Outcome Mapped(Stage& s) {
  s.memory =
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  return Must(s.memory != MAP_FAILED);
}
Outcome Protect(Stage& s) { return Done(mprotect(s.memory, kPage, PROT_READ | PROT_EXEC)); }
Outcome ProtectPlain(Stage& s) { return Done(mprotect(s.memory, kPage, PROT_READ)); }
Outcome Protect32(Stage& s) {
  return Done(Call32(125, reinterpret_cast<long>(s.memory), kPage, PROT_READ | PROT_EXEC));
}
Outcome ProtectKey(Stage& s) {
  return Done(syscall(SYS_pkey_mprotect, s.memory, kPage, PROT_READ | PROT_EXEC, -1));
}
Outcome Map32(Stage&) {
  return Done(Call32(192, 0, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

// ---- keys ----

Outcome JoinSession(Stage&) { return Done(syscall(SYS_keyctl, 1, "acts-session")); }
Outcome AddKey(Stage&) { return Done(syscall(SYS_add_key, "user", "acts-key", "secret", 6, -2)); }
Outcome RequestKey(Stage&) {
  return Done(syscall(SYS_request_key, "user", "acts-none", nullptr, -2));
}

const std::vector<Act> kActs = {
    {"init-module",
     "",
     nullptr,
     InitModule,
     {{"evt.type", "init_module"},
      {"evt.arg.uargs", "debug=1"},
      {"evt.arg.fd", "-1"},
      {"evt.res", "ENOEXEC"}}},
    {"finit-module",
     "",
     ModuleFile,
     FinitModule,
     {{"evt.type", "finit_module"},
      {"evt.arg.file", "$D/module.ko"},
      {"evt.arg.flags", "MODULE_INIT_IGNORE_MODVERSIONS"},
      {"evt.arg.uargs", "debug=1"},
      {"evt.res", "ENOEXEC"}}},
    {"delete-module",
     "",
     nullptr,
     DeleteModule,
     {{"evt.type", "delete_module"},
      {"evt.arg.name", "acts_none"},
      {"evt.arg.flags", "O_NONBLOCK"},
      {"evt.res", "ENOENT"}}},
    {"bpf-prog-load",
     "",
     nullptr,
     LoadProgram,
     {{"evt.type", "bpf"},
      {"evt.arg.cmd", "BPF_PROG_LOAD"},
      {"evt.arg.prog_type", "BPF_PROG_TYPE_SOCKET_FILTER"},
      {"evt.arg.name", "acts"},
      {"evt.res", "SUCCESS"}}},
    {"bpf-map-create",
     "",
     nullptr,
     MakeMap,
     {{"evt.type", "bpf"}, {"evt.arg.cmd", "BPF_MAP_CREATE"}, {"evt.arg.name", "acts"}}},
    {"bpf-map-lookup", "", MakeMap, LookUp, {}},
    {"perf-event-open",
     "",
     nullptr,
     Perf,
     {{"evt.type", "perf_event_open"},
      {"evt.arg.type", "PERF_TYPE_SOFTWARE"},
      {"evt.arg.config", "2"},
      {"evt.arg.pid", "0"},
      {"evt.arg.cpu", "-1"}}},
    {"memfd-create",
     "X2",
     nullptr,
     Memfd,
     {{"evt.type", "memfd_create"},
      {"evt.arg.name", "acts-memory"},
      {"evt.arg.flags", "MFD_CLOEXEC"},
      {"evt.res", "SUCCESS"}}},
    {"int80-memfd-create",
     "X2 X10",
     nullptr,
     Memfd32,
     {{"evt.type", "memfd_create"}, {"evt.arg.name", "acts-memory"}, {"evt.res", "SUCCESS"}}},
    {"userfaultfd",
     "",
     nullptr,
     Userfaultfd,
     {{"evt.type", "userfaultfd"}, {"evt.arg.flags", "O_NONBLOCK|O_CLOEXEC"}}},
    {"io-uring-setup",
     "",
     nullptr,
     Ring,
     {{"evt.type", "io_uring_setup"},
      {"evt.arg.entries", "4"},
      {"evt.arg.flags", "IORING_SETUP_CLAMP"}}},
    {"mmap-executable",
     "X6",
     nullptr,
     MapWritten,
     {{"evt.type", "mmap"},
      {"evt.arg.prot", "PROT_READ|PROT_WRITE|PROT_EXEC"},
      {"evt.arg.flags", "MAP_PRIVATE|MAP_ANONYMOUS"},
      {"evt.arg.length", "4096"},
      {"evt.arg.file", "<NA>"},
      {"evt.res", "SUCCESS"}}},
    {"mmap-file-executable",
     "X6",
     ModuleFile,
     MapFile,
     {{"evt.type", "mmap"}, {"evt.arg.file", "$D/module.ko"}, {"evt.res", "SUCCESS"}}},
    {"mmap-library", "", ModuleFile, MapLibrary, {}},
    {"mprotect-executable",
     "X6",
     Mapped,
     Protect,
     {{"evt.type", "mprotect"},
      {"evt.arg.prot", "PROT_READ|PROT_EXEC"},
      {"evt.arg.length", "4096"},
      {"evt.res", "SUCCESS"}}},
    {"mprotect-plain", "", Mapped, ProtectPlain, {}},
    {"int80-mprotect",
     "X6 X10",
     Mapped,
     Protect32,
     {{"evt.type", "mprotect"}, {"evt.arg.prot", "PROT_READ|PROT_EXEC"}, {"evt.res", "SUCCESS"}}},
    {"pkey-mprotect",
     "X6",
     Mapped,
     ProtectKey,
     {{"evt.type", "pkey_mprotect"}, {"evt.arg.prot", "PROT_READ|PROT_EXEC"}}},
    {"int80-mmap",
     "X6 X10",
     nullptr,
     Map32,
     {{"evt.type", "mmap"}, {"evt.arg.prot", "PROT_READ|PROT_EXEC"}}},
    {"keyctl-join-session",
     "",
     nullptr,
     JoinSession,
     {{"evt.type", "keyctl"},
      {"evt.arg.op", "KEYCTL_JOIN_SESSION_KEYRING"},
      {"evt.arg.description", "acts-session"}}},
    {"keyctl-clear",
     "",
     nullptr,
     [](Stage&) { return Done(syscall(SYS_keyctl, 7 /* CLEAR */, -3 /* the session's ring */)); },
     {{"evt.type", "keyctl"}, {"evt.arg.op", "KEYCTL_CLEAR"}, {"evt.arg.serial", "-3"}}},
    {"add-key",
     "",
     nullptr,
     AddKey,
     {{"evt.type", "add_key"}, {"evt.arg.type", "user"}, {"evt.arg.description", "acts-key"}}},
    {"request-key",
     "",
     nullptr,
     RequestKey,
     {{"evt.type", "request_key"}, {"evt.arg.type", "user"}, {"evt.arg.description", "acts-none"}}},
};

}  // namespace

const std::vector<Act>& KernelActs() { return kActs; }

}  // namespace acts
