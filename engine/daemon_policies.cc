// SPDX-License-Identifier: Apache-2.0
// How the daemon comes to its policies: at the start, and anew when it is told to.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

#include "engine/daemon.h"
#include "engine/own_files.h"

namespace nsw {
namespace {

std::string Lines(const std::vector<rule::Diagnostic>& diagnostics, bool warnings) {
  std::string text;
  for (const rule::Diagnostic& one : diagnostics) {
    if (one.warning == warnings) text += (text.empty() ? "" : "\n") + one.Text();
  }
  return text;
}

std::string Joined(const std::vector<std::filesystem::path>& paths) {
  std::string text;
  for (const std::filesystem::path& path : paths)
    text += (text.empty() ? "" : ", ") + path.string();
  return text;
}

}  // namespace

// The log is told of each warning.
rule::Loaded Daemon::ReadPolicies() const {
  rule::Loaded loaded =
      rule::LoadPolicies(config_.policies, {.check_owner = config_.check_policy_owner});
  if (loaded.set != nullptr && loaded.set->policies().empty())
    loaded.diagnostics.push_back({.file = Joined(config_.policies),
                                  .warning = true,
                                  .message = "no policy is there",
                                  .hint = "nothing will be reported"});
  if (const std::string warnings = Lines(loaded.diagnostics, true); !warnings.empty())
    spdlog::warn("{}", warnings);
  return loaded;
}

Status Daemon::LoadPolicies() {
  rule::Loaded loaded = ReadPolicies();
  if (loaded.set == nullptr) {
    std::error_code ignored;
    const bool all_there = std::ranges::all_of(
        config_.policies, [&](const auto& path) { return std::filesystem::exists(path, ignored); });
    return Fail("no policies were loaded:\n" + Lines(loaded.diagnostics, false) +
                (all_there ? ""
                           : "\nname others with --policies, or as `policies` in the "
                             "configuration; from a clone `sudo tools/run` does it"));
  }
  first_policies_ = std::move(loaded.set);
  return {};
}

Result<Daemon::Reloaded> Daemon::Reload(const Peer& peer) {
  const std::lock_guard one_at_a_time(reloading_);  // a signal and a request: the later one stays
  auto reloaded = Guarded("reload", [this] { return UsePoliciesAnew(); });
  if (!reloaded) reloaded = Fail("the old policies stay in force: " + reloaded.error().message);
  Operated("reload", reloaded ? "done" : reloaded.error().message, peer, reloaded.has_value());
  return reloaded;
}

Result<Daemon::Reloaded> Daemon::UsePoliciesAnew() {
  const rule::Loaded loaded = ReadPolicies();
  if (loaded.set == nullptr) return Fail(Lines(loaded.diagnostics, false));
  const Status used = queue_
                          ->Ask([this, set = loaded.set] {
                            kernel_->Protect(OwnFiles(config_));
                            return binder_->Use(set);
                          })
                          .value_or(Fail("the engine is stopping"));
  if (!used) return tl::unexpected(used.error());
  const size_t count = loaded.set->policies().size();
  spdlog::info("policies loaded anew: {}", count);
  if (!kernel_->enforcing()) AnnounceEnforcement(*loaded.set);
  return Reloaded{count, Lines(loaded.diagnostics, true)};
}

}  // namespace nsw
