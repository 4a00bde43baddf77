// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_engine.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "engine/control.h"
#include "engine/pin_folder.h"
#include "tools/demo_stop.h"

namespace nsw::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Seconds on most machines. The rest is for emulated ones, where the kernel takes minutes to verify
// the programs.
constexpr seconds kStartPatience{400};
constexpr seconds kStopPatience{20};

[[noreturn]] void Become(const std::filesystem::path& folder, int alerts) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  setpgid(0, 0);  // an interrupt at the terminal is for the demo, which then stops this
  for (const int number : {SIGINT, SIGTERM}) signal(number, SIG_DFL);
  const int log = open((folder / "engine.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(alerts, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const std::string config = folder / "nswarden.yaml";
  execl("/proc/self/exe", "nswarden", "run", "--config", config.c_str(), nullptr);
  _exit(127);
}

bool IsBound(const nlohmann::json& answer, const std::string& container) {
  for (const auto& one : answer.value("containers", nlohmann::json::array())) {
    if (one.value("name", "") == container &&
        !one.value("policies", nlohmann::json::array()).empty())
      return true;
  }
  return false;
}

}  // namespace

Status NoEngineRuns() {
  const UniqueFd lock(open(kLock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(
        "an engine watches this host already, and there is room for one: `nswarden ps` shows what "
        "it does; for the demo stop it first (nswarden stop --remove)");
  }
  if (access(kPinFolder, F_OK) != 0) return {};
  return Fail(
      "what an engine refused before it was stopped is still in force on this host, and the demo "
      "would end that; where it may, `nswarden stop --remove` first");
}

Result<DemoEngine> DemoEngine::Start(const std::filesystem::path& folder, const std::string& policy,
                                     const std::string& container) {
  DemoEngine engine(folder);
  if (Status written = engine.WriteFiles(policy); !written) return tl::unexpected(written.error());
  if (Status launched = engine.Launch(); !launched) return tl::unexpected(launched.error());
  if (Status bound = engine.WaitUntilBound(container); !bound) return tl::unexpected(bound.error());
  return engine;
}

DemoEngine::DemoEngine(DemoEngine&& other) noexcept
    : folder_(std::move(other.folder_)),
      pid_(std::exchange(other.pid_, 0)),
      enforcing_(other.enforcing_),
      alerts_(std::move(other.alerts_)),
      unread_(std::move(other.unread_)) {}

Status DemoEngine::WriteFiles(const std::string& policy) const {
  std::error_code error;
  std::filesystem::create_directory(folder_ / "policies", error);
  std::ofstream(folder_ / "policies" / "demo.yaml") << policy;
  // JSON texts are YAML texts.
  const auto text = [this](const char* name) {
    return nlohmann::json((folder_ / name).string()).dump();
  };
  std::ofstream config(folder_ / "nswarden.yaml");
  config << "policies: " << text("policies")
         << "\noutput: json\nhistory: {path: " << text("history.db")
         << ", events: [open, connect]}\nruntimes: {docker: '', containerd: '', crio: '', podman: "
            "'', podman_storage: ''}"
         << "\nrun_directory: " << text("run") << "\noutlive: false\n";
  config.close();
  return config ? Status() : Fail(folder_.string() + ": cannot be written");
}

Status DemoEngine::Launch() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("pipe", errno);
  alerts_.Reset(ends[0]);
  const UniqueFd writer(ends[1]);
  fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) return FailErrno("fork", errno);
  if (pid_ == 0) Become(folder_, writer.get());
  return {};
}

Status DemoEngine::WaitUntilBound(const std::string& container) {
  const Deadline deadline = steady_clock::now() + kStartPatience;
  while (steady_clock::now() < deadline && !ToldToStop()) {
    if (Ended()) return tl::unexpected(Failure("the engine ended"));
    const auto answer = ControlCall(folder_ / "run" / "control.sock", {{"verb", "ps"}});
    if (answer && IsBound(*answer, container)) {
      enforcing_ = answer->value("enforcing", false);
      return {};
    }
    std::this_thread::sleep_for(milliseconds(100));
  }
  return tl::unexpected(Failure("the engine did not come to watch the demo's container"));
}

bool DemoEngine::Ended() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

Error DemoEngine::Failure(const std::string& what) const {
  std::ostringstream log;
  log << std::ifstream(folder_ / "engine.log").rdbuf();
  return {what + ". It said:\n" + log.str()};
}

std::optional<nlohmann::json> DemoEngine::NextAlert(Deadline deadline) {
  while (!ToldToStop()) {
    if (const size_t end = unread_.find('\n'); end != std::string::npos) {
      auto alert = nlohmann::json::parse(unread_.substr(0, end), nullptr, false);
      unread_.erase(0, end + 1);
      if (alert.is_object()) return alert;
      continue;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd watched{.fd = alerts_.get(), .events = POLLIN};
    const int ready = left <= 0 ? 0 : poll(&watched, 1, static_cast<int>(left));
    if (ready == 0) return std::nullopt;
    if (ready < 0)
      continue;  // told to stop, perhaps: a read would wait for an alert that never comes
    std::array<char, 4096> room;
    const ssize_t n = read(alerts_.get(), room.data(), room.size());
    if (n == 0 || (n < 0 && errno != EINTR)) return std::nullopt;
    if (n > 0) unread_.append(room.data(), static_cast<size_t>(n));
  }
  return std::nullopt;
}

bool DemoEngine::Stop() {
  if (pid_ <= 0) return true;
  kill(pid_, SIGTERM);
  const Deadline deadline = steady_clock::now() + kStopPatience;
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(pid_, &status, WNOHANG)) == 0 && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  if (ended == 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  pid_ = 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace nsw::tools
