// SPDX-License-Identifier: Apache-2.0
// nswarden run: the daemon.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

#include "engine/base/trust.h"
#include "engine/daemon.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

constexpr const char* kDefaultConfig = "/etc/nswarden/nswarden.yaml";

struct Flags {
  std::string config;
  std::vector<std::string> policies;
  std::string history;
  std::string output;
  std::string webhook;
  std::string docker;
  bool no_history = false;
  bool no_enforce = false;
  bool verbose = false;
};

// What it says is done as root, and it can say that policies need not be root's.
Status TrustConfig(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return {};  // who reads it says why not
  std::error_code error;
  std::string why = Distrust(status);
  if (why.empty()) why = DistrustDirectory(canonical(file, error).parent_path());
  if (why.empty()) return {};
  return Fail(file.string() + ": is not trusted: " + why + "; " + kTrustHint);
}

Result<Config> Configure(const Flags& flags) {
  Config config;
  const bool there = std::filesystem::exists(kDefaultConfig);
  if (!flags.config.empty() || there) {
    const std::string file = flags.config.empty() ? kDefaultConfig : flags.config;
    if (const Status trusted = TrustConfig(file); !trusted) return tl::unexpected(trusted.error());
    auto read = ReadConfig(file);
    if (!read) return read;
    config = std::move(*read);
  }
  if (!flags.policies.empty()) config.policies.assign(flags.policies.begin(), flags.policies.end());
  if (!flags.history.empty()) config.history = flags.history;
  if (flags.no_history) config.history.clear();
  if (flags.output == "json") config.output = Output::kJson;
  if (flags.output == "text") config.output = Output::kText;
  if (flags.output == "none") config.output = Output::kNone;
  if (!flags.webhook.empty()) config.webhook_url = flags.webhook;
  if (!flags.docker.empty()) config.runtimes.docker = flags.docker;
  if (flags.no_enforce) config.enforce = false;
  return config;
}

int Run(const Flags& flags) {
  if (flags.verbose) spdlog::set_level(spdlog::level::debug);
  auto config = Configure(flags);
  if (!config) {
    fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  Daemon daemon(std::move(*config));
  if (const Status done = daemon.Run(); !done) {
    fprintf(stderr, "nswarden: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace

void AddRun(CLI::App& app, int& status) {
  auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("run", "watch this host's containers (needs root)");
  verb->add_option("--config", flags->config,
                   std::string("configuration file [") + kDefaultConfig + "]");
  verb->add_option("--policies", flags->policies,
                   "policy file or directory; may be given several times");
  verb->add_option("--history", flags->history, "SQLite history file");
  verb->add_flag("--no-history", flags->no_history, "record nothing");
  verb->add_option("--output", flags->output, "alerts on stdout as text or json, or none")
      ->check(CLI::IsMember({"text", "json", "none"}));
  verb->add_option("--webhook", flags->webhook, "POST each alert to this URL");
  verb->add_option("--docker", flags->docker, "Docker's socket [/run/docker.sock]");
  verb->add_flag("--no-enforce", flags->no_enforce, "refuse nothing: deny entries only detect");
  verb->add_flag("-v,--verbose", flags->verbose, "say more about what is done");
  verb->callback([flags, &status] { status = Run(*flags); });
}

}  // namespace nsw::tools
