// SPDX-License-Identifier: Apache-2.0
//   nsw_acts policy                 print a policy under which every event is an alert with all
//   fields nsw_acts count                  how many acts there are nsw_acts run FOLDER [NAME...] in
//   the container: perform the acts; `act NAME PID...` for each nsw_acts check ALERTS RUN compare;
//   `ok NAME (F3)` and `not ok NAME (F3): what came` nsw_acts idle                   what acts
//   execute: does nothing
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
  if (status == 0) return "done";
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

}  // namespace
}  // namespace acts

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "idle") return 0;
  if (verb == "crowd" && argc > 2) return acts::Crowd(atoi(argv[2]));
  if (verb == "policy") return acts::PrintPolicy();
  if (verb == "count") return printf("%zu\n", acts::AllActs().size()) > 0 ? 0 : 1;
  if (verb == "run" && argc > 2) return acts::Run(argv[2], argv + 3);
  if (verb == "check" && argc > 3) return acts::Check(argv[2], argv[3]);
  fprintf(stderr, "usage: nsw_acts policy | count | run FOLDER [NAME...] | check ALERTS RUN\n");
  return 2;
}
