// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/compiler.h"

#include <algorithm>
#include <map>

#include "engine/rule/condition_compiler.h"
#include "engine/rule/condition_parser.h"
#include "engine/rule/definitions.h"
#include "engine/rule/deny_entry.h"
#include "engine/rule/exceptions.h"
#include "engine/rule/output.h"

namespace nsw::rule {
namespace {

constexpr size_t kDenyEntriesMax = 100'000;  // of one policy
constexpr size_t kChecksMax = 200'000;       // of all conditions together, their macros put in

std::shared_ptr<const OutputTemplate> DefaultOutput(nsw_class deny_class) {
  static const std::array<std::shared_ptr<const OutputTemplate>, NSW_CLASS_COUNT> outputs{
      OutputTemplate::Make(
          "execution of %evt.arg.file (%proc.cmdline) by %proc.pname in %container.name"),
      OutputTemplate::Make("%proc.name (%proc.cmdline) reads %fd.name in %container.name"),
      OutputTemplate::Make("%proc.name (%proc.cmdline) writes %fd.name in %container.name"),
      OutputTemplate::Make(
          "%proc.name (%proc.cmdline) connects to %fd.rip:%fd.rport in %container.name")};
  return outputs[deny_class];
}

// Refuses two rules of one id: verdicts of the kernel carry nothing else.
class Ids {
 public:
  explicit Ids(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  bool Take(const RuleInfo& info, Place place) {
    const auto [at, is_new] = taken_.emplace(info.id, info.policy + ": " + info.name);
    if (is_new) return true;
    if (at->second == info.policy + ": " + info.name) {
      diagnostics_.Error(place, Quoted(info.name) + " is there twice", "keep one of them");
    } else {
      diagnostics_.Error(place, Quoted(info.name) + " has the same id as " + Quoted(at->second),
                         "change its name a little");
    }
    return false;
  }

 private:
  Diagnostics& diagnostics_;
  std::map<uint32_t, std::string> taken_;
};

class PolicyCompiler {
 public:
  PolicyCompiler(const PolicyIr& ir, Ids& ids, size_t& checks, Diagnostics& diagnostics)
      : ir_(ir), ids_(ids), checks_(checks), diagnostics_(diagnostics) {
    PolicyInfo& info = out_.info;
    info.name = ir.name.value;
    info.description = ir.description;
    info.file = ir.source->name();
    info.sha256 = ir.sha256;
    info.mode = ir.mode;
    info.host = ir.host;
    out_.first_match = ir.falco;
    out_.selector = Selector(ir.selector, diagnostics);
    for (const DenyIr& deny : ir.deny) AddDeny(deny);
  }

  void AddRule(const RuleIr& rule, const Definitions& definitions) {
    ExprPtr expr =
        ApplyExceptions(ParseCondition(rule.condition, diagnostics_), rule, diagnostics_);
    ConditionCompiler compiler(definitions, ir_.falco, rule.skip_unknown, diagnostics_);
    if (checks_ > kChecksMax) return;  // told already
    auto tree = expr == nullptr ? std::nullopt : compiler.Compile(*expr);
    checks_ += compiler.checks();
    if (checks_ > kChecksMax) {
      diagnostics_.Error(
          rule.condition.place,
          "all conditions together have more than 200000 checks, with their macros put in");
    }
    if (compiler.missing()) {
      diagnostics_.Warn(
          compiler.missing()->where.place(),
          "the rule " + Quoted(rule.name.value) + " is skipped: " + compiler.missing()->what);
      return;
    }
    auto output = OutputTemplate::Parse(rule.output, ir_.falco, diagnostics_);
    if (!tree || output == nullptr) return;
    if ((tree->may_be_true & kEvents) == 0) {
      diagnostics_.Warn(rule.condition.place,
                        "the rule " + Quoted(rule.name.value) +
                            " can never match: no event has all that it asks for");
    }
    RuleInfo info = Info(rule.name.value, rule.priority, rule.tags);
    info.output = std::move(output);
    if (!ids_.Take(info, rule.name.place) || !rule.enabled) return;
    out_.wants |= compiler.wants();
    for (const event::Field* field : info.output->fields()) out_.wants |= field->wants;
    out_.rules.push_back(std::make_unique<RuleInfo>(std::move(info)));
    for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
      if ((tree->may_be_true >> event & 1) == 0) continue;
      out_.by_event[event].push_back({out_.rules.back().get(), Condition(tree->For(event))});
    }
  }

  CompiledPolicy Finish() {
    out_.deny = DenyMatcher(out_.entries);
    out_.info.rules = out_.rules.size();
    out_.info.deny_entries = out_.deny_rules.size();
    out_.info.has_deny = !out_.deny_rules.empty();
    return std::move(out_);
  }

 private:
  static constexpr uint64_t kEvents = ((1ULL << NSW_EVENT_COUNT) - 1) & ~1ULL;

  [[nodiscard]] RuleInfo Info(const std::string& name, Priority priority,
                              const std::vector<std::string>& tags) const {
    RuleInfo info;
    info.id = RuleId(ir_.name.value, name);
    info.policy = ir_.name.value;
    info.name = name;
    info.priority = priority;
    info.tags = tags;
    info.mode = ir_.mode;
    return info;
  }

  void AddDeny(const DenyIr& deny) {
    EntryError error;
    std::vector<DenyEntry> entries = ParseEntry(deny.entry.value, deny.deny_class, error);
    std::shared_ptr<const OutputTemplate> output;
    if (deny.output) output = OutputTemplate::Parse(*deny.output, false, diagnostics_);
    if (entries.empty()) {
      diagnostics_.Error(deny.entry.At(error.at),
                         std::string(ClassName(deny.deny_class)) + ": " + error.message,
                         error.hint);
      return;
    }
    RuleInfo info = DenyRuleInfo(ir_.name.value, deny.deny_class, deny.entry.value);
    info.priority = deny.priority;
    info.tags = deny.tags;
    info.mode = ir_.mode;
    if (output != nullptr) info.output = std::move(output);
    if (!ids_.Take(info, deny.entry.place)) return;
    if (out_.entries.size() + entries.size() > kDenyEntriesMax) {
      diagnostics_.Error(deny.entry.place, "more than 100000 deny entries in one policy");
      return;
    }
    out_.deny_rules.push_back(std::make_unique<RuleInfo>(std::move(info)));
    const RuleInfo& rule = *out_.deny_rules.back();
    for (DenyEntry& entry : entries) {
      entry.rule = rule.id;
      entry.mode = rule.mode == Mode::kEnforce ? NSW_VERDICT_DENIED : NSW_VERDICT_AUDIT;
      out_.entries.push_back(std::move(entry));
      out_.rule_of_entry.push_back(&rule);
    }
  }

  const PolicyIr& ir_;
  Ids& ids_;
  size_t& checks_;
  Diagnostics& diagnostics_;
  CompiledPolicy out_;
};

// Macros that no rule uses have mistakes, too. Those of a hostile file that double each time are
// left after a while.
void CheckMacros(const Definitions& definitions, bool falco, Diagnostics& diagnostics) {
  size_t checks = 0;
  for (const Macro& macro : definitions.macros()) {
    ConditionCompiler compiler(definitions, falco, false, diagnostics);
    (void)compiler.CompileMacro(macro);
    checks += compiler.checks();
    if (checks > kChecksMax) return;
  }
}

void CheckNames(const std::vector<PolicyIr>& policies, Diagnostics& diagnostics) {
  std::map<std::string_view, const PolicyIr*> seen;
  for (const PolicyIr& policy : policies) {
    if (policy.name.empty()) continue;
    const auto [at, is_new] = seen.emplace(policy.name.value, &policy);
    if (is_new) continue;
    diagnostics.Error(policy.name.place,
                      "there is another policy " + Quoted(policy.name.value) + " in " +
                          at->second->source->name(),
                      "give it another name");
  }
}

// Plain Falco files share their definitions; what a later one defines anew holds for all.
ItemsIr MergeFalco(const std::vector<PolicyIr>& policies) {
  ItemsIr all;
  const auto merge = [&](auto& into, const auto& from, size_t base) {
    for (const auto& entry : from) {
      const auto same = std::ranges::find_if(
          into, [&](const auto& o) { return o.item.name.value == entry.item.name.value; });
      if (same != into.end()) {
        same->last = base + entry.last;
        same->item = entry.item;
      } else {
        into.push_back({base + entry.first, base + entry.last, entry.file, entry.item});
      }
    }
  };
  for (const PolicyIr& policy : policies) {
    if (!policy.falco) continue;
    merge(all.lists, policy.items.lists, all.count);
    merge(all.macros, policy.items.macros, all.count);
    merge(all.rules, policy.items.rules, all.count);
    all.count += policy.items.count;
  }
  return all;
}

}  // namespace

uint32_t RuleId(std::string_view policy, std::string_view name) {
  uint32_t hash = 2166136261U;  // FNV-1a
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 16777619U; };
  for (const char c : policy) mix(static_cast<unsigned char>(c));
  mix(0);
  for (const char c : name) mix(static_cast<unsigned char>(c));
  return hash == 0 ? 1 : hash;
}

RuleInfo DenyRuleInfo(const std::string& policy, nsw_class deny_class, const std::string& entry) {
  RuleInfo info;
  info.policy = policy;
  info.name = policy + "/" + std::string(ClassName(deny_class)) + "/" + entry;
  info.id = RuleId(policy, info.name);
  info.is_deny = true;
  info.output = DefaultOutput(deny_class);
  return info;
}

std::vector<CompiledPolicy> CompilePolicies(const std::vector<PolicyIr>& policies,
                                            Diagnostics& diagnostics) {
  CheckNames(policies, diagnostics);
  const ItemsIr falco = MergeFalco(policies);
  const Definitions shared(falco, diagnostics);
  CheckMacros(shared, true, diagnostics);
  Ids ids(diagnostics);
  size_t checks = 0;
  std::vector<CompiledPolicy> compiled;
  for (const PolicyIr& policy : policies) {
    PolicyCompiler compiler(policy, ids, checks, diagnostics);
    if (policy.falco) {
      for (const auto& rule : falco.rules) {
        if (rule.file == policy.source) compiler.AddRule(rule.item, shared);
      }
    } else {
      const Definitions own(policy.items, diagnostics);
      CheckMacros(own, false, diagnostics);
      for (const auto& rule : policy.items.rules) compiler.AddRule(rule.item, own);
    }
    compiled.push_back(compiler.Finish());
  }
  return compiled;
}

}  // namespace nsw::rule
