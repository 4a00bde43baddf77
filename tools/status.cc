// SPDX-License-Identifier: Apache-2.0
// nswarden status: how the running engine does.
#include <algorithm>
#include <cstdio>

#include "engine/base/clock.h"
#include "engine/base/text.h"
#include "tools/control_call.h"
#include "tools/verbs.h"

namespace nsw::tools {
namespace {

using nlohmann::json;

void PrintEvents(const json& events) {
  static constexpr const char* kColumns[] = {
      "emitted",    "lost_ring_full", "lost_no_scratch", "unpaired", "lost_decode", "inherited",
      "decoded",    "not_wanted",     "wanted",          "stored",   "pending",     "lost_queue",
      "lost_error", "matched",        "truncated",       "denied",   "skipped"};
  std::vector<std::vector<std::string>> rows{{"EVENT"}};
  for (const char* column : kColumns) rows[0].emplace_back(column);
  for (const auto& [name, counts] : events.items()) {
    rows.push_back({name});
    for (const char* column : kColumns)
      rows.back().push_back(counts.contains(column) ? Shown(counts, column) : "0");
  }
  PrintTable(rows);
}

void PrintList(const char* title, const json& list, std::initializer_list<const char*> keys) {
  if (list.empty()) return;
  std::vector<std::vector<std::string>> rows{{title}};
  for (const char* key : keys) {
    if (key != *keys.begin()) rows[0].emplace_back(key);
  }
  for (const json& item : list) {
    rows.emplace_back();
    for (const char* key : keys) rows.back().push_back(Shown(item, key));
  }
  printf("\n");
  PrintTable(rows);
}

const char* Enforcement(const json& answer) {
  if (answer.contains("disarmed") && !answer["disarmed"].is_null())
    return "DISARMED, nothing is refused (nswarden arm ends it)";
  if (answer.value("enforcing", false)) {
    return Shown(answer, "pinned") == "-" ? "on, until the engine ends"
                                          : "on, pinned: it outlives the engine";
  }
  if (!answer.value("enforce", true)) return "off (as it was told)";
  return Shown(answer, "enforcement") == "kills"
             ? "not possible here, fallback: kill kills at the act (nswarden probe says why)"
             : "not possible here (nswarden probe says why)";
}

// Only what fails: "IMPAIRED for 12s: kprobe: ..."
void PrintHeartbeat(const json& answer) {
  const json heartbeat = answer.value("heartbeat", json::object());
  const auto now = heartbeat.value("last_ns", uint64_t{0});
  for (const json& one : heartbeat.value("watched", json::array())) {
    if (one.value("works", true)) continue;
    const uint64_t for_ns = now - std::min(now, one.value("since_ns", now));
    printf("IMPAIRED for %s: %s: %s\n",
           DurationText(for_ns / 1'000'000'000 * 1'000'000'000).c_str(), Shown(one, "what").c_str(),
           Shown(one, "trouble").c_str());
  }
}

void Print(const json& answer) {
  const auto not_in_force = answer.value("not_in_force", uint64_t{0});
  const std::string containers = Shown(answer, "containers");
  const std::string alerts = Shown(answer, "alerts");
  printf("up %s; enforcement %s; %s container%s%s; %s alert%s\n",
         DurationText(answer.value("uptime_ns", uint64_t{0})).c_str(), Enforcement(answer),
         containers.c_str(), containers == "1" ? "" : "s",
         not_in_force == 0
             ? ""
             : (" (" + std::to_string(not_in_force) + " not in force: nswarden ps)").c_str(),
         alerts.c_str(), alerts == "1" ? "" : "s");
  PrintHeartbeat(answer);
  PrintList("RUNTIME", answer["runtimes"], {"name", "state"});
  PrintList("POLICY", answer["policies"],
            {"name", "effect", "rules", "deny_entries", "sha256", "file"});
  PrintList("SINK", answer["sinks"],
            {"name", "written", "queued", "lost_queue_full", "lost_failed", "last_error"});
  printf("\n");
  PrintEvents(answer["events"]);
  printf("\nengine:");
  for (const auto& [name, value] : answer["engine"].items())
    printf(" %s=%s", name.c_str(), value.dump().c_str());
  printf("\nhistory: ");
  if (answer["history"].is_null()) {
    printf("off\n");
    return;
  }
  for (const char* key :
       {"file", "bytes", "recorded", "stored", "pending", "lost_queue", "lost_error"}) {
    printf("%s=%s ", key, Shown(answer["history"], key).c_str());
  }
  const auto behind_ns = answer["history"].value("behind_ns", uint64_t{0});
  printf("behind=%s last_error=%s", DurationText(behind_ns / 1'000'000 * 1'000'000).c_str(),
         Shown(answer["history"], "last_error").c_str());
  if (const auto error_ns = answer["history"].value("last_error_ns", uint64_t{0}); error_ns != 0)
    printf(" (%s)", Rfc3339(error_ns).c_str());
  printf("\n");
}

}  // namespace

void AddStatus(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand(
      "status", "show how the running engine does: events, losses, policies, history");
  auto flags = AddControlFlags(*verb);
  verb->callback([flags, &status] {
    if (const auto answer = Ask(*flags, {{"verb", "status"}}, status)) Print(*answer);
  });
}

}  // namespace nsw::tools
