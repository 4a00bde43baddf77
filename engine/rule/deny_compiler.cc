// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/deny_compiler.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "engine/rule/deny_merge.h"
#include "engine/rule/output.h"

namespace nsw::rule {
namespace {

constexpr size_t kEntriesMax = 100'000;  // of one policy

std::shared_ptr<const OutputTemplate> DefaultOutput(const ListKey& list) {
  static const auto outputs = [] {
    std::map<std::string_view, std::shared_ptr<const OutputTemplate>> all;
    for (const ListKey& one : ListKeys())
      all.emplace(one.name, OutputTemplate::Make(std::string(one.output)));
    return all;
  }();
  return outputs.at(list.name);
}

std::vector<std::string> Values(const std::vector<Text>& texts) {
  std::vector<std::string> values;
  for (const Text& text : texts) values.push_back(text.value);
  return values;
}

// All that an entry says of when it holds: two of one name that differ in it are two rules.
using Sense = std::vector<std::vector<std::string>>;

Sense SenseOf(const DenyIr& entry) {
  Sense sense{{entry.entry.value}};
  const auto add = [&](const ConditionIr& condition) {
    for (const auto* texts : {&condition.by, &condition.ancestor, &condition.when})
      sense.push_back(Values(*texts));
  };
  add(entry.condition);
  for (const ExceptIr& except : entry.except) {
    sense.push_back(Values(except.objects));
    add(except.condition);
  }
  return sense;
}

class ListCompiler {
 public:
  ListCompiler(const PolicyIr& policy, Diagnostics& diagnostics)
      : policy_(policy), diagnostics_(diagnostics) {
    DenyPolicy& own = out_.plan.policies.emplace_back();
    own.fallback_kill = policy.fallback_kill;
    own.until = KeysOf(policy.until, ParsePathEntry, "until");
  }

  CompiledLists Compile() {
    for (const AllowIr& list : policy_.allow) AddList(list);
    for (const DenyIr& entry : policy_.entries) AddEntry(entry);
    if (out_.plan.empty()) out_.plan = {};
    OrderPlan(out_.plan);
    return std::move(out_);
  }

 private:
  [[nodiscard]] nsw_verdict_code Mode() const {
    return policy_.mode == Mode::kEnforce ? NSW_VERDICT_DENIED : NSW_VERDICT_AUDIT;
  }

  void AddKeys(const Text& text, EntryParser parse, std::string_view what,
               std::vector<DenyKey>& into) {
    EntryError error;
    std::vector<DenyKey> keys = parse(text.value, error);
    if (keys.empty())
      diagnostics_.Error(text.At(error.at), std::string(what) + ": " + error.message, error.hint);
    CountShapes(keys, text.place);
    std::ranges::move(keys, std::back_inserter(into));
  }

  std::vector<DenyKey> KeysOf(const std::vector<Text>& texts, EntryParser parse,
                              std::string_view what) {
    std::vector<DenyKey> keys;
    for (const Text& text : texts) AddKeys(text, parse, what, keys);
    return keys;
  }

  // Groups of one and the same executables are one.
  uint16_t Group(const std::vector<Text>& texts, std::string_view what) {
    if (texts.empty()) return 0;
    DenyGroup group{KeysOf(texts, ParsePathEntry, what)};
    std::vector<DenyGroup>& groups = out_.plan.groups;
    const auto found = std::ranges::find(groups, group);
    const auto number = static_cast<uint16_t>(found - groups.begin() + 1);
    if (found != groups.end()) return number;
    groups.push_back(std::move(group));
    if (number == kDenyGroupsMax + 1)
      diagnostics_.Error(texts.front().place,
                         "more than 63 different lists of executables in by and ancestor",
                         "name the same executables in several entries, or split the policy");
    return number;
  }

  uint8_t When(const std::vector<Text>& texts) {
    static constexpr std::array<std::string_view, 3> kWhen{"startup", "running", "joined"};
    uint8_t when = 0;
    for (const Text& text : texts) {
      const auto found = std::ranges::find(kWhen, text.value);
      if (found == kWhen.end()) {
        diagnostics_.Error(text.place, Quoted(text.value) + " is not a phase",
                           DidYouMean(text.value, kWhen));
        continue;
      }
      const auto bit = static_cast<uint8_t>(1U << (found - kWhen.begin()));
      when |= bit;
      if (bit == kWhenStartup && policy_.until.empty())
        diagnostics_.Error(text.place, "the policy has no startup: this would never hold",
                           "write startup: {until: {exec: /path/of/the/program}}");
    }
    return when;
  }

  DenyCondition Condition(const ConditionIr& ir) {
    return {Group(ir.by, "by"), Group(ir.ancestor, "ancestor"), When(ir.when)};
  }

  void AddList(const AllowIr& ir) {
    RuleInfo info;
    info.policy = policy_.name.value;
    info.name = info.policy + "/allow/" + std::string(ir.list->name);
    info.id = RuleId(info.policy, info.name);
    info.is_deny = true;
    info.action = Action::kDeny;
    info.output = DefaultOutput(*ir.list);
    out_.plan.allow.push_back({info.id, ir.list->classes, Mode(), 0});
    AddRule(std::move(info), ir.place);
  }

  void AddRule(RuleInfo info, Place place) {
    info.mode = policy_.mode;
    out_.rules.push_back(std::make_unique<RuleInfo>(std::move(info)));
    out_.places.push_back(place);
  }

  // "/tmp/**", and "/tmp/**#2" for the second entry of that text that says something else.
  std::string NameOf(const DenyIr& ir) {
    std::vector<Sense>& same = named_[{ir.allow, ir.list, ir.entry.value}];
    Sense sense = SenseOf(ir);
    if (std::ranges::find(same, sense) != same.end())
      diagnostics_.Error(ir.entry.place, Quoted(ir.entry.value) + " is there twice",
                         "keep one of them");
    same.push_back(std::move(sense));
    return ir.entry.value + (same.size() == 1 ? "" : "#" + std::to_string(same.size()));
  }

  void AddEntry(const DenyIr& ir) {
    if (out_.plan.entries.size() == kEntriesMax) {
      diagnostics_.Error(ir.entry.place, "more than 100000 entries in one policy");
      return;
    }
    DenyEntry entry;
    entry.classes = ir.list->classes;
    entry.mode = Mode();
    entry.allow = ir.allow;
    AddKeys(ir.entry, ir.list->parse, ir.list->name, entry.keys);
    entry.condition = Condition(ir.condition);
    for (const ExceptIr& except : ir.except) {
      entry.exceptions.push_back(
          {KeysOf(except.objects, ir.list->parse, "except"), Condition(except.condition)});
    }
    const std::string name = NameOf(ir);
    if (ir.allow) {
      entry.rule = RuleId(policy_.name.value,
                          policy_.name.value + "/allow/" + std::string(ir.list->name) + "/" + name);
      out_.allow_entries++;
    } else {
      AddDenyRule(ir, name, entry);
    }
    out_.plan.entries.push_back(std::move(entry));
  }

  void AddDenyRule(const DenyIr& ir, const std::string& name, DenyEntry& entry) {
    RuleInfo info = DenyRuleInfo(policy_.name.value, *ir.list, name);
    info.priority = ir.priority;
    info.tags = ir.tags;
    info.action = ir.action;
    info.fallback_kill = policy_.fallback_kill;
    if (ir.output) {
      if (auto output = OutputTemplate::Parse(*ir.output, false, diagnostics_))
        info.output = std::move(output);
    }
    entry.rule = info.id;
    if (ir.action == Action::kKill && entry.mode == NSW_VERDICT_DENIED)
      entry.action = DenyAction::kKill;
    out_.deny_entries++;
    AddRule(std::move(info), ir.entry.place);
  }

  // What the kernel looks for costs a step for each: said where the one too many stands.
  void CountShapes(const std::vector<DenyKey>& keys, Place place) {
    for (const DenyKey& key : keys) {
      if (key.kind == DenyKind::kSuffix && suffixes_.insert(key.path.size()).second &&
          suffixes_.size() == kDenyShapesMax + 1)
        diagnostics_.Error(place, "suffixes of more than 8 different lengths",
                           "name files or directories instead");
      if (key.kind != DenyKind::kHolePath && key.kind != DenyKind::kHoleBelow) continue;
      const size_t depth = std::ranges::count(key.path, '/');
      if (holes_.emplace(depth, key.hole).second && holes_.size() == kDenyShapesMax + 1)
        diagnostics_.Error(place, "* components at more than 8 different places of paths",
                           "name directories instead");
    }
  }

  const PolicyIr& policy_;
  Diagnostics& diagnostics_;
  CompiledLists out_;
  std::map<std::tuple<bool, const ListKey*, std::string>, std::vector<Sense>> named_;
  std::set<size_t> suffixes_;
  std::set<std::pair<size_t, size_t>> holes_;
};

}  // namespace

uint32_t RuleId(std::string_view policy, std::string_view name) {
  uint32_t hash = 2166136261U;  // FNV-1a
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 16777619U; };
  for (const char c : policy) mix(static_cast<unsigned char>(c));
  mix(0);
  for (const char c : name) mix(static_cast<unsigned char>(c));
  constexpr uint32_t kReserved = 16;  // 0: no rule; NSW_RULE_UNBOUND
  return hash < kReserved ? hash + kReserved : hash;
}

RuleInfo DenyRuleInfo(const std::string& policy, const ListKey& list, const std::string& entry) {
  RuleInfo info;
  info.policy = policy;
  info.name = policy + "/" + std::string(list.name) + "/" + entry;
  info.id = RuleId(policy, info.name);
  info.is_deny = true;
  info.action = Action::kDeny;
  info.output = DefaultOutput(list);
  return info;
}

CompiledLists CompileLists(const PolicyIr& policy, Diagnostics& diagnostics) {
  return ListCompiler(policy, diagnostics).Compile();
}

}  // namespace nsw::rule
