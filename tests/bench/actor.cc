// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/actor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "engine/base/unique_fd.h"

namespace nsw::bench {
namespace {

namespace fs = std::filesystem;

class Actor {
 public:
  explicit Actor(unsigned number) : number_(number), random_(number) {
    for (const char* folder : {"/usr/lib/x86_64-linux-gnu", "/usr/share", "/usr/bin", "/usr/lib"})
      ListFiles(folder, 120);
  }

  void Act() {
    const unsigned what = Pick(1000);
    if (what < 690) return Open(files_[Pick(files_.size())], O_RDONLY);
    if (what < 830) return Open(Missing(), O_RDONLY);  // a search path, walked
    if (what < 890) return Open("/proc/self/status", O_RDONLY);
    if (what < 935) return Open("/tmp/service-" + Number() + ".log", O_WRONLY | O_CREAT | O_APPEND);
    if (what < 945) return Open("/etc/passwd", O_RDONLY);
    if (what < 965) return Connect("127.0.0.1", static_cast<uint16_t>(1 + Pick(1024)));
    if (what < 970) return ConnectUnix("/run/service.sock");
    if (what < 986) return Run({"/usr/bin/true", "--of", Number()});
    Forbidden();
  }

 private:
  void Forbidden() {
    switch (Pick(8)) {
      case 0:
        return Run({"/bin/sh", "-c", ": /dev/tcp/10.0.0.1/9"});
      case 1:
        return Connect("169.254.169.254", 80);
      case 2:
      case 3:
        return Open("/etc/cron.d/service", O_WRONLY | O_CREAT);
      default:
        return Open("/etc/shadow", O_RDONLY);
    }
  }

  size_t Pick(size_t n) { return random_() % n; }
  [[nodiscard]] std::string Number() const { return std::to_string(number_); }
  std::string Missing() {
    return "/usr/lib/python3/dist-packages/service/module_" + std::to_string(Pick(500)) + ".so";
  }

  void ListFiles(const char* folder, size_t most) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (!entry.is_regular_file(error)) continue;
      files_.push_back(entry.path());
      if (--most == 0) return;
    }
  }

  static void Open(const std::string& path, int flags) {
    const UniqueFd file(open(path.c_str(), flags | O_CLOEXEC, 0644));
  }

  static void Connect(const char* address, uint16_t port) {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  static void ConnectUnix(const char* path) {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{.sun_family = AF_UNIX};
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  static void Run(const std::vector<std::string>& argv) {
    std::vector<char*> arguments;
    for (const std::string& one : argv) arguments.push_back(const_cast<char*>(one.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      execv(arguments[0], arguments.data());
      _exit(126);
    }
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  unsigned number_;
  std::mt19937 random_;
  std::vector<std::string> files_;
};

}  // namespace

int Idle(unsigned processes) {
  for (unsigned i = 1; i < processes && fork() != 0; i++) {
  }
  for (;;) pause();
}

int Flood(unsigned seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  size_t opened = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 1000; i++, opened++) {
      char path[64];
      snprintf(path, sizeof path, "/tmp/flood-%zu", opened % 5000);
      const UniqueFd file(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    }
  }
  printf("%zu\n", opened);
  return 0;
}

int Alert(unsigned times, unsigned pause_ms) {
  for (unsigned i = 0; i < times; i++) {
    const UniqueFd file(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
    usleep(pause_ms * 1000);
  }
  return 0;
}

int Act(unsigned number, unsigned acts) {
  Actor actor(number);
  for (unsigned i = 0; i < acts; i++) {
    actor.Act();
    if (i % 20 == 0) usleep(1000);  // lets the other containers in
  }
  return 0;
}

}  // namespace nsw::bench
