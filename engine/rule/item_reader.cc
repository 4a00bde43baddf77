// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/item_reader.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "engine/rule/keys.h"
#include "engine/rule/list_reader.h"

namespace nsw::rule {
namespace {

constexpr UnsupportedKey kAppend{"append", "write the whole item out in one place"};
constexpr UnsupportedKey kOverride{"override", "write the whole item out in one place"};

constexpr std::array<std::string_view, 2> kListKeys{"list", "items"};
constexpr std::array<std::string_view, 2> kMacroKeys{"macro", "condition"};
constexpr std::array<UnsupportedKey, 2> kUnsupportedInDefinitions{kAppend, kOverride};

constexpr std::array<std::string_view, 15> kRuleKeys{"rule",
                                                     "action",
                                                     "deny_for",
                                                     "desc",
                                                     "condition",
                                                     "output",
                                                     "priority",
                                                     "tags",
                                                     "enabled",
                                                     "source",
                                                     "exceptions",
                                                     "warn_evttypes",
                                                     "skip-if-unknown-filter",
                                                     "capture",
                                                     "capture_duration"};
constexpr std::array<UnsupportedKey, 4> kUnsupportedInRules{
    kAppend, kOverride, UnsupportedKey{"throttle", "each match alerts"},
    UnsupportedKey{"correlation", "write one rule for each step"}};

constexpr uint64_t kDenyForMax = 3650ULL * 86'400'000'000'000;

constexpr std::array<std::string_view, 4> kExceptionKeys{"name", "fields", "comps", "values"};
constexpr std::array<std::string_view, 1> kEngineVersionKeys{"required_engine_version"};
constexpr std::array<std::string_view, 1> kPluginVersionsKeys{"required_plugin_versions"};
constexpr std::array<std::string_view, 3> kItemKinds{"rule", "macro", "list"};

class ItemReader {
 public:
  ItemReader(bool falco, ItemsIr& items, Diagnostics& diagnostics)
      : falco_(falco), items_(items), diagnostics_(diagnostics) {}

  void Read(const YamlNode& item) {
    if (!item.is_map()) {
      diagnostics_.Error(item.place(),
                         "an item of rules is a map, not " + std::string(KindName(item.kind)),
                         "begin it with - rule:, - macro: or - list:");
    } else if (Has(item, "rule")) {
      ReadRule(item);
    } else if (Has(item, "macro")) {
      ReadMacro(item);
    } else if (Has(item, "list")) {
      ReadList(item);
    } else if (Has(item, "required_engine_version")) {
      PassOver(item, kEngineVersionKeys,
               "required_engine_version speaks of Falco and is not looked at");
    } else if (Has(item, "required_plugin_versions")) {
      PassOver(item, kPluginVersionsKeys,
               "required_plugin_versions speaks of Falco and is not looked at");
    } else {
      const std::string first =
          item.entries.empty() ? "" : item.entries.front().first->scalar.value;
      diagnostics_.Error(item.place(), "an item is a rule, a macro or a list",
                         DidYouMean(first, kItemKinds));
    }
  }

 private:
  static bool Has(const YamlNode& map, std::string_view key) {
    return std::ranges::any_of(map.entries,
                               [&](const auto& e) { return e.first->scalar.value == key; });
  }

  // It is refused, and what it says is not the whole of it.
  static bool Amends(const YamlNode& item) { return Has(item, "append") || Has(item, "override"); }

  void PassOver(const YamlNode& item, std::span<const std::string_view> keys,
                const std::string& why) {
    const MapReader map(item, "this item", keys, {}, diagnostics_);
    diagnostics_.Warn(item.place(), why);
  }

  // Adds a definition; a second one of that name replaces the first in Falco files and is a mistake
  // in a policy.
  template <typename Item>
  void Define(std::vector<Ordered<Item>>& into, Item item, const std::string& what) {
    const auto same = std::ranges::find_if(
        into, [&](const auto& o) { return o.item.name.value == item.name.value; });
    const size_t order = items_.count++;
    const Source* file = item.name.place.source;
    if (same == into.end()) {
      into.push_back({order, order, file, std::move(item)});
    } else if (falco_) {
      same->last = order;
      same->item = std::move(item);
    } else {
      const Position there = same->item.name.place.source->At(same->item.name.place.offset);
      diagnostics_.Error(item.name.place,
                         "there is another " + what + " " + Quoted(item.name.value) + " at line " +
                             std::to_string(there.line),
                         "give it another name");
    }
  }

  void ReadList(const YamlNode& item) {
    const MapReader map(item, "a list", kListKeys, kUnsupportedInDefinitions, diagnostics_);
    if (Amends(item)) return;
    const auto name = map.Required("list");
    if (map.Find("items") == nullptr)
      diagnostics_.Error(item.place(), "a list needs the key items");
    std::vector<Text> items = map.Scalars("items");
    if (name) Define(items_.lists, ListIr{*name, std::move(items)}, "list");
  }

  void ReadMacro(const YamlNode& item) {
    const MapReader map(item, "a macro", kMacroKeys, kUnsupportedInDefinitions, diagnostics_);
    if (Amends(item)) return;
    const auto name = map.Required("macro");
    const auto condition = map.Required("condition");
    if (!name || !condition) return;
    const auto word = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
    const auto rest = [&](char c) { return word(c) || c == '_' || (c >= '0' && c <= '9'); };
    if (!word(name->value[0]) || !std::ranges::all_of(name->value, rest)) {
      diagnostics_.Error(name->place, Quoted(name->value) + " cannot be a macro's name",
                         "use letters, digits and _, a letter first");
    }
    Define(items_.macros, MacroIr{*name, *condition}, "macro");
  }

  void ReadRule(const YamlNode& item) {
    const MapReader map(item, "a rule", kRuleKeys, kUnsupportedInRules, diagnostics_);
    if (Amends(item)) return;
    RuleIr rule;
    const auto name = map.Required("rule");
    const auto condition = map.Required("condition");
    const auto output = map.Required("output");
    if (map.Find("priority") == nullptr)
      diagnostics_.Error(item.place(), "a rule needs the key priority");
    rule.priority = map.ReadPriority("priority").value_or(Priority::kError);
    (void)map.Scalar("desc");
    rule.tags = map.Tags();
    rule.enabled = map.Bool("enabled").value_or(true);
    ReadFalcoKeys(map, rule);
    ReadConsequences(map, rule);
    if (IsForeign(map)) return;
    ReadExceptions(map, rule);
    if (!name || !condition || !output) return;
    rule.name = *name;
    rule.condition = *condition;
    rule.output = *output;
    Define(items_.rules, std::move(rule), "rule");
  }

  void ReadConsequences(const MapReader& map, RuleIr& rule) {
    for (const std::string_view key : {"action", "deny_for"}) {
      if (const YamlNode* value = map.Find(key); value != nullptr && falco_)
        diagnostics_.Error(value->place(),
                           std::string(key) + " is for policies: a plain Falco file only alerts",
                           "write a policy of nswarden");
    }
    if (const auto action = map.Scalar("action")) {
      rule.action = ReadAction(*action, diagnostics_).value_or(Action::kAlert);
      if (rule.action == Action::kDeny)
        diagnostics_.Error(action->place,
                           "action: deny of a rule is not supported yet: the kernel cannot decide "
                           "its condition",
                           "write an entry of deny:, or deny_for");
    }
    if (const auto period = map.Scalar("deny_for")) {
      const auto ns = ParseDuration(period->value);
      if (!ns)
        diagnostics_.Error(period->place, "deny_for: " + ns.error().message);
      else if (*ns == 0 || *ns > kDenyForMax)
        diagnostics_.Error(period->place, "deny_for is from 1ms to 3650d");
      else
        rule.deny_for_ns = *ns;
    }
  }

  void ReadFalcoKeys(const MapReader& map, RuleIr& rule) {
    for (const std::string_view key : {"warn_evttypes", "capture", "capture_duration"}) {
      const YamlNode* value = map.Find(key);
      if (value != nullptr)
        diagnostics_.Warn(value->place(),
                          std::string(key) + " has no meaning here and is not looked at");
    }
    rule.skip_unknown = map.Bool("skip-if-unknown-filter").value_or(false);
    if (rule.skip_unknown && !falco_) {
      diagnostics_.Error(
          map.Find("skip-if-unknown-filter")->place(),
          "skip-if-unknown-filter is for plain Falco files: a policy's rule is never skipped",
          "remove it");
    }
  }

  // A rule on what another source than the kernel says (Kubernetes audit, a plugin).
  bool IsForeign(const MapReader& map) {
    const auto source = map.Scalar("source");
    if (!source || source->value == "syscall") return false;
    const std::string what = "there are no events of the source " + Quoted(source->value);
    if (falco_) {
      diagnostics_.Warn(source->place, "the rule is skipped: " + what);
    } else {
      diagnostics_.Error(source->place, what, "known is syscall");
    }
    return true;
  }

  void ReadExceptions(const MapReader& map, RuleIr& rule) {
    const YamlNode* list = map.Find("exceptions");
    if (list == nullptr || list->is_null()) return;
    if (!list->is_sequence()) {
      diagnostics_.Error(list->place(),
                         "exceptions needs a list, and has " + std::string(KindName(list->kind)));
      return;
    }
    for (const YamlNode* item : list->items) {
      if (item->is_map()) {
        ReadException(*item, rule);
      } else {
        diagnostics_.Error(item->place(),
                           "an exception is a map with name, fields, comps and values");
      }
    }
  }

  void ReadException(const YamlNode& item, RuleIr& rule) {
    const MapReader map(item, "an exception", kExceptionKeys, {}, diagnostics_);
    ExceptionIr exception;
    const auto name = map.Required("name");
    const YamlNode* fields = map.Find("fields");
    if (fields == nullptr) {
      diagnostics_.Error(item.place(), "an exception needs the key fields");
      return;
    }
    exception.fields = ReadValue(*fields);
    if (const YamlNode* comps = map.Find("comps")) exception.comps = ReadValue(*comps);
    const YamlNode* values = map.Find("values");
    if (values != nullptr && !values->is_sequence() && !values->is_null()) {
      diagnostics_.Error(values->place(),
                         "values needs a list, and has " + std::string(KindName(values->kind)));
    } else if (values != nullptr) {
      for (const YamlNode* value : values->items) exception.values.push_back(ReadValue(*value));
    }
    if (!name) return;
    const auto same = [&](const ExceptionIr& other) { return other.name.value == name->value; };
    if (!falco_ && std::ranges::any_of(rule.exceptions, same))
      diagnostics_.Error(name->place, "there is another exception " + Quoted(name->value),
                         "give it another name");
    exception.name = *name;
    rule.exceptions.push_back(std::move(exception));
  }

  ExceptionValue ReadValue(const YamlNode& node) {
    ExceptionValue value;
    value.item = node.scalar;
    value.is_list = node.is_sequence();
    if (!node.is_scalar() && !node.is_sequence()) {
      diagnostics_.Error(node.place(), "a single value or a list is needed here, not " +
                                           std::string(KindName(node.kind)));
    }
    for (const YamlNode* item : node.items) value.items.push_back(ReadValue(*item));
    return value;
  }

  bool falco_;
  ItemsIr& items_;
  Diagnostics& diagnostics_;
};

}  // namespace

void ReadItems(const YamlNode& sequence, bool falco, ItemsIr& items, Diagnostics& diagnostics) {
  ItemReader reader(falco, items, diagnostics);
  for (const YamlNode* item : sequence.items) reader.Read(*item);
}

}  // namespace nsw::rule
