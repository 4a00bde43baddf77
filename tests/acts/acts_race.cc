// SPDX-License-Identifier: Apache-2.0
// Paths that change while the call runs, and paths that no probe finds in memory when it begins:
// one event, with what the kernel acted on.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/acts/act.h"

namespace acts {
namespace {

constexpr size_t kPage = 4096;
constexpr std::string_view kThreads = "clone3 mprotect userfaultfd";

// ---- a call that sleeps ----

// Between the act and a process that lets it sleep and wakes it.
struct Sleep {
  std::atomic<int> sleeper;
  std::atomic<bool> asleep;
  std::atomic<bool> rewritten;
};

bool IsAsleep(int pid) {
  char text[256] = {};
  const int fd = open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY);
  const bool read_it = fd >= 0 && read(fd, text, sizeof text - 1) > 0;
  close(fd);
  const char* name_end = strrchr(text, ')');
  return read_it && name_end != nullptr && name_end[2] == 'S';
}

// By a process of its own, whose opens are not the act's.
void WakeLater(Sleep& sleep, const std::string& fifo) {
  while (sleep.sleeper == 0 || !IsAsleep(sleep.sleeper)) usleep(1000);
  sleep.asleep = true;
  while (!sleep.rewritten) usleep(1000);
  const int fd = open(fifo.c_str(), O_WRONLY);
  usleep(100'000);
  close(fd);
}

Outcome Fifo(Stage& s) {
  s.memory =
      mmap(nullptr, sizeof(Sleep), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (s.memory == MAP_FAILED || mkfifo(s.Path("fifo").c_str(), 0600) != 0) return Outcome::kBroken;
  const pid_t waker = fork();
  if (waker == 0) {
    WakeLater(*static_cast<Sleep*>(s.memory), s.Path("fifo"));
    _exit(0);
  }
  return Must(waker > 0);
}

Outcome RewrittenAsleep(Stage& s) {
  auto& sleep = *static_cast<Sleep*>(s.memory);
  std::string path = s.Path("fifo");
  std::thread rewriter([&] {
    while (!sleep.asleep) usleep(1000);
    path.replace(path.size() - 4, 4, "none");
    sleep.rewritten = true;
  });
  sleep.sleeper = getpid();
  const long fd = syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY);
  rewriter.join();
  return Must(fd >= 0);
}

// ---- a page that comes late ----

// Two pages, of which the second comes when somebody needs it, who sleeps until then.
struct LatePage {
  char* pages = nullptr;
  int fd = -1;
};

bool Make(LatePage& late) {
  uffdio_api api{};
  api.api = UFFD_API;
  void* room = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  late.pages = static_cast<char*>(room);
  uffdio_register second{};
  second.range.start = reinterpret_cast<uintptr_t>(late.pages) + kPage;
  second.range.len = kPage;
  second.mode = UFFDIO_REGISTER_MODE_MISSING;
  late.fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  return room != MAP_FAILED && late.fd >= 0 && ioctl(late.fd, UFFDIO_API, &api) == 0 &&
         ioctl(late.fd, UFFDIO_REGISTER, &second) == 0;
}

// When the kernel asks for the second page it has the text of the first already.
void HandOver(const LatePage& late, char* rewrite) {
  alignas(kPage) static char page[kPage] = "file";
  uffd_msg message{};
  if (read(late.fd, &message, sizeof message) != sizeof message) return;
  memcpy(rewrite, "fake", 4);
  uffdio_copy copy{};
  copy.dst = reinterpret_cast<uintptr_t>(late.pages) + kPage;
  copy.src = reinterpret_cast<uintptr_t>(page);
  copy.len = kPage;
  ioctl(late.fd, UFFDIO_COPY, &copy);
}

// Between what is rewritten and the page's end there is more than the kernel copies at once.
constexpr std::string_view kBetween = "/a-folder-between/";

Outcome TwoFiles(Stage& s) {
  for (const std::string_view name : {"real", "fake"}) {
    const std::string folder = s.Path(name) + std::string(kBetween);
    if (mkdir(s.Path(name).c_str(), 0755) != 0 || mkdir(folder.c_str(), 0755) != 0 ||
        !MakeFile(folder + "file"))
      return Outcome::kBroken;
  }
  return Outcome::kDone;
}

Outcome CompletedLate(Stage& s) {
  LatePage late;
  if (!Make(late)) return Outcome::kBroken;
  const std::string path = s.Path("real") + std::string(kBetween);
  char* begin = late.pages + kPage - path.size();
  memcpy(begin, path.data(), path.size());
  std::thread other([&] { HandOver(late, late.pages + kPage - kBetween.size() - 4); });
  const long fd = syscall(SYS_openat, AT_FDCWD, begin, O_RDONLY);
  other.join();
  return Must(fd >= 0);
}

// ---- a page that is not there ----

// A file that holds these texts, in fd[0].
Outcome Texts(Stage& s, std::string_view first, std::string_view second = "") {
  const std::string all = std::string(first) + '\0' + std::string(second) + '\0';
  s.fd[0] = open(s.Path("texts").c_str(), O_CREAT | O_RDWR, 0644);
  return Must(write(s.fd[0], all.data(), all.size()) == static_cast<ssize_t>(all.size()));
}

// They are in memory when somebody reads them: no probe can, where it begins.
const char* Fresh(const Stage& s) {
  return static_cast<const char*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, s.fd[0], 0));
}

Outcome FileAndTexts(Stage& s) {
  return Must(MakeFile(s.Path("file")) && Texts(s, s.Path("file")) == Outcome::kDone);
}

Outcome ExecFresh(Stage& s) {
  const char* path = Fresh(s);
  const char* argv[] = {path, path + sizeof "/program", nullptr};
  return Done(syscall(SYS_execve, path, argv, environ));
}

const std::vector<Act> kActs = {
    {"rewritten-while-asleep",
     "F1",
     Fifo,
     RewrittenAsleep,
     {{"evt.type", "openat"},
      {"fd.name", "$D/fifo"},
      {"fd.nameraw", "$D/none"},
      {"evt.res", "SUCCESS"}},
     kThreads},
    {"rewritten-before-its-end",
     "F1 F2",
     TwoFiles,
     CompletedLate,
     {{"evt.type", "openat"},
      {"fd.name", "$D/real/a-folder-between/file"},
      {"fd.nameraw", "$D/fake/a-folder-between/file"},
      {"evt.res", "SUCCESS"}},
     kThreads},
    {"open-not-in-memory",
     "F2",
     FileAndTexts,
     [](Stage& s) { return Done(syscall(SYS_openat, AT_FDCWD, Fresh(s), O_RDONLY)); },
     {{"evt.type", "openat"},
      {"fd.name", "$D/file"},
      {"fd.nameraw", "$D/file"},
      {"evt.res", "SUCCESS"}}},
    {"open-missing-not-in-memory",
     "F2",
     [](Stage& s) { return Texts(s, s.Path("none")); },
     [](Stage& s) { return Done(syscall(SYS_openat, AT_FDCWD, Fresh(s), O_RDONLY)); },
     {{"evt.type", "openat"},
      {"fd.name", "<NA>"},
      {"fd.nameraw", "$D/none"},
      {"evt.res", "ENOENT"}}},
    {"unlink-not-in-memory",
     "F2",
     FileAndTexts,
     [](Stage& s) { return Done(syscall(SYS_unlink, Fresh(s))); },
     {{"evt.type", "unlink"},
      {"fs.path.name", "$D/file"},
      {"evt.arg.path", "$D/file"},
      {"evt.res", "SUCCESS"}}},
    {"exec-not-in-memory",
     "F2",
     [](Stage& s) { return Texts(s, "/program", "idle"); },
     ExecFresh,
     {{"evt.type", "execve"},
      {"evt.arg.exe", "/program"},
      {"evt.arg.args", "idle"},
      {"evt.res", "SUCCESS"}}},
};

}  // namespace

const std::vector<Act>& RaceActs() { return kActs; }

}  // namespace acts
