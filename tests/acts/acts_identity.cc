// SPDX-License-Identifier: Apache-2.0
// Who acts: processes that hide whose child they are or what they run, or leave their cgroup. What
// they do is told with their real parent and program, and with their container.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "tests/acts/act.h"

namespace acts {
namespace {

constexpr int kReport = 100;  // where a maker writes

Outcome Open(const std::string& path) {
  return Must(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY) >= 0);
}

// ---- makers: a copy of the program that makes, or traces, the process of the act ----

Outcome MakerAndFile(Stage& s) {
  const int to = open(s.Path("maker").c_str(), O_CREAT | O_WRONLY, 0755);
  const bool good = to >= 0 && CopyProgram(to);
  close(to);
  return Must(good && MakeFile(s.Path("file")));
}

void Tell(int pid) {
  if (write(kReport, &pid, sizeof pid) != sizeof pid) _exit(1);
}

// A child of our parent's.
int Sibling(const char* path) {
  const long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (child != 0) return child < 0;
  Tell(static_cast<int>(syscall(SYS_getpid)));
  return Open(path) == Outcome::kDone ? 0 : 1;
}

// A child whose parent is gone when it acts.
int Orphan(const char* path) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child < 0;
  while (getppid() == parent) usleep(1000);
  Tell(getpid());
  return Open(path) == Outcome::kDone ? 0 : 1;
}

// Traces our parent until we are killed.
int Tracer() {
  if (ptrace(PTRACE_SEIZE, getppid(), 0, 0) != 0) return 1;
  Tell(getpid());
  for (;;) pause();
}

struct Maker {
  pid_t pid = 0;
  int from = -1;  // a pipe: at its end all processes of the maker's have ended
  int said = 0;
};

Maker Start(Stage& s, const char* verb) {
  Maker maker;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return maker;
  maker.from = ends[0];
  maker.pid = fork();
  if (maker.pid == 0) {
    const std::string file = s.Path("file");
    const char* argv[] = {"maker", "maker", verb, file.c_str(), nullptr};
    dup2(ends[1], kReport);
    execv(s.Path("maker").c_str(), const_cast<char**>(argv));
    _exit(1);
  }
  close(ends[1]);
  if (read(maker.from, &maker.said, sizeof maker.said) != sizeof maker.said) maker.said = 0;
  return maker;
}

// The act is what the process that the maker makes does.
Outcome Made(Stage& s, const char* verb) {
  const Maker maker = Start(s, verb);
  char end = 0;
  *s.also = maker.said;
  return Must(maker.said > 0 && read(maker.from, &end, 1) == 0);
}

Outcome Traced(Stage& s) {
  const Maker tracer = Start(s, "tracer");
  const Outcome outcome = tracer.said > 0 ? Open(s.Path("file")) : Outcome::kBroken;
  kill(tracer.pid, SIGKILL);
  waitpid(tracer.pid, nullptr, 0);
  return outcome;
}

// ---- another program by name ----

struct Region {
  char* start;
  size_t size;
  int protection;
};
std::vector<Region> regions;  // where the program's file is mapped

bool FindRegions() {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  char flags[8];
  char path[256];
  unsigned long start = 0;
  unsigned long end = 0;
  regions.clear();
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    const int words = sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, flags, path);
    if (words != 4 || strcmp(path, kProgram) != 0) continue;
    const int protection = (flags[0] == 'r' ? PROT_READ : 0) | (flags[1] == 'w' ? PROT_WRITE : 0) |
                           (flags[2] == 'x' ? PROT_EXEC : 0);
    regions.push_back({reinterpret_cast<char*>(start), end - start, protection});
  }
  if (maps != nullptr) fclose(maps);
  return !regions.empty();
}

// The kernel lets go of a process's program only where none of it is mapped: a copy takes the place
// of each region, and what runs goes on there.
bool LeaveFile() {
  for (const Region& r : regions) {
    void* copy = mmap(nullptr, r.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return false;
    memcpy(copy, r.start, r.size);
    if (mprotect(copy, r.size, r.protection) != 0 ||
        mremap(copy, r.size, r.size, MREMAP_MAYMOVE | MREMAP_FIXED, r.start) == MAP_FAILED)
      return false;
  }
  return true;
}

Outcome Busybox(Stage& s) {
  s.fd[0] = open("/bin/busybox", O_RDONLY);
  return Must(s.fd[0] >= 0 && MakeFile(s.Path("file")) && FindRegions());
}

Outcome ExeReplaced(Stage& s) {
  char now[64] = {};
  if (!LeaveFile() || prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, s.fd[0], 0, 0) != 0 ||
      readlink("/proc/self/exe", now, sizeof now - 1) < 0 || strcmp(now, "/bin/busybox") != 0)
    return Outcome::kBroken;
  return Open(s.Path("file"));
}

Outcome NameReplaced(Stage& s) {
  prctl(PR_SET_NAME, "innocent");
  return Open(s.Path("file"));
}

// ---- another cgroup ----

// Outside of the container's: the act's container sees the host's tree. fd[0]: the folder; fd[1]:
// its list of processes.
Outcome Cgroup(Stage& s) {
  const char* folder = "/sys/fs/cgroup/nsw-acts";
  mkdir(folder, 0755);
  s.fd[0] = open(folder, O_RDONLY | O_DIRECTORY);
  s.fd[1] = open((std::string(folder) + "/cgroup.procs").c_str(), O_WRONLY);
  return Must(s.fd[0] >= 0 && s.fd[1] >= 0 && MakeFile(s.Path("file")));
}

Outcome Moved(Stage& s) {
  if (write(s.fd[1], "0", 1) != 1) return Outcome::kBroken;
  return Open(s.Path("file"));
}

Outcome BornThere(Stage& s) {
  clone_args how{};
  how.flags = CLONE_INTO_CGROUP;
  how.exit_signal = SIGCHLD;
  how.cgroup = static_cast<unsigned>(s.fd[0]);
  const long child = syscall(SYS_clone3, &how, sizeof how);
  if (child == 0) _exit(Open(s.Path("file")) == Outcome::kDone ? 0 : 1);
  int status = 1;
  *s.also = static_cast<int>(child);
  return Must(child > 0 && waitpid(static_cast<pid_t>(child), &status, 0) == child && status == 0);
}

const std::vector<Act> kActs = {
    {"orphan",
     "X13",
     MakerAndFile,
     [](Stage& s) { return Made(s, "orphan"); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"proc.exepath", "$D/maker"},
      {"proc.pexepath", "/program"}},
     "clone"},
    {"made-up-parent",
     "X13",
     MakerAndFile,
     [](Stage& s) { return Made(s, "sibling"); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"proc.exepath", "$D/maker"},
      {"proc.pexepath", "/program"}},
     "clone"},
    {"traced",
     "X13",
     MakerAndFile,
     Traced,
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"proc.exepath", "/program"},
      {"proc.pexepath", "/program"}},
     "clone kill"},
    {"exe-replaced",
     "X13",
     Busybox,
     ExeReplaced,
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"proc.exepath", "/program"},
      {"proc.name", "program"}},
     "mprotect prctl"},
    {"name-replaced",
     "X13",
     Busybox,
     NameReplaced,
     {{"evt.type", "openat"},
      {"proc.exepath", "/program"},
      {"proc.name", "program"},
      {"proc.comm", "innocent"}},
     "prctl"},
    {"moved-to-another-cgroup",
     "I4",
     Cgroup,
     Moved,
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"container.name", "acts"}}},
    {"born-in-another-cgroup",
     "I4",
     Cgroup,
     BornThere,
     {{"evt.type", "openat"}, {"fd.name", "$D/file"}, {"container.name", "acts"}},
     "clone3"},
};

}  // namespace

int RunMaker(std::string_view verb, const char* path) {
  if (verb == "sibling") return Sibling(path);
  if (verb == "orphan") return Orphan(path);
  return Tracer();
}

const std::vector<Act>& IdentityActs() { return kActs; }

}  // namespace acts
