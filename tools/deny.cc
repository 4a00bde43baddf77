// SPDX-License-Identifier: Apache-2.0
// nswarden deny: refuse something to one running container, from now on. nswarden reload: read the
// policies anew.
#include <cstdio>

#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

struct Flags {
  std::string container;
  std::string exec;
  std::string read;
  std::string write;
  std::string connect;
  std::string period;
  std::string reason;
};

int Deny(const ControlFlags& control, const Flags& flags) {
  const std::pair<const char*, const std::string&> classes[] = {{"exec", flags.exec},
                                                                {"read", flags.read},
                                                                {"write", flags.write},
                                                                {"connect", flags.connect}};
  int status = 2;
  for (const auto& [name, entry] : classes) {
    if (entry.empty()) continue;
    const nlohmann::json request{{"verb", "deny"},      {"container", flags.container},
                                 {"class", name},       {"entry", entry},
                                 {"for", flags.period}, {"reason", flags.reason}};
    const auto answer = Ask(control, request, status);
    if (status != 0) return status;
    if (!answer) continue;
    printf("%s: %s of %s is refused%s (rule %s)\n", Shown(*answer, "container").c_str(), name,
           entry.c_str(), flags.period.empty() ? "" : (" for " + flags.period).c_str(),
           Shown(*answer, "rule").c_str());
  }
  if (status == 2)
    fprintf(stderr, "nothing to deny: give --exec, --read or --write with a path, or --connect\n");
  return status;
}

}  // namespace

void AddDeny(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "deny", "refuse a path or an address to one running container, from now on");
  auto control = AddControlFlags(*verb);
  auto flags = std::make_shared<Flags>();
  verb->add_option("--container", flags->container, "name, id, or the start of an id")->required();
  verb->add_option("--exec", flags->exec, "program, dir/** or **/name");
  verb->add_option("--read", flags->read, "file, dir/** or **/name");
  verb->add_option("--write", flags->write, "file, dir/** or **/name");
  verb->add_option("--connect", flags->connect, "address, unix:PATH or unix:@NAME");
  verb->add_option("--for", flags->period,
                   "how long, such as 10m; without it until the container ends or is released");
  verb->add_option("--reason", flags->reason, "why, for the history");
  verb->callback([control, flags, &status] { status = Deny(*control, *flags); });
}

void AddReload(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "reload", "read the policies anew; a mistake leaves the old ones in force");
  auto control = AddControlFlags(*verb);
  auto reason = std::make_shared<std::string>();
  verb->add_option("--reason", *reason, "why, for the history");
  verb->callback([control, reason, &status] {
    const auto answer = Ask(*control, {{"verb", "reload"}, {"reason", *reason}}, status);
    if (!answer) return;
    if (const std::string text = answer->value("warnings", ""); !text.empty())
      fprintf(stderr, "%s\n", text.c_str());
    printf("%s policies in force\n", Shown(*answer, "policies").c_str());
  });
}

}  // namespace nsw::tools
