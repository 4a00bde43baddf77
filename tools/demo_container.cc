// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_container.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "tools/demo_root.h"
#include "tools/demo_stop.h"

namespace nsw::tools {
namespace {

constexpr size_t kOutputMax = 2048;
constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;

// A packet from init: an exit status, then the output. The first one of all: 0, or 1 and what went
// wrong.
struct Packet {
  int status = 0;
  std::array<char, kOutputMax> text{};
};

void Send(int socket, int status, const std::string& text) {
  Packet packet{.status = status};
  const size_t size = std::min(text.size(), packet.text.size());
  memcpy(packet.text.data(), text.data(), size);
  send(socket, &packet, offsetof(Packet, text) + size, MSG_NOSIGNAL);
}

Result<Outcome> Receive(int socket) {
  Packet packet;
  ssize_t size = 0;
  do {
    size = recv(socket, &packet, sizeof packet, 0);
  } while (size < 0 && errno == EINTR && !ToldToStop());
  if (size < static_cast<ssize_t>(offsetof(Packet, text))) {
    return Fail(ToldToStop() ? "interrupted" : "the demo's container ended before its time");
  }
  return Outcome{packet.status,
                 {packet.text.data(), static_cast<size_t>(size) - offsetof(Packet, text)}};
}

// ---- in the container ----

[[noreturn]] void Execute(std::vector<char*> argv, int output) {
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  char path[] = "PATH=/usr/bin:/bin";
  char locale[] = "LC_ALL=C";
  char* environment[] = {path, locale, nullptr};
  execve(argv[0], argv.data(), environment);
  fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
  _exit(126);
}

std::string ReadAll(int fd) {
  std::string all;
  std::array<char, 512> room;
  for (ssize_t n = 0; (n = read(fd, room.data(), room.size())) > 0;) {
    all.append(room.data(), static_cast<size_t>(n));
  }
  return all;
}

Outcome RunHere(std::vector<char*> argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {126, strerror(errno)};
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) Execute(std::move(argv), writer.get());
  writer.Reset();
  Outcome outcome{126, ReadAll(reader.get())};
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child) {
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return outcome;
}

// Commands come as packets of arguments, each ended by a NUL. Until the other side is gone.
void Serve(int socket) {
  std::array<char, 4096> packet;
  for (ssize_t size = 0; (size = recv(socket, packet.data(), packet.size() - 1, 0)) > 0;) {
    packet[static_cast<size_t>(size)] = '\0';
    std::vector<char*> argv;
    for (char* at = packet.data(); at < packet.data() + size; at += strlen(at) + 1)
      argv.push_back(at);
    argv.push_back(nullptr);
    const Outcome outcome = RunHere(std::move(argv));
    Send(socket, outcome.status, outcome.output);
  }
}

[[noreturn]] void Init(const std::filesystem::path& folder, int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "demo-init");
  for (const int number : {SIGINT, SIGTERM}) signal(number, SIG_DFL);
  setsid();  // an interrupt at the terminal is for the demo, which then ends this
  const Status entered = EnterDemoRoot(folder);
  Send(socket, entered ? 0 : 1, entered ? "" : entered.error().message);
  if (entered && sethostname("demo", 4) == 0) Serve(socket);
  _exit(0);
}

}  // namespace

// ---- outside of it ----

Result<DemoContainer> DemoContainer::Start(const std::filesystem::path& folder) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return FailErrno("socketpair", errno);
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  fflush(nullptr);
  // As fork, but the child begins in namespaces of its own. There is no second thread here.
  const auto init = static_cast<pid_t>(
      syscall(SYS_clone, kNamespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (init < 0) {
    return FailErrno(
        "the kernel gives no namespaces for a container; run the demo as root on the host itself",
        errno);
  }
  if (init == 0) {
    ours.Reset();
    Init(folder, theirs.get());
  }
  DemoContainer container(init, std::move(ours));
  return container.Settle().map([&] { return std::move(container); });
}

Status DemoContainer::Settle() {
  const auto started = Receive(socket_.get());
  if (!started) return tl::unexpected(started.error());
  if (started->status != 0) return Fail("the demo's container: " + started->output);
  struct stat about {};
  const std::string mount_namespace = "/proc/" + std::to_string(init_) + "/ns/mnt";
  if (stat(mount_namespace.c_str(), &about) != 0) return FailErrno(mount_namespace, errno);
  mount_namespace_ = static_cast<uint32_t>(about.st_ino);
  return {};
}

DemoContainer::DemoContainer(DemoContainer&& other) noexcept
    : init_(std::exchange(other.init_, 0)),
      socket_(std::move(other.socket_)),
      mount_namespace_(other.mount_namespace_) {}

DemoContainer::~DemoContainer() {
  if (init_ <= 0) return;
  kill(init_, SIGKILL);
  while (waitpid(init_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Outcome> DemoContainer::Run(const std::vector<std::string>& argv) {
  std::string packet;
  for (const std::string& argument : argv) packet += argument + '\0';
  if (send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    return FailErrno("the demo's container", errno);
  }
  return Receive(socket_.get());
}

}  // namespace nsw::tools
