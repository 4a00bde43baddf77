// SPDX-License-Identifier: Apache-2.0
#include "tests/acts/check.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

namespace acts {
namespace {

using Events = std::vector<nlohmann::json>;

std::string Replace(std::string text, const std::string& folder) {
  for (size_t at = text.find("$D"); at != std::string::npos; at = text.find("$D", at))
    text.replace(at, 2, folder);
  return text;
}

std::string TextOf(const nlohmann::json& fields, std::string_view name) {
  const auto found = fields.find(std::string(name));
  if (found == fields.end() || found->is_null()) return "<NA>";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

bool Matches(const std::string& wanted, const std::string& got) {
  if (!wanted.starts_with('~')) return wanted == got;
  return std::regex_match(got, std::regex(wanted.substr(1)));
}

bool IsBesides(const Act& act, const std::string& type) {
  std::istringstream names{std::string(act.besides)};
  for (std::string name; names >> name;) {
    if (name == type) return true;
  }
  return type == kEnd && !IsEnd(act);
}

struct Performed {
  int pid = 0;
  int also = 0;
  std::string folder;
  std::string end;
};

std::map<std::string, Performed> ReadRun(const char* path) {
  std::map<std::string, Performed> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    std::string name;
    Performed one;
    if (!(words >> word >> name >> one.pid >> one.also >> one.folder) || word != "act") continue;
    std::getline(words >> std::ws, one.end);
    all[name] = one;
  }
  return all;
}

// Output fields by process id inside the container.
std::map<int, Events> ReadAlerts(const char* path) {
  std::map<int, Events> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto alert = nlohmann::json::parse(line, nullptr, false);
    if (alert.is_discarded() || alert.value("rule", "") != "any act") continue;
    const auto& fields = alert["output_fields"];
    all[fields.value("proc.vpid", 0)].push_back(fields);
  }
  return all;
}

std::string Show(const Act& act, const nlohmann::json& fields) {
  std::string out = TextOf(fields, "evt.type") + " " + TextOf(fields, "evt.res");
  for (const Field& field : act.expect)
    out += " " + std::string(field.name) + "=" + TextOf(fields, field.name);
  return out;
}

// "" where all is as it should be.
std::string Judge(const Act& act, const Performed& how, const Events& events) {
  if (how.end.starts_with("broken")) return how.end;
  if (how.end == "absent") return act.young ? "" : "this kernel must have it";
  Events ours;
  for (const auto& fields : events) {
    if (!IsBesides(act, TextOf(fields, "evt.type"))) ours.push_back(fields);
  }
  std::string came = std::to_string(ours.size()) + " events";
  for (const auto& fields : ours) came += "; " + Show(act, fields);
  if (ours.size() != (act.expect.empty() ? 0 : 1)) return came;
  for (const Field& field : act.expect) {
    const std::string wanted = Replace(std::string(field.value), how.folder);
    if (!Matches(wanted, TextOf(ours[0], field.name)))
      return came + "; wanted " + std::string(field.name) + "=" + wanted;
  }
  return "";
}

// What was not performed has shown nothing of any threat.
std::string Title(const Act& act, bool absent) {
  std::string out(act.name);
  if (absent) return out + ": this kernel has no such call";
  if (!act.threats.empty()) out += " (" + std::string(act.threats) + ")";
  return out;
}

}  // namespace

int PrintPolicy() {
  std::set<std::string_view> names{"proc.vpid", "evt.type", "evt.res", "evt.async"};
  for (const Act* act : AllActs()) {
    for (const Field& field : act->expect) names.insert(field.name);
  }
  printf(
      "nswarden: 1\npolicy: acts\ndescription: every act is an alert\nimages: [acts/busybox]\n"
      "mode: audit\nrules:\n  - rule: any act\n    desc: anything at all\n"
      "    condition: evt.num >= 0\n    priority: NOTICE\n    output: \"");
  for (const std::string_view name : names) printf("%%%s ", std::string(name).c_str());
  printf("\"\n");
  return 0;
}

int Check(const char* alerts, const char* run) {
  const auto performed = ReadRun(run);
  const auto events = ReadAlerts(alerts);
  bool good = true;
  for (const Act* act : AllActs()) {
    const auto how = performed.find(std::string(act->name));
    if (how == performed.end()) continue;
    Events own;
    for (const int pid : {how->second.pid, how->second.also}) {
      const auto found = pid == 0 ? events.end() : events.find(pid);
      if (found != events.end()) own.insert(own.end(), found->second.begin(), found->second.end());
    }
    const std::string wrong = Judge(*act, how->second, own);
    good = good && wrong.empty();
    const std::string title = Title(*act, how->second.end == "absent");
    printf("%s %s%s%s\n", wrong.empty() ? "ok" : "not ok", title.c_str(), wrong.empty() ? "" : ": ",
           wrong.c_str());
  }
  return good ? 0 : 1;
}

}  // namespace acts
