// SPDX-License-Identifier: Apache-2.0
// What processes do to each other, to their namespaces and to their standard streams: one event
// each, and none for what only asks.
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include "tests/acts/act.h"

namespace acts {
namespace {

constexpr std::string_view kSome = "~[1-9][0-9]*";

// A process that waits until the container ends, in a UTS namespace of its own: number[0].
Outcome Other(Stage& s) {
  const pid_t child = fork();
  if (child == 0) {
    unshare(CLONE_NEWUTS);
    prctl(PR_SET_NAME, "other");
    for (;;) pause();
  }
  s.number[0] = child;
  usleep(300'000);
  return Must(child > 0);
}

Outcome OtherNamespace(Stage& s) {
  if (Other(s) != Outcome::kDone) return Outcome::kBroken;
  const std::string path = "/proc/" + std::to_string(s.number[0]) + "/ns/uts";
  s.fd[0] = open(path.c_str(), O_RDONLY);
  return Must(s.fd[0] >= 0);
}

Outcome OtherDescriptor(Stage& s) {
  if (Other(s) != Outcome::kDone) return Outcome::kBroken;
  s.fd[0] = static_cast<int>(syscall(SYS_pidfd_open, s.number[0], 0));
  return Must(s.fd[0] >= 0);
}

// ---- others ----

Outcome Traceme(Stage&) { return Done(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
Outcome Attach(Stage& s) { return Done(ptrace(PTRACE_ATTACH, s.number[0], 4096, 0)); }
Outcome Seize(Stage& s) {
  return Done(ptrace(PTRACE_SEIZE, s.number[0], 0, PTRACE_O_TRACESYSGOOD));
}
Outcome AttachNobody(Stage&) { return Done(ptrace(PTRACE_ATTACH, 999999, 0, 0)); }

long word = 42;

Outcome ReadOther(Stage& s) {
  long here = 0;
  iovec local{&here, sizeof here};
  iovec remote{&word, sizeof word};
  return Done(process_vm_readv(s.number[0], &local, 1, &remote, 1, 0));
}
Outcome WriteOther(Stage& s) {
  long here = 43;
  iovec local{&here, sizeof here};
  iovec remote{&word, sizeof word};
  return Done(process_vm_writev(s.number[0], &local, 1, &remote, 1, 0));
}

Outcome Kill(Stage& s) { return Done(kill(s.number[0], SIGWINCH)); }
Outcome KillNobody(Stage&) { return Done(kill(999999, SIGWINCH)); }
Outcome KillAsks(Stage& s) { return Done(kill(s.number[0], 0)); }
Outcome Tkill(Stage& s) { return Done(syscall(SYS_tkill, s.number[0], SIGWINCH)); }
Outcome Tgkill(Stage& s) { return Done(syscall(SYS_tgkill, s.number[0], s.number[0], SIGWINCH)); }
Outcome TgkillItself(Stage&) { return Done(syscall(SYS_tgkill, getpid(), gettid(), SIGWINCH)); }
Outcome Kill32(Stage& s) { return Done(Call32(37, s.number[0], SIGWINCH)); }
Outcome PidfdSignal(Stage& s) {
  return Done(syscall(SYS_pidfd_send_signal, s.fd[0], SIGWINCH, nullptr, 0));
}
Outcome Sigqueue(Stage& s) { return Done(sigqueue(s.number[0], SIGWINCH, sigval{})); }

Outcome Tgsigqueue(Stage& s) {
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  return Done(syscall(SYS_rt_tgsigqueueinfo, s.number[0], s.number[0], SIGWINCH, &info));
}

// ---- namespaces ----

Outcome Unshare(Stage&) { return Done(unshare(CLONE_NEWUTS)); }
Outcome Unshare32(Stage&) { return Done(Call32(310, CLONE_NEWUTS)); }
Outcome Setns(Stage& s) { return Done(setns(s.fd[0], CLONE_NEWUTS)); }
Outcome CloneNamespace(Stage&) {
  const long child = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (child == 0) _exit(0);
  return Must(child > 0 && waitpid(static_cast<pid_t>(child), nullptr, 0) == child);
}

// ---- standard streams ----

// fd[0]: a connection.
Outcome Connected(Stage& s) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  s.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
  return Must(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
              listen(listener, 1) == 0 &&
              getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
              connect(s.fd[0], reinterpret_cast<sockaddr*>(&address), size) == 0);
}

Outcome OpenFile(Stage& s) {
  if (!MakeFile(s.Path("file"))) return Outcome::kBroken;
  s.fd[0] = open(s.Path("file").c_str(), O_RDONLY);
  return Must(s.fd[0] >= 0);
}

Outcome Dup2Socket(Stage& s) { return Done(dup2(s.fd[0], 0)); }
Outcome Dup3File(Stage& s) { return Done(dup3(s.fd[0], 1, O_CLOEXEC)); }
Outcome DupSocket(Stage& s) {
  close(0);
  return Done(dup(s.fd[0]));
}
Outcome FcntlSocket(Stage& s) {
  close(0);
  return Done(fcntl(s.fd[0], F_DUPFD, 0));
}
Outcome DupElsewhere(Stage& s) {
  return Must(dup(s.fd[0]) > 2 && dup2(s.fd[0], 100) == 100 && fcntl(s.fd[0], F_DUPFD, 50) > 2);
}

// ---- the end ----

Outcome EndWithStatus(Stage&) { _exit(7); }

Outcome EndBySignal(Stage&) {
  signal(SIGTERM, SIG_DFL);
  raise(SIGTERM);
  return Outcome::kBroken;
}

Outcome EndByFault(Stage& s) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  *static_cast<volatile int*>(s.memory) = 1;  // nothing is there
  return Outcome::kBroken;
}

const std::vector<Act> kActs = {
    {"end-status",
     "",
     nullptr,
     EndWithStatus,
     {{"evt.type", "procexit"}, {"evt.arg.status", "1792"}, {"evt.arg.sig", "0"}}},
    {"end-signal",
     "",
     nullptr,
     EndBySignal,
     {{"evt.type", "procexit"}, {"evt.arg.status", "15"}, {"evt.arg.sig", "SIGTERM"}}},
    {"end-fault",
     "",
     nullptr,
     EndByFault,
     {{"evt.type", "procexit"}, {"evt.arg.status", "~11|139"}, {"evt.arg.sig", "SIGSEGV"}}},
    {"ptrace-traceme",
     "",
     nullptr,
     Traceme,
     {{"evt.type", "ptrace"}, {"evt.arg.request", "PTRACE_TRACEME"}, {"evt.res", "SUCCESS"}}},
    {"ptrace-attach",
     "",
     Other,
     Attach,
     {{"evt.type", "ptrace"},
      {"evt.arg.request", "PTRACE_ATTACH"},
      {"evt.arg.addr", "4096"},
      {"evt.arg.target_pid", kSome},
      {"evt.arg.target", "other"},
      {"evt.res", "SUCCESS"}}},
    {"ptrace-seize",
     "",
     Other,
     Seize,
     {{"evt.type", "ptrace"},
      {"evt.arg.request", "PTRACE_SEIZE"},
      {"evt.arg.data", "1"},
      {"evt.arg.target", "other"},
      {"evt.res", "SUCCESS"}}},
    {"ptrace-nobody",
     "",
     nullptr,
     AttachNobody,
     {{"evt.type", "ptrace"},
      {"evt.arg.request", "PTRACE_ATTACH"},
      {"evt.arg.pid", "999999"},
      {"evt.arg.target_pid", "0"},
      {"evt.res", "ESRCH"}}},
    {"process-vm-readv",
     "",
     Other,
     ReadOther,
     {{"evt.type", "process_vm_readv"},
      {"evt.arg.target_pid", kSome},
      {"evt.arg.target", "other"},
      {"evt.arg.length", "8"},
      {"evt.rawres", "8"}}},
    {"process-vm-writev",
     "",
     Other,
     WriteOther,
     {{"evt.type", "process_vm_writev"}, {"evt.arg.target", "other"}, {"evt.rawres", "8"}}},
    {"kill",
     "",
     Other,
     Kill,
     {{"evt.type", "kill"},
      {"evt.arg.sig", "SIGWINCH"},
      {"evt.arg.target_pid", kSome},
      {"evt.arg.target", "other"},
      {"evt.arg.targets", "1"},
      {"evt.res", "SUCCESS"}}},
    {"kill-nobody",
     "",
     nullptr,
     KillNobody,
     {{"evt.type", "kill"},
      {"evt.arg.pid", "999999"},
      {"evt.arg.targets", "0"},
      {"evt.res", "ESRCH"}}},
    {"kill-asks", "", Other, KillAsks, {}},
    {"tkill", "", Other, Tkill, {{"evt.type", "tkill"}, {"evt.arg.target", "other"}}},
    {"tgkill",
     "",
     Other,
     Tgkill,
     {{"evt.type", "tgkill"}, {"evt.arg.sig", "SIGWINCH"}, {"evt.arg.target", "other"}}},
    {"tgkill-itself", "", nullptr, TgkillItself, {}},
    {"int80-kill",
     "X10",
     Other,
     Kill32,
     {{"evt.type", "kill"}, {"evt.arg.sig", "SIGWINCH"}, {"evt.arg.target", "other"}}},
    {"pidfd-send-signal",
     "",
     OtherDescriptor,
     PidfdSignal,
     {{"evt.type", "pidfd_send_signal"},
      {"evt.arg.sig", "SIGWINCH"},
      {"evt.arg.target_pid", kSome},
      {"evt.arg.target", "other"}}},
    {"sigqueue",
     "",
     Other,
     Sigqueue,
     {{"evt.type", "rt_sigqueueinfo"}, {"evt.arg.sig", "SIGWINCH"}, {"evt.arg.target", "other"}}},
    {"tgsigqueue",
     "",
     Other,
     Tgsigqueue,
     {{"evt.type", "rt_tgsigqueueinfo"}, {"evt.arg.sig", "SIGWINCH"}, {"evt.arg.target", "other"}}},
    {"unshare",
     "I1",
     nullptr,
     Unshare,
     {{"evt.type", "unshare"},
      {"evt.arg.flags", "CLONE_NEWUTS"},
      {"evt.arg.changed", "CLONE_NEWUTS"},
      {"evt.arg.mntns", kSome},
      {"evt.arg.pidns", kSome},
      {"evt.arg.netns", kSome},
      {"evt.arg.userns", kSome},
      {"evt.arg.ipcns", kSome},
      {"evt.arg.utsns", kSome},
      {"evt.arg.cgroupns", kSome},
      {"evt.res", "SUCCESS"}}},
    {"int80-unshare",
     "I1 X10",
     nullptr,
     Unshare32,
     {{"evt.type", "unshare"}, {"evt.arg.changed", "CLONE_NEWUTS"}, {"evt.res", "SUCCESS"}}},
    {"setns",
     "I2",
     OtherNamespace,
     Setns,
     {{"evt.type", "setns"},
      {"evt.arg.flags", "CLONE_NEWUTS"},
      {"evt.arg.changed", "CLONE_NEWUTS"},
      {"evt.res", "SUCCESS"}}},
    {"clone-namespace",
     "I1",
     nullptr,
     CloneNamespace,
     {{"evt.type", "clone"}, {"evt.arg.flags", "CLONE_NEWUTS"}, {"evt.res", "SUCCESS"}}},
    {"dup2-socket",
     "",
     Connected,
     Dup2Socket,
     {{"evt.type", "dup2"},
      {"evt.rawres", "0"},
      {"evt.arg.oldfd", kSome},
      {"evt.arg.newfd", "0"},
      {"fd.type", "ipv4"},
      {"fd.sip", "127.0.0.1"}}},
    {"dup3-file",
     "",
     OpenFile,
     Dup3File,
     {{"evt.type", "dup3"}, {"evt.rawres", "1"}, {"fd.type", "file"}, {"fd.name", "$D/file"}}},
    {"dup-socket",
     "",
     Connected,
     DupSocket,
     {{"evt.type", "dup"}, {"evt.rawres", "0"}, {"evt.arg.newfd", "-1"}, {"fd.type", "ipv4"}}},
    {"fcntl-socket",
     "",
     Connected,
     FcntlSocket,
     {{"evt.type", "fcntl"}, {"evt.rawres", "0"}, {"fd.type", "ipv4"}}},
    {"dup-elsewhere", "", Connected, DupElsewhere, {}},
};

}  // namespace

const std::vector<Act>& ProcessActs() { return kActs; }

}  // namespace acts
