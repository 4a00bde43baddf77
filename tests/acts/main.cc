// SPDX-License-Identifier: Apache-2.0
// nsw_acts: what the guest's cases perform in containers. The table at the end has its verbs.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/acts/check.h"

namespace acts {
namespace {

int* also = nullptr;

Stage MakeStage(const Act& act, const char* folder) {
  Stage stage;
  stage.folder = std::string(folder) + "/" + std::string(act.name);
  stage.also = also;
  return stage;
}

// The parent's descriptors are closed after each act, so that all have the same numbers.
void CloseAll() { close_range(3, ~0U, 0); }

// "done", "absent" or "broken: why".
std::string Perform(const Act& act, Stage& stage, pid_t& pid) {
  mkdir(stage.folder.c_str(), 0755);
  if (act.prepare != nullptr && act.prepare(stage) != Outcome::kDone)
    return std::string("broken: cannot prepare: ") + strerror(errno);
  *also = 0;
  pid = fork();
  if (pid == 0) {
    const Outcome outcome = act.perform(stage);
    _exit(outcome == Outcome::kDone ? 0 : outcome == Outcome::kAbsent ? 3 : 4);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return "broken: cannot fork";
  if (status == 0 || IsEnd(act)) return "done";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) return "absent";
  return "broken: ended with " + std::to_string(status);
}

bool Chosen(const Act& act, char** names) {
  if (*names == nullptr) return true;
  for (; *names != nullptr; names++) {
    if (act.name == *names) return true;
  }
  return false;
}

int Run(const char* folder, char** names) {
  also = static_cast<int*>(
      mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (const Act* act : AllActs()) {
    if (!Chosen(*act, names)) continue;
    Stage stage = MakeStage(*act, folder);
    pid_t pid = 0;
    const std::string end = Perform(*act, stage, pid);
    printf("act %s %d %d %s %s\n", std::string(act->name).c_str(), pid, *also, stage.folder.c_str(),
           end.c_str());
    fflush(stdout);
    if (chdir("/") != 0) return 1;
    CloseAll();
  }
  return 0;
}

struct Verb {
  std::string_view name;
  std::string_view arguments;
  int count;  // at least so many
  int (*run)(char** arguments);
  std::string_view what;
};

const Verb kVerbs[] = {
    {"policy", "", 0, [](char**) { return PrintPolicy(); },
     "print a policy under which every event is an alert with all fields"},
    {"count", "", 0, [](char**) { return printf("%zu\n", AllActs().size()) > 0 ? 0 : 1; },
     "how many acts there are"},
    {"run", "FOLDER [NAME...]", 1, [](char** a) { return Run(a[0], a + 1); },
     "in the container: perform the acts; `act NAME PID...` for each"},
    {"check", "ALERTS RUN", 2, [](char** a) { return Check(a[0], a[1]); },
     "compare; `ok NAME (F3)` and `not ok NAME (F3): what came`"},
    {"idle", "", 0, [](char**) { return 0; }, "what acts execute: does nothing"},
    {"open", "PATH", 1, [](char** a) { return OpenOne(a[0]); }, "makes a file"},
    {"maker", "VERB PATH", 2, [](char** a) { return RunMaker(a[0], a[1]); },
     "what acts execute: makes or traces another process"},
    {"crowd", "COUNT", 1, [](char** a) { return Crowd(atoi(a[0])); },
     "threads that sleep and are woken at once"},
    {"crossed", "FOLDER THREADS ROUNDS", 3,
     [](char** a) { return Crossed(a[0], atoi(a[1]), atoi(a[2])); },
     "threads that mark all they do with their names"},
    {"rewritten", "FOLDER ROUNDS", 2, [](char** a) { return Rewritten(a[0], atoi(a[1])); },
     "opens while another thread rewrites the path"},
    {"probe", "COUNTS TRIES ACT...", 3, [](char** a) { return Probe(a[0], atol(a[1]), a + 2); },
     "a task per ACT (open:PATH, exec:PATH, connect:PORT) that tries what is forbidden"},
    {"reuse", "FOLDER ROUNDS", 2, [](char** a) { return Reuse(a[0], atoi(a[1])); },
     "short-lived processes with one process id"},
};

int Usage() {
  for (const Verb& verb : kVerbs)
    fprintf(stderr, "nsw_acts %s %s: %s\n", verb.name.data(), verb.arguments.data(),
            verb.what.data());
  return 2;
}

}  // namespace
}  // namespace acts

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  for (const acts::Verb& verb : acts::kVerbs) {
    if (verb.name == wanted && argc - 2 >= verb.count) return verb.run(argv + 2);
  }
  return acts::Usage();
}
