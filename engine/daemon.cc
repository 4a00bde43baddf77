// SPDX-License-Identifier: Apache-2.0
#include "engine/daemon.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <future>

#include "engine/base/escape.h"
#include "engine/base/lock_holder.h"
#include "engine/base/notify.h"
#include "engine/mounts.h"
#include "engine/own_files.h"
#include "engine/pin_folder.h"

namespace nsw {
namespace {

constexpr int kPollMs = 200;
constexpr int kNice = -10;
constexpr uint64_t kTickNs = 1'000'000'000;
constexpr uint64_t kDrainNs = 3'000'000'000;

sigset_t WatchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

template <typename Wanted>
std::string Names(const rule::PolicySet& policies, Wanted wanted) {
  std::string names;
  for (const rule::PolicyInfo& policy : policies.policies()) {
    if (wanted(policy)) names += (names.empty() ? "" : ", ") + policy.name;
  }
  return names;
}

}  // namespace

Daemon::Daemon(Config config)
    : config_(std::move(config)),
      hostname_(HostName()),
      stopper_{geteuid(), static_cast<uint32_t>(getpid())} {}

Daemon::~Daemon() {
  if (queue_ != nullptr) queue_->Close();  // nobody runs it any more, and the threads below may ask
  control_.reset();
  sources_.clear();
  if (signals_.joinable()) {
    stopping_ = true;
    pthread_kill(signals_.native_handle(), SIGTERM);
    signals_.join();
  }
}

Status Daemon::Run() {
  using Step = Status (Daemon::*)();
  constexpr Step kSteps[] = {&Daemon::RequireRoot, &Daemon::TakeLock,      &Daemon::LoadPolicies,
                             &Daemon::Probe,       &Daemon::OpenHistory,   &Daemon::OpenSinks,
                             &Daemon::LoadKernel,  &Daemon::StartPipeline, &Daemon::StartSources,
                             &Daemon::OpenControl, &Daemon::Announce};
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread is made: all inherit it
  signal(SIGPIPE, SIG_IGN);
  for (const Step step : kSteps) {
    if (Status done = (this->*step)(); !done) return done;
    if (!signals_.joinable() && ToldToStop()) return {};
  }
  Loop();
  return {};
}

// While starting nobody watches the signals yet.
bool Daemon::ToldToStop() {
  sigset_t signals = WatchedSignals();
  sigdelset(&signals, SIGHUP);
  const timespec now{};
  return sigtimedwait(&signals, nullptr, &now) > 0;
}

Status Daemon::RequireRoot() {
  if (geteuid() == 0) return {};
  return Fail(
      "the engine needs root: it loads BPF programs and reads every container's processes; try "
      "`sudo nswarden run`");
}

Status Daemon::TakeLock() {
  // One engine watches a host, wherever its run directory is.
  lock_.Reset(open(kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock_.valid()) return FailErrno(kLock, errno);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const pid_t other = LockHolder(lock_.get());
    return Fail("another nswarden watches this host already: " +
                (other > 0 ? "process " + std::to_string(other) : std::string("it")) + " holds " +
                kLock);
  }
  std::error_code error;
  std::filesystem::create_directories(config_.run_directory, error);
  if (error) return Fail(config_.run_directory.string() + ": " + error.message());
  if (config_.outlive && mkdir(kStateFolder, 0750) != 0 && errno != EEXIST)
    return FailErrno(kStateFolder, errno);
  return {};
}

Status Daemon::Probe() {
  MountKernelFileSystems();
  features_ = kernel::ProbeFeatures();
  return {};
}

Status Daemon::OpenHistory() {
  if (config_.history.empty()) return {};
  auto writer = store::Writer::Open({.path = config_.history,
                                     .retention_ns = config_.history_retention_ns,
                                     .max_bytes = config_.history_max_bytes});
  if (!writer) return Fail("history: " + writer.error().message);
  history_ = std::move(*writer);
  return {};
}

Status Daemon::OpenSinks() {
  dispatcher_ = std::make_unique<alert::Dispatcher>();
  if (config_.output != Output::kNone) {
    const auto format =
        config_.output == Output::kJson ? alert::StdoutFormat::kJson : alert::StdoutFormat::kText;
    dispatcher_->Add(alert::MakeStdoutSink(format));
  }
  if (config_.webhook_url.empty()) return {};
  auto webhook = alert::MakeWebhookSink(
      {.url = config_.webhook_url,
       .timeout_ms = static_cast<int>(config_.webhook_timeout_ns / 1'000'000),
       .attempts = config_.webhook_attempts});
  if (!webhook) return Fail("webhook: " + webhook.error().message);
  dispatcher_->Add(std::move(*webhook));
  return {};
}

uint64_t Daemon::Recorded() const { return history_ == nullptr ? 0 : config_.history_events; }

Status Daemon::LoadKernel() {
  auto loaded = kernel::Kernel::Load(
      features_, {.wanted = first_policies_->wanted() | Recorded(),
                  .enforce = config_.enforce,
                  .events_ring_bytes = static_cast<uint32_t>(config_.events_ring_bytes),
                  .files_ring_bytes = static_cast<uint32_t>(config_.files_ring_bytes),
                  .denials_ring_bytes = static_cast<uint32_t>(config_.denials_ring_bytes),
                  .max_tasks = static_cast<uint32_t>(config_.max_tasks),
                  .hold_ns = config_.hold_ns,
                  .unbound_closed = config_.unbound_closed,
                  .pins = kPinFolder,
                  .outlive = config_.outlive,
                  .own = OwnFiles(config_)});
  if (!loaded) return tl::unexpected(loaded.error());
  kernel_ = std::move(*loaded);
  DisarmAtStart();
  return {};
}

Status Daemon::StartPipeline() {
  started_ns_ = SystemClock().BootNs();
  queue_ = std::make_unique<WorkQueue>([this] { kernel_->Wake(); });
  registry_ = std::make_unique<container::Registry>(container::ProcFs());
  binder_ = std::make_unique<PolicyBinder>(*kernel_, *registry_, Recorded());
  PipelineParts parts{
      *kernel_,          *registry_,          *binder_,   *dispatcher_,
      history_.get(),    SystemClock(),       hostname_,  kernel_->host_pid_namespace(),
      config_.max_tasks, event::ProcReader(), Recorded(), config_.enforce};
  parts.run_time = OpenRunTime();
  pipeline_ = std::make_unique<Pipeline>(std::move(parts));
  if (Status used = binder_->Use(first_policies_); !used) return used;
  pipeline_->Tick();
  return {};
}

Status Daemon::StartSources() {
  sources_ = container::MakeSources(
      config_.runtimes, [this](const std::string& name) { registry_->Expect(name); },
      [this](container::Change change) {
        queue_->Post([this, change = std::move(change)] { pipeline_->Apply(change); });
      });
  return kernel_->LabelRunning();
}

Status Daemon::OpenControl() {
  auto server = ControlServer::Listen(
      config_.control_socket(),
      [this](const nlohmann::json& request, const Peer& peer) { return Control(request, peer); });
  if (!server) return Fail("control socket: " + server.error().message);
  control_ = std::move(*server);
  signals_ = std::thread([this] { WatchSignals(); });
  return {};
}

// Loudly where what is written will not happen.
void Daemon::AnnounceEnforcement(const rule::PolicySet& policies) const {
  const auto deny = [](const rule::PolicyInfo& p) {
    return p.has_deny && p.mode == rule::Mode::kEnforce;
  };
  const std::string denying = Names(policies, deny);
  if (!config_.enforce) {
    spdlog::info("enforcement: off (--no-enforce, or enforce: false); deny entries only detect");
  } else if (kernel_->enforcing()) {
    spdlog::info("enforcement: on (BPF-LSM; a canary was refused){}{}",
                 denying.empty() ? "" : ", by " + denying, HowLong());
    SayDisarmed();
  } else if (denying.empty()) {
    spdlog::info("enforcement: not possible here; `nswarden probe` says why");
  } else {
    const auto kills = [](const auto& p) { return p.fallback_kill && !p.host; };
    const std::string killing = Names(policies, [&](const auto& p) { return deny(p) && kills(p); });
    const std::string detecting =
        Names(policies, [&](const auto& p) { return deny(p) && !kills(p); });
    const char* when = kernel_->judging() ? "at the act" : "after the act";
    spdlog::warn("enforcement: not possible here{}{}; `nswarden probe` says why",
                 detecting.empty() ? "" : ", so these policies only detect: " + detecting,
                 killing.empty() ? ""
                                 : std::string("; these kill, ") + when +
                                       " (fallback: kill): " + killing + HowLong());
    SayDisarmed();
  }
}

std::string Daemon::HowLong() const {
  const bool outlives = kernel_->judging() && !kernel_->pinned().empty();
  return outlives ? "; pinned: it outlives this process" : "; it ends with this process";
}

Status Daemon::Announce() {
  const rule::PolicySet& policies = *binder_->policies();
  for (const std::string& line : kernel_->attachments()) spdlog::debug("{}", line);
  const std::string all = Names(policies, [](const rule::PolicyInfo&) { return true; });
  spdlog::info("{} policies: {}", policies.policies().size(), all.empty() ? "none" : all);
  const std::string of_host = Names(policies, [](const rule::PolicyInfo& p) {
    return p.host && p.has_deny && p.mode == rule::Mode::kEnforce;
  });
  if (!of_host.empty() && kernel_->enforcing())
    spdlog::warn("the host's own processes are refused nothing; these only detect: {}", of_host);
  AnnounceEnforcement(policies);
  if (!container::AnyThere(config_.runtimes)) {
    spdlog::info("no container runtime is here; watching all the same");
  }
  kernel_->MarkReady();
  spdlog::info("watching");
  NotifyManager("READY=1\nSTATUS=watching");
  RecordOperation("start", all, {geteuid(), static_cast<uint32_t>(getpid())});
  return {};
}

void Daemon::Loop() {
  // Containers' first programs wait for this thread, and ask again and again meanwhile.
  if (setpriority(PRIO_PROCESS, 0, kNice) != 0)
    spdlog::warn("the engine has no priority before what waits for it: {}", std::strerror(errno));
  uint64_t next_tick = 0;
  while (!stopping_) {
    kernel_->Poll(kPollMs,
                  [this](std::span<const std::byte> record) { pipeline_->Handle(record); });
    queue_->Run();
    const uint64_t now = SystemClock().BootNs();
    if (now < next_tick) continue;
    pipeline_->Tick();
    TakeOver();
    NotifyHealth();
    next_tick = now + kTickNs;
  }
  Drain();
}

// What others can watch the engine by. Its silence is the alarm: it ends with this thread, and
// while something fails that the engine relies on.
void Daemon::NotifyHealth() {
  const std::string failing = pipeline_->heartbeat().Failing();
  if (failing != told_failing_)
    NotifyManager("STATUS=" + (failing.empty() ? "watching" : "impaired: " + failing));
  told_failing_ = failing;
  if (pipeline_->heartbeat().well()) NotifyWatchdog();
}

// What the kernel had put into the rings before the stop is still judged, reported and stored. What
// comes meanwhile need not be: under a flood the rings are never empty.
void Daemon::Drain() {
  spdlog::info("stopping: draining");
  NotifyManager("STOPPING=1");
  queue_->Run();
  queue_->Close();  // or a request under way would wait for this thread, which waits for it
  control_.reset();
  sources_.clear();
  const uint64_t until = SystemClock().BootNs() + kDrainNs;
  while (kernel_->Poll(
             0, [this](std::span<const std::byte> record) { pipeline_->Handle(record); }) > 0 &&
         SystemClock().BootNs() < until) {
  }
  pipeline_->Finish();
  SayWhatStays();
  RecordOperation("stop", remove_ ? "nothing stays in force" : "", stopper_);
  dispatcher_.reset();
  history_.reset();
  kernel_->UntoldReported();  // by now all of it is written
}

void Daemon::WatchSignals() {
  const sigset_t signals = WatchedSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) == 0) {
    if (signal == SIGHUP) {
      (void)Reload({geteuid(), static_cast<uint32_t>(getpid())});  // told in the log
      continue;
    }
    stopping_ = true;
    kernel_->Wake();
    return;
  }
}

// What somebody asked for: with who it was, and why.
void Daemon::Operated(const std::string& what, const std::string& detail, const Peer& peer,
                      bool done) {
  const std::string text = peer.reason.empty() ? detail : detail + "; reason: " + peer.reason;
  spdlog::log(done ? spdlog::level::info : spdlog::level::err, "{} by uid {} pid {}: {}", what,
              peer.uid, peer.pid, Escape(text));
  RecordOperation(what, text, peer);
}

void Daemon::RecordOperation(const std::string& what, const std::string& detail, const Peer& peer) {
  if (history_ != nullptr) history_->RecordOperation(what, detail, peer.uid, peer.pid);
}

}  // namespace nsw
