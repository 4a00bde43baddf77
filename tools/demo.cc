// SPDX-License-Identifier: Apache-2.0
// nswarden demo: in under a minute, what the engine does. A throw-away container does six things an
// intruder does, an engine of the demo's own watches it, and its word on each is shown and checked.
// Nothing is left.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "engine/kernel/features.h"
#include "store/history.h"
#include "tools/control_call.h"
#include "tools/demo_acts.h"
#include "tools/demo_container.h"
#include "tools/demo_engine.h"
#include "tools/demo_stop.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kAlertPatience{20};
constexpr milliseconds kSilence{700};  // after which no alert is taken to come

// A folder that goes when the demo ends. In /run: root's alone, and a short name for the socket in
// it.
class Folder {
 public:
  Folder() {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
    std::error_code error;
    if (!path_.empty()) std::filesystem::create_directory(path_ + "/root", error);
  }
  ~Folder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/run/nswarden-demo.XXXXXX";
};

std::string Command(const std::vector<std::string>& argv) {
  // The container has nswarden under another name; what it is called with is beside the point.
  if (argv[0] == kDemoProgram) return "fetch http://" + argv.back();
  std::string line;
  for (const std::string& argument : argv) {
    line += (line.empty() ? "" : " ") +
            (argument.find(' ') == std::string::npos ? argument : "'" + argument + "'");
  }
  return line;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void PrintAlert(const nlohmann::json& alert) {
  const std::string verdict = Shown(alert, "verdict");
  const char* said = verdict == "denied"       ? "REFUSED"
                     : verdict == "killed"     ? "KILLED"
                     : verdict == "would_deny" ? "WOULD BE REFUSED"
                                               : "ALERT";
  printf("     → %s by rule '%s': %s\n", said, Shown(alert, "rule").c_str(),
         Shown(alert, "output").c_str());
}

// One act, its alert and its outcome. False: something else happened than should have.
class Play {
 public:
  Play(DemoContainer& container, DemoEngine& engine) : container_(container), engine_(engine) {}

  bool Perform(const Act& act) {
    Result<Outcome> outcome = Outcome{};
    for (const auto& command : act.commands) {
      printf("     $ %s\n", Command(command).c_str());
      outcome = container_.Run(command);
      if (!outcome) return Wrong(outcome.error().message);
    }
    if (!outcome->output.empty()) printf("     %s\n", FirstLine(outcome->output).c_str());
    return act.rule[0] == '\0' ? SeeNothing(*outcome) : SeeAlert(act, *outcome);
  }

 private:
  bool SeeAlert(const Act& act, const Outcome& outcome) {
    const auto alert = engine_.NextAlert(steady_clock::now() + kAlertPatience);
    if (!alert) return Wrong(std::string("no alert came of rule '") + act.rule + "'");
    PrintAlert(*alert);
    if (Shown(*alert, "rule") != act.rule)
      return Wrong(std::string("that should have been rule '") + act.rule + "'");
    if (!act.is_deny) return true;
    const bool denied = Shown(*alert, "verdict") == "denied";
    if (denied != engine_.enforcing()) return Wrong("the verdict is not what this kernel can do");
    return !denied || outcome.status != 0 || Wrong("and yet it succeeded");
  }

  bool SeeNothing(const Outcome& outcome) {
    if (const auto alert = engine_.NextAlert(steady_clock::now() + kSilence)) {
      PrintAlert(*alert);
      return Wrong("nothing should have been said");
    }
    if (outcome.status != 0) return Wrong("it should have succeeded");
    printf("     → nothing: no policy speaks of it\n");
    return true;
  }

  static bool Wrong(const std::string& what) {
    printf("     → NOT AS EXPECTED: %s\n", what.c_str());
    return false;
  }

  DemoContainer& container_;
  DemoEngine& engine_;
};

void SayWhatIsPossible(const DemoEngine& engine) {
  if (engine.enforcing()) {
    printf(
        "\nThis kernel can refuse: what the policy denies fails with \"Operation not "
        "permitted\".\n");
    return;
  }
  printf(
      "\nThis kernel cannot refuse, so the policy only detects here: every act goes through and is "
      "reported.\n");
  for (const kernel::Feature& feature : kernel::ProbeFeatures().table) {
    if (feature.name != "BPF-LSM" || feature.works) continue;
    printf("Why: %s: %s\nTo get it: %s\n", feature.name.c_str(),
           feature.why.substr(0, feature.why.find(';')).c_str(), feature.remedy.c_str());
  }
}

bool PerformAll(DemoContainer& container, DemoEngine& engine) {
  Play play(container, engine);
  bool all = true;
  int number = 0;
  for (const Act& act : DemoActs()) {
    if (ToldToStop()) return false;
    printf("\n%d. Somebody in the container %s:\n", ++number, act.what);
    all &= play.Perform(act);
    fflush(stdout);
  }
  return all;
}

// Its own program shows it, as the user would have it shown.
bool ShowHistory(const std::string& file, const std::string& verdict) {
  printf("\nThe history keeps it: $ nswarden history --verdict %s\n", verdict.c_str());
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "nswarden", "history", "--history", file.c_str(), "--verdict",
          verdict.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  const bool shown = child > 0 && waitpid(child, &status, 0) == child && status == 0;
  const auto rows = store::Query(file, {.verdict = verdict});
  size_t denied = 0;
  for (const Act& act : DemoActs()) denied += act.is_deny ? 1 : 0;
  if (shown && rows && rows->size() >= denied) return true;
  printf("NOT AS EXPECTED: %s\n",
         rows ? "some of it is missing there" : rows.error().message.c_str());
  return false;
}

Status PlayIn(const std::string& folder, bool& all) {
  auto container = DemoContainer::Start(std::filesystem::path(folder) / "root");
  if (!container) return tl::unexpected(container.error());
  const std::string policy = DemoPolicy(container->name());
  printf("A throw-away container (%s) and an engine that watches it, with this policy:\n\n%s",
         container->name().c_str(), policy.c_str());
  fflush(stdout);
  auto engine = DemoEngine::Start(folder, policy, container->name());
  if (!engine) return tl::unexpected(engine.error());
  SayWhatIsPossible(*engine);
  all = PerformAll(*container, *engine);
  if (!engine->Stop()) return Fail("the engine did not end well");
  if (ToldToStop()) return Fail("interrupted");
  all &= ShowHistory(engine->history(), engine->enforcing() ? "denied" : "would_deny");
  return {};
}

Status Prepare(const Folder& folder) {
  if (geteuid() != 0) {
    return Fail(
        "the demo needs root: it makes a container and loads BPF programs; try `sudo nswarden "
        "demo`");
  }
  if (Status alone = NoEngineRuns(); !alone) return alone;
  if (folder.path().empty()) return Fail("no folder could be made in /run");
  CatchStop();
  return {};
}

int Demo() {
  const auto started = steady_clock::now();
  const Folder folder;
  bool all = false;
  Status done = Prepare(folder);
  if (done) done = PlayIn(folder.path(), all);
  if (!done) {
    fflush(stdout);
    fprintf(stderr, "nswarden demo: %s\n", done.error().message.c_str());
    return 1;
  }
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started).count();
  printf("\n%s (%lld.%lld s; nothing of it is left)\n",
         all ? "All as it should be." : "Not everything went as it should: see above.",
         static_cast<long long>(took / 1000), static_cast<long long>(took % 1000 / 100));
  if (all)
    printf(
        "Next: write a policy for an image of yours, `nswarden check FILE` it, put it into "
        "/etc/nswarden/policies.d, and start the engine: `systemctl start nswarden` or `sudo "
        "tools/run`.\n");
  return all ? 0 : 1;
}

}  // namespace

void AddDemo(CLI::App& app, int& status) {
  auto connect = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand(
      "demo", "show alerts, refusals and the history on a throw-away container (needs root)");
  verb->add_option("--connect", *connect, "what the demo's container runs")->group("");
  verb->callback(
      [connect, &status] { status = connect->empty() ? Demo() : DemoConnect(*connect); });
}

}  // namespace nsw::tools
