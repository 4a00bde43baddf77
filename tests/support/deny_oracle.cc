// SPDX-License-Identifier: Apache-2.0
#include "tests/support/deny_oracle.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace nsw::test {
namespace {

using Words = std::vector<std::string>;
using Nets = std::map<std::string, OracleNet>;

Words Split(const std::string& path) {
  Words words;
  std::istringstream in(path);
  for (std::string word; std::getline(in, word, '/');) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

// The first components of a path, each against one of the pattern.
bool BeginsWith(const Words& path, const Words& pattern) {
  if (path.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); i++) {
    if (fnmatch(pattern[i].c_str(), path[i].c_str(), 0) != 0) return false;
  }
  return true;
}

bool PathFits(const std::string& entry, const std::string& text) {
  const Words path = Split(text);
  if (entry.starts_with("**/"))
    return !path.empty() && fnmatch(entry.c_str() + 3, path.back().c_str(), 0) == 0;
  if (entry.ends_with("/**")) {
    const Words pattern = Split(entry.substr(0, entry.size() - 3));
    return path.size() > pattern.size() && BeginsWith(path, pattern);
  }
  const Words pattern = Split(entry);
  return (path.size() == pattern.size() || entry.ends_with('/')) && BeginsWith(path, pattern);
}

bool NetFits(const OracleNet& net, const OracleAct& act) {
  const bool act_v4 = *act.address >> 32 == 0xffff;
  if (!net.any && net.v4 != act_v4) return false;
  const Bits128 mask = net.bits == 0 ? 0 : ~Bits128{0} << (128 - net.bits);
  if (!net.any && ((net.address ^ *act.address) & mask) != 0) return false;
  return act.port >= net.low && act.port <= net.high &&
         (net.protocol == 0 || net.protocol == act.protocol);
}

bool ObjectFits(const std::string& text, const OracleAct& act, const Nets& nets) {
  if (text.starts_with("unix:@")) return !act.abstract.empty() && text.substr(6) == act.abstract;
  if (text.starts_with("unix:")) return !act.path.empty() && PathFits(text.substr(5), act.path);
  if (act.address) return nets.contains(text) && NetFits(nets.at(text), act);
  if (!act.name.empty()) return text == act.name || (text == "mount" && act.name == "umount");
  return !act.path.empty() && (text.starts_with('/') || text.starts_with("**/")) &&
         PathFits(text, act.path);
}

bool AnyFits(const Words& entries, const std::string& exe) {
  return std::ranges::any_of(entries,
                             [&](const auto& e) { return !exe.empty() && PathFits(e, exe); });
}

bool Holds(const OracleCondition& condition, const OracleAct& act, const OraclePolicy& policy,
           bool running) {
  const std::string now = act.joined                   ? "joined"
                          : policy.startup && !running ? "startup"
                                                       : "running";
  if (!condition.when.empty() && std::ranges::find(condition.when, now) == condition.when.end())
    return false;
  if (!condition.by.empty() && !AnyFits(condition.by, act.exe)) return false;
  return condition.ancestor.empty() || std::ranges::any_of(act.ancestors, [&](const auto& exe) {
           return AnyFits(condition.ancestor, exe);
         });
}

std::set<std::string> ClassesOf(const std::string& list) {
  if (list == "write")
    return {"modify", "create", "delete", "rename", "link", "chmod", "chown", "xattr", "touch"};
  return {list};
}

bool Speaks(const OracleEntry& entry, const OracleAct& act, const OraclePolicy& policy,
            bool running, const Nets& nets) {
  if (!ObjectFits(entry.text, act, nets) || !Holds(entry.condition, act, policy, running))
    return false;
  return std::ranges::none_of(entry.except, [&](const OracleExcept& except) {
    const bool object =
        except.objects.empty() || std::ranges::any_of(except.objects, [&](const auto& text) {
          return ObjectFits(text, act, nets);
        });
    return object && Holds(except.condition, act, policy, running);
  });
}

// What refuses, with its place in the order of speaking.
struct Refusal {
  std::vector<size_t> order;
  OracleVerdict verdict;
};

class PolicyJudge {
 public:
  PolicyJudge(const OraclePolicy& policy, size_t position, const Nets& nets, const OracleAct& act,
              std::vector<Refusal>& out)
      : policy_(policy), position_(position), nets_(nets), act_(act), out_(out) {}

  void Judge() {
    std::map<std::string, size_t> named;
    for (size_t i = 0; i < policy_.entries.size(); i++) {
      const OracleEntry& entry = policy_.entries[i];
      if (entry.allow) continue;
      std::string name = policy_.name + "/" + entry.list + "/" + entry.text;
      const size_t same = ++named[name];
      if (same > 1) name += "#" + std::to_string(same);
      if (Asked(entry.list, act_.asked) && Says(entry))
        Refuse(0, entry.kill && policy_.enforce, i, name);
    }
    for (size_t i = 0; i < policy_.allow_lists.size(); i++) {
      const std::string& list = policy_.allow_lists[i];
      if (Lacks(list)) Refuse(1, false, i, policy_.name + "/allow/" + list);
    }
  }

 private:
  static bool Asked(const std::string& list, const Words& asked) {
    const auto classes = ClassesOf(list);
    return std::ranges::any_of(asked, [&](const auto& one) { return classes.contains(one); });
  }

  [[nodiscard]] bool Says(const OracleEntry& entry) const {
    return Speaks(entry, act_, policy_, act_.running[position_], nets_);
  }

  // Some class that the list is about is permitted by no entry of this policy.
  [[nodiscard]] bool Lacks(const std::string& list) const {
    return std::ranges::any_of(act_.asked, [&](const std::string& one) {
      if (!ClassesOf(list).contains(one)) return false;
      return std::ranges::none_of(policy_.entries, [&](const OracleEntry& entry) {
        return entry.allow && ClassesOf(entry.list).contains(one) && Says(entry);
      });
    });
  }

  void Refuse(size_t absence, bool kill, size_t at, const std::string& name) {
    out_.push_back({{policy_.enforce ? 0U : 1U, absence, kill ? 0U : 1U, position_, at},
                    {name, policy_.enforce, kill}});
  }

  const OraclePolicy& policy_;
  size_t position_;
  const Nets& nets_;
  const OracleAct& act_;
  std::vector<Refusal>& out_;
};

std::string ListOf(const Words& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? ", '" : "'") + word + "'";
  return out + "]";
}

std::string ConditionYaml(const OracleCondition& condition) {
  std::string out;
  if (!condition.by.empty()) out += ", by: " + ListOf(condition.by);
  if (!condition.ancestor.empty()) out += ", ancestor: " + ListOf(condition.ancestor);
  if (!condition.when.empty()) out += ", when: " + ListOf(condition.when);
  return out;
}

std::string WhatOf(const std::string& list) {
  if (list == "connect" || list == "bind" || list == "listen") return "to";
  return list == "capabilities" || list == "operations" || list == "socket" ? "name" : "path";
}

std::string EntryYaml(const OracleEntry& entry) {
  std::string out = "{" + WhatOf(entry.list) + ": '" + entry.text + "'";
  out += ConditionYaml(entry.condition);
  if (!entry.except.empty()) {
    out += ", except: [";
    for (const OracleExcept& except : entry.except) {
      std::string one = ConditionYaml(except.condition);
      if (!except.objects.empty())
        one = ", " + WhatOf(entry.list) + ": " + ListOf(except.objects) + one;
      out += (out.ends_with('[') ? "{" : ", {") + one.substr(2) + "}";
    }
    out += "]";
  }
  return out + (entry.kill ? ", action: kill}" : "}");
}

}  // namespace

OracleVerdict Judge(const std::vector<OraclePolicy>& policies, const Nets& nets,
                    const OracleAct& act) {
  std::vector<Refusal> refusals;
  for (size_t i = 0; i < policies.size(); i++)
    PolicyJudge(policies[i], i, nets, act, refusals).Judge();
  const auto first = std::ranges::min_element(refusals, {}, &Refusal::order);
  return first == refusals.end() ? OracleVerdict{} : first->verdict;
}

std::string YamlOf(const OraclePolicy& policy) {
  std::string out = "nswarden: 1\npolicy: " + policy.name +
                    "\nmode: " + (policy.enforce ? "enforce" : "audit") + "\n";
  if (policy.startup) out += "startup: {until: {exec: /sbin/up}}\n";
  for (const bool allow : {true, false}) {
    std::map<std::string, std::string> lists;
    Words order;  // of an allow list the order is that in which it was declared
    if (allow) order = policy.allow_lists;
    for (const std::string& list : order) lists[list];
    for (const OracleEntry& entry : policy.entries) {
      if (entry.allow != allow) continue;
      if (!lists.contains(entry.list)) order.push_back(entry.list);
      lists[entry.list] += "    - " + EntryYaml(entry) + "\n";
    }
    if (order.empty()) continue;
    out += allow ? "allow:\n" : "deny:\n";
    for (const std::string& list : order)
      out += "  " + list + ":" + (lists[list].empty() ? " []\n" : "\n" + lists[list]);
  }
  return out;
}

}  // namespace nsw::test
