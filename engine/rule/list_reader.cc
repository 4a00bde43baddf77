// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/list_reader.h"

#include <algorithm>
#include <array>

#include "engine/rule/keys.h"

namespace nsw::rule {
namespace {

class ListReader {
 public:
  ListReader(const ListKey& list, bool allow, PolicyIr& policy, Diagnostics& diagnostics)
      : list_(list), allow_(allow), policy_(policy), diagnostics_(diagnostics) {}

  void Read(const YamlNode& key, const YamlNode& entries) {
    if (entries.is_scalar() || entries.is_map()) {
      ReadEntry(entries);
    } else if (entries.is_sequence()) {
      for (const YamlNode* entry : entries.items) ReadEntry(*entry);
    } else {
      diagnostics_.Error(key.place(), std::string(list_.name) + " needs a list, and has nothing",
                         allow_ ? "write [] to permit nothing" : "");
    }
  }

 private:
  // `what`, conditions; then what only a deny entry has.
  static constexpr size_t kAllowKeys = 5;

  void ReadEntry(const YamlNode& node) {
    DenyIr entry;
    entry.list = &list_;
    entry.allow = allow_;
    if (node.is_map()) {
      if (!ReadMap(node, entry)) return;
    } else if (node.is_scalar() && !node.scalar.empty()) {
      entry.entry = node.scalar;
    } else {
      diagnostics_.Error(node.place(), What() + " is a text or a map, not " + KindOf(node));
      return;
    }
    policy_.entries.push_back(std::move(entry));
  }

  [[nodiscard]] std::string What() const { return "an entry of " + std::string(list_.name); }

  static std::string KindOf(const YamlNode& node) {
    return node.is_scalar() ? "an empty text" : std::string(KindName(node.kind));
  }

  bool ReadMap(const YamlNode& node, DenyIr& entry) {
    const std::array<std::string_view, 9> keys{
        list_.what, "by", "ancestor", "when", "except", "action", "priority", "tags", "output"};
    const auto known = std::span(keys).first(allow_ ? kAllowKeys : keys.size());
    const MapReader map(node, What(), known, {}, diagnostics_);
    const auto what = map.Required(list_.what);
    entry.condition = ReadCondition(map);
    ReadExceptions(map, entry);
    if (!allow_) ReadReport(map, entry);
    if (what) entry.entry = *what;
    return what.has_value();
  }

  void ReadReport(const MapReader& map, DenyIr& entry) {
    entry.priority = map.ReadPriority("priority").value_or(Priority::kError);
    entry.tags = map.Tags();
    entry.output = map.Scalar("output");
    if (const auto action = map.Scalar("action"))
      entry.action = ReadAction(*action, diagnostics_).value_or(Action::kDeny);
  }

  // An empty list would mean nobody, or anybody: nobody can tell, so it is a mistake.
  std::vector<Text> OneOrMore(const MapReader& map, std::string_view key) {
    const YamlNode* value = map.Find(key);
    if (value != nullptr && value->is_sequence() && value->items.empty())
      diagnostics_.Error(value->place(), std::string(key) + " is empty", "remove it to mean any");
    return map.Scalars(key);
  }

  ConditionIr ReadCondition(const MapReader& map) {
    return {OneOrMore(map, "by"), OneOrMore(map, "ancestor"), OneOrMore(map, "when")};
  }

  void ReadExceptions(const MapReader& map, DenyIr& entry) {
    const YamlNode* except = map.Find("except");
    if (except == nullptr) return;
    if (except->is_map()) {
      ReadException(*except, entry);
    } else if (except->is_sequence() && !except->items.empty()) {
      for (const YamlNode* one : except->items) ReadException(*one, entry);
    } else {
      diagnostics_.Error(except->place(), "except needs a map or a list of maps",
                         "write except: {" + std::string(list_.what) + ": ..., by: ...}");
    }
  }

  void ReadException(const YamlNode& node, DenyIr& entry) {
    if (!node.is_map() || node.entries.empty()) {
      diagnostics_.Error(node.place(), "an exception is a map with one or more keys, not " +
                                           (node.is_map() ? "an empty one" : KindOf(node)));
      return;
    }
    const std::array<std::string_view, 4> keys{list_.what, "by", "ancestor", "when"};
    const MapReader map(node, "an exception of " + std::string(list_.name), keys, {}, diagnostics_);
    entry.except.push_back({OneOrMore(map, list_.what), ReadCondition(map)});
  }

  const ListKey& list_;
  bool allow_;
  PolicyIr& policy_;
  Diagnostics& diagnostics_;
};

}  // namespace

void ReadLists(const YamlNode& lists, bool allow, PolicyIr& policy, Diagnostics& diagnostics) {
  const std::string what = allow ? "allow" : "deny";
  if (!lists.is_map()) {
    diagnostics.Error(lists.place(),
                      what + " needs a map, and has " + std::string(KindName(lists.kind)),
                      "write " + what + ": {exec: [...], write: [...]}");
    return;
  }
  const MapReader map(lists, what, ListKeyNames(), {}, diagnostics);
  for (const auto& [key, entries] : lists.entries) {
    const ListKey* list = FindListKey(key->scalar.value);
    if (list == nullptr) continue;  // told
    if (allow) policy.allow.push_back({list, key->place()});
    ListReader(*list, allow, policy, diagnostics).Read(*key, *entries);
  }
}

std::optional<Action> ReadAction(const Text& text, Diagnostics& diagnostics) {
  static constexpr std::array<std::string_view, 3> kActions{"deny", "kill", "quarantine"};
  const auto found = std::ranges::find(kActions, text.value);
  if (found != kActions.end())
    return static_cast<Action>(found - kActions.begin() + static_cast<int>(Action::kDeny));
  diagnostics.Error(text.place, Quoted(text.value) + " is not an action",
                    DidYouMean(text.value, kActions));
  return std::nullopt;
}

}  // namespace nsw::rule
