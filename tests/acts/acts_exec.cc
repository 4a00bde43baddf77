// SPDX-License-Identifier: Apache-2.0
// Every door to running a program: one event, with what was asked for and what runs.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/acts/act.h"

namespace acts {
namespace {

constexpr std::string_view kOpens = "open openat";

Outcome Exec(const std::string& path, const char* first = "idle") {
  const char* argv[] = {path.c_str(), first, nullptr};
  execve(path.c_str(), const_cast<char**>(argv), environ);
  return Outcome::kDone;
}

Outcome ExecFd(int fd, const char* name) {
  const char* argv[] = {"idle", "idle", nullptr};
  return Done(syscall(SYS_execveat, fd, name, argv, environ, AT_EMPTY_PATH));
}

// A copy of the program, open for reading in fd[0].
Outcome OwnCopy(Stage& s) {
  const int to = open(s.Path("copy").c_str(), O_CREAT | O_WRONLY, 0755);
  const bool good = to >= 0 && CopyProgram(to);
  close(to);
  s.fd[0] = open(s.Path("copy").c_str(), O_RDONLY);
  return Must(good && s.fd[0] >= 0);
}

Outcome OnTmpfs(Stage& s) {
  return Must(mount("acts", s.folder.c_str(), "tmpfs", 0, "") == 0 && OwnCopy(s) == Outcome::kDone);
}

Outcome Script(Stage& s) {
  const int fd = open(s.Path("script").c_str(), O_CREAT | O_WRONLY, 0755);
  const bool good = write(fd, "#!/program idle\n", 16) == 16;
  close(fd);
  return Must(good);
}

// Of a child that does nothing: its parent waits for its end.
Outcome Ended(long child) {
  if (child == 0) _exit(0);
  return Must(child > 0 && waitpid(static_cast<pid_t>(child), nullptr, 0) == child);
}

// A new terminal: fd[0].
Outcome Terminal(Stage& s) {
  const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  const int locked = 0;
  if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) != 0) return Outcome::kBroken;
  s.fd[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  return Must(s.fd[0] >= 0);
}

Outcome ExecOnTerminal(Stage& s) {
  if (setsid() < 0 || ioctl(s.fd[0], TIOCSCTTY, 0) != 0) return Outcome::kBroken;
  return Exec(kProgram);
}

const std::vector<Act> kActs = {
    {"execve",
     "",
     nullptr,
     [](Stage& s) { return Exec(kProgram); }  // namespace
     ,
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/program"},
      {"evt.arg.file", "/program"},
      {"evt.arg.args", "idle"},
      {"evt.res", "SUCCESS"},
      {"proc.exe_ino", "~[1-9][0-9]*"},
      {"proc.tty", "0"},
      {"proc.cwd", "/"},
      {"proc.exepath", "/program"}}}  // namespace acts
    ,
    // From 136 << 8 on: the numbers of such terminals.
    {"execve-terminal",
     "",
     Terminal,
     ExecOnTerminal,
     {{"evt.type", "execve"}, {"proc.tty", "~3(4[89]|50)[0-9][0-9]"}}},
    {"execve-environment",
     "",
     nullptr,
     [](Stage&) {
       setenv("NSW_ACTS_X", "not this one", 1);
       setenv("NSW_ACTS", "a value=with signs", 1);
       return Exec(kProgram);
     },
     {{"evt.type", "execve"},
      {"proc.env[NSW_ACTS]", "a value=with signs"},
      {"proc.env[NSW_ACT]", "<NA>"},
      {"evt.res", "SUCCESS"}}},
    {"execve-missing",
     "",
     nullptr,
     [](Stage& s) { return Exec(s.Path("none")); },
     {{"evt.type", "execve"},
      {"evt.arg.filename", "$D/none"},
      {"evt.res", "ENOENT"},
      {"evt.arg.args", "idle"}}},
    {"execveat-empty-path",
     "X1",
     [](Stage& s) {
       s.fd[0] = open(kProgram, O_RDONLY);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return ExecFd(s.fd[0], ""); },
     {{"evt.type", "execveat"}, {"evt.arg.exe", "/program"}, {"evt.res", "SUCCESS"}}},
    {"fexecve",
     "X1",
     [](Stage& s) {
       s.fd[0] = open(kProgram, O_RDONLY);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) {
       char* argv[] = {const_cast<char*>("idle"), const_cast<char*>("idle"), nullptr};
       fexecve(s.fd[0], argv, environ);
       return Outcome::kDone;
     },
     {{"evt.type", "execveat"}, {"evt.arg.exe", "/program"}, {"evt.res", "SUCCESS"}}},
    {"exec-proc-self-fd",
     "X1",
     [](Stage& s) {
       s.fd[0] = open(kProgram, O_RDONLY);
       return Must(s.fd[0] >= 0);
     },
     [](Stage& s) { return Exec("/proc/self/fd/" + std::to_string(s.fd[0])); },
     {{"evt.type", "execve"}, {"evt.arg.exe", "/program"}, {"evt.res", "SUCCESS"}}},
    {"exec-memfd",
     "X2",
     [](Stage& s) {
       s.fd[0] = static_cast<int>(syscall(SYS_memfd_create, "acts-memory", 0));
       return Must(s.fd[0] >= 0 && CopyProgram(s.fd[0]));
     },
     [](Stage& s) { return ExecFd(s.fd[0], ""); },
     {{"evt.type", "execveat"},
      {"evt.arg.exe", "/memfd:acts-memory"},
      {"proc.is_exe_from_memfd", "true"}}},
    {"exec-unlinked",
     "X3",
     [](Stage& s) {
       return Must(OwnCopy(s) == Outcome::kDone && unlink(s.Path("copy").c_str()) == 0);
     },
     [](Stage& s) { return ExecFd(s.fd[0], ""); },
     {{"evt.type", "execveat"}, {"evt.arg.exe", "$D/copy"}, {"evt.res", "SUCCESS"}}},
    {"exec-on-tmpfs",
     "X3",
     OnTmpfs,
     [](Stage& s) { return Exec(s.Path("copy")); },
     {{"evt.type", "execve"}, {"evt.arg.exe", "$D/copy"}, {"evt.res", "SUCCESS"}}},
    {"script",
     "X4",
     Script,
     [](Stage& s) { return Exec(s.Path("script")); },
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/program"},
      {"evt.arg.file", "$D/script"},
      {"evt.res", "SUCCESS"}}},
    {"interpreter",
     "X4",
     [](Stage& s) { return Must(MakeFile(s.Path("script"))); },
     [](Stage& s) { return Exec("/bin/sh", s.Path("script").c_str()); },
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/bin/sh"},
      {"evt.arg.args", "$D/script"},
      {"evt.res", "SUCCESS"}},
     kOpens},
    {"loader",
     "X5",
     nullptr,
     [](Stage& s) { return Exec("/ld.so", "/bin/true-dynamic"); },
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/ld.so"},
      {"evt.arg.args", "/bin/true-dynamic"},
      {"evt.res", "SUCCESS"}},
     kOpens},
    {"applet",
     "X7",
     nullptr,
     [](Stage& s) {
       const char* argv[] = {"true", nullptr};
       execve("/bin/busybox", const_cast<char**>(argv), environ);
       return Outcome::kDone;
     },
     {{"evt.type", "execve"}, {"evt.arg.exe", "/bin/busybox"}, {"evt.arg.args", "<NA>"}},
     kOpens},
    {"argv0-made-up",
     "X8",
     nullptr,
     [](Stage& s) {
       const char* argv[] = {"/sbin/init", "idle", nullptr};
       execve(kProgram, const_cast<char**>(argv), environ);
       return Outcome::kDone;
     },
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/program"},
      {"proc.exepath", "/program"},
      {"proc.name", "program"}}},
    {"exec-copy",
     "X9 X14",
     OwnCopy,
     [](Stage& s) { return Exec(s.Path("copy")); },
     {{"evt.type", "execve"}, {"evt.arg.exe", "$D/copy"}, {"proc.is_exe_upper_layer", "true"}}},
    {"exec-hard-link",
     "X9",
     [](Stage& s) {
       return Must(OwnCopy(s) == Outcome::kDone &&
                   link(s.Path("copy").c_str(), s.Path("other").c_str()) == 0);
     },
     [](Stage& s) { return Exec(s.Path("other")); },
     {{"evt.type", "execve"}, {"evt.arg.exe", "$D/other"}, {"evt.res", "SUCCESS"}}},
    {"int80-execve",
     "X10",
     nullptr,
     [](Stage& s) {
       static const char* program = Low(kProgram);
       static unsigned argv[3];
       argv[0] = static_cast<unsigned>(reinterpret_cast<uintptr_t>(program));
       argv[1] = static_cast<unsigned>(reinterpret_cast<uintptr_t>(Low("idle")));
       return Done(Call32(11, reinterpret_cast<long>(program), reinterpret_cast<long>(argv), 0));
     },
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/program"},
      {"evt.arg.args", "idle"},
      {"evt.res", "SUCCESS"}}},
    {"vfork",
     "X11",
     nullptr,
     [](Stage& s) {
       const pid_t child = vfork();
       if (child == 0) {
         char* argv[] = {const_cast<char*>("idle"), const_cast<char*>("idle"), nullptr};
         execve(kProgram, argv, environ);
         _exit(1);
       }
       *s.also = child;
       return Must(child > 0 && waitpid(child, nullptr, 0) == child);
     },
     {{"evt.type", "execve"}, {"evt.arg.exe", "/program"}, {"evt.res", "SUCCESS"}},
     "vfork"},
    {"fork",
     "X11",
     nullptr,
     [](Stage&) {
       const long child = syscall(SYS_fork);
       if (child == 0) _exit(0);
       return Must(child > 0 && waitpid(static_cast<pid_t>(child), nullptr, 0) == child);
     },
     {{"evt.type", "fork"}, {"evt.arg.child_pid", "~[1-9][0-9]*"}, {"evt.res", "SUCCESS"}}},
    {"vfork-alone",
     "X11",
     nullptr,
     [](Stage&) {
       const pid_t child = vfork();
       if (child == 0) _exit(0);
       return Must(child > 0 && waitpid(child, nullptr, 0) == child);
     },
     {{"evt.type", "vfork"}, {"evt.arg.child_pid", "~[1-9][0-9]*"}, {"evt.res", "SUCCESS"}}},
    {"clone3",
     "X11",
     nullptr,
     [](Stage&) {
       clone_args how{};
       how.flags = CLONE_FS;
       how.exit_signal = SIGCHLD;
       const long child = syscall(SYS_clone3, &how, sizeof how);
       if (child == 0) _exit(0);
       return Must(child > 0 && waitpid(static_cast<pid_t>(child), nullptr, 0) == child);
     },
     {{"evt.type", "clone3"},
      {"evt.arg.flags", "CLONE_FS"},
      {"evt.arg.child_pid", "~[1-9][0-9]*"},
      {"evt.res", "SUCCESS"}}},
    {"int80-clone",
     "X10 X11",
     nullptr,
     [](Stage&) { return Ended(Call32(120, CLONE_FS | SIGCHLD)); },
     {{"evt.type", "clone"},
      {"evt.arg.flags", "CLONE_FS"},
      {"evt.arg.child_pid", "~[1-9][0-9]*"},
      {"evt.async", "false"},
      {"evt.res", "SUCCESS"}}},
    {"int80-clone-refused",
     "X10 X11",
     nullptr,
     [](Stage&) { return Done(Call32(120, CLONE_SIGHAND | SIGCHLD)); },
     {{"evt.type", "clone"},
      {"evt.arg.flags", "CLONE_SIGHAND"},
      {"evt.async", "false"},
      {"evt.res", "EINVAL"}}},
    {"thread-execs",
     "X11",
     nullptr,
     [](Stage& s) {
       std::thread([] { Exec(kProgram); }).join();
       return Outcome::kBroken;
     },
     {{"evt.type", "execve"}, {"evt.arg.exe", "/program"}, {"evt.res", "SUCCESS"}},
     "clone3 mprotect"},
};

}  // namespace

const std::vector<Act>& ExecActs() { return kActs; }

}  // namespace acts
