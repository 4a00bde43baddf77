// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/crowd.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace nsw::bench {
namespace {

std::vector<std::string> Command(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{tools::kDemoProgram};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

}  // namespace

Status Crowd::Make(size_t containers) {
  char name[] = "/tmp/nswarden-bench.XXXXXX";
  if (mkdtemp(name) == nullptr) return FailErrno("a temporary directory", errno);
  folder_ = name;  // each container's root is mounted there, in its own namespace
  for (size_t i = 0; i < containers; i++) {
    auto container = tools::DemoContainer::Start(folder_);
    if (!container) return tl::unexpected(container.error());
    containers_.push_back(std::move(*container));
  }
  return {};
}

Crowd::~Crowd() {
  containers_.clear();
  std::error_code error;
  if (!folder_.empty()) std::filesystem::remove(folder_, error);
}

void Crowd::Start(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < containers_.size(); i++) {
    const pid_t child = fork();
    if (child == 0) {
      std::vector<std::string> argv = Command(arguments);
      argv.push_back(std::to_string(i));
      const auto outcome = containers_[i].Run(argv);
      _exit(outcome && outcome->status == 0 ? 0 : 1);
    }
    if (child > 0) left_++;
  }
}

bool Crowd::Busy() {
  int status = 0;
  while (left_ > 0 && waitpid(-1, &status, WNOHANG) > 0) {
    left_--;
    failed_ += status != 0;
  }
  return left_ > 0;
}

Result<tools::Outcome> Crowd::Run(const std::vector<std::string>& arguments) {
  return containers_.front().Run(Command(arguments));
}

}  // namespace nsw::bench
