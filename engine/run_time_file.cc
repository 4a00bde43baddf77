// SPDX-License-Identifier: Apache-2.0
#include "engine/run_time_file.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "engine/base/unique_fd.h"

namespace nsw {
namespace {

using nlohmann::json;

// Names, since the numbers are one version's own.
constexpr std::array kClasses{
#define CLASS(NAME, name, ...) std::string_view(#name),
#include "bpf/deny.def"
};
// All that can be pushed at run time; of addresses that is whole ones, at every port.
constexpr std::pair<rule::DenyKind, std::string_view> kKinds[] = {
    {rule::DenyKind::kPath, "path"},
    {rule::DenyKind::kBelow, "below"},
    {rule::DenyKind::kName, "name"},
    {rule::DenyKind::kAbstract, "abstract"},
    {rule::DenyKind::kNet, "address"}};

json KeyJson(const rule::DenyKey& key) {
  const auto kind = std::ranges::find(kKinds, key.kind, [](const auto& k) { return k.first; });
  json said = {{"kind", kind == std::end(kKinds) ? "" : kind->second}, {"path", key.path}};
  if (key.kind == rule::DenyKind::kNet) said["address"] = key.net.address;
  return said;
}

rule::DenyKey KeyOf(const json& from) {
  const auto kind = std::ranges::find(kKinds, from.at("kind").get<std::string>(),
                                      [](const auto& k) { return std::string(k.second); });
  if (kind == std::end(kKinds)) throw std::invalid_argument("unknown key " + from.dump());
  rule::DenyKey key{.kind = kind->first, .path = from.at("path")};
  if (key.kind == rule::DenyKind::kNet) {
    key.net.address = from.at("address");
    key.net.prefix = 128;
  }
  return key;
}

json EntryJson(const RunTimeEntry& entry) {
  json classes = json::array();
  for (size_t i = 0; i < kClasses.size(); i++) {
    if ((entry.entry.classes >> i & 1) != 0) classes.push_back(kClasses[i]);
  }
  json keys = json::array();
  for (const rule::DenyKey& key : entry.entry.keys) keys.push_back(KeyJson(key));
  return {{"policy", entry.rule.policy}, {"rule", entry.rule.name},
          {"id", entry.rule.id},         {"classes", std::move(classes)},
          {"keys", std::move(keys)},     {"expires_ns", entry.expires_ns}};
}

json HomeJson(const RunTimeHome& home) {
  json entries = json::array();
  for (const RunTimeEntry& entry : home.entries) entries.push_back(EntryJson(entry));
  return {{"home", home.home}, {"quarantined", home.quarantined}, {"entries", std::move(entries)}};
}

// Throws where it is not known: what a newer version has written.
RunTimeEntry EntryOf(const json& from) {
  RunTimeEntry entry;
  entry.rule.id = entry.entry.rule = from.at("id");
  entry.rule.policy = from.at("policy");
  entry.rule.name = from.at("rule");
  entry.rule.mode = rule::Mode::kEnforce;
  entry.rule.is_deny = true;
  entry.entry.mode = NSW_VERDICT_DENIED;
  entry.expires_ns = from.at("expires_ns");
  for (const json& name : from.at("classes")) {
    const auto found = std::ranges::find(kClasses, name.get<std::string>());
    if (found == kClasses.end()) throw std::invalid_argument("unknown class " + name.dump());
    entry.entry.classes |= 1U << (found - kClasses.begin());
  }
  for (const json& key : from.at("keys")) entry.entry.keys.push_back(KeyOf(key));
  return entry;
}

RunTimeHome HomeOf(const json& from) {
  RunTimeHome home{.home = from.at("home"), .quarantined = from.at("quarantined")};
  for (const json& entry : from.at("entries")) {
    try {
      home.entries.push_back(EntryOf(entry));
    } catch (const std::exception& error) {
      spdlog::error("a run-time entry of home {:#x} is not known here, and ends: {}", home.home,
                    error.what());
    }
  }
  return home;
}

Status WriteWhole(const std::filesystem::path& path, std::string_view text) {
  const UniqueFd fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return FailErrno(path.string(), errno);
  while (!text.empty()) {
    const ssize_t n = write(fd.get(), text.data(), text.size());
    if (n < 0) return FailErrno(path.string(), errno);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::vector<RunTimeHome>> RunTimeFile::Load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return std::vector<RunTimeHome>();
  try {
    const json all = json::from_cbor(file);
    std::vector<RunTimeHome> homes;
    if (boot_.empty() || all.at("boot") != boot_) return homes;
    for (const json& home : all.at("homes")) homes.push_back(HomeOf(home));
    return homes;
  } catch (const std::exception& error) {
    return Fail(path_.string() + ": " + error.what());
  }
}

Status RunTimeFile::Save(const std::vector<RunTimeHome>& homes) {
  if (homes.empty()) {
    written_.clear();
    if (unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
    return FailErrno(path_.string(), errno);
  }
  json all = {{"boot", boot_}, {"homes", json::array()}};
  for (const RunTimeHome& home : homes) all["homes"].push_back(HomeJson(home));
  std::string text;
  json::to_cbor(all, nlohmann::detail::output_adapter<char>(text));  // a path may have any bytes
  if (text == written_) return {};
  const std::filesystem::path next = path_.string() + ".next";
  if (Status done = WriteWhole(next, text); !done) return done;
  if (rename(next.c_str(), path_.c_str()) != 0) return FailErrno(path_.string(), errno);
  written_ = std::move(text);
  return {};
}

}  // namespace nsw
