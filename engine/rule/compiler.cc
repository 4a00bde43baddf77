// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/compiler.h"

#include <algorithm>
#include <map>

#include "engine/rule/condition_compiler.h"
#include "engine/rule/condition_parser.h"
#include "engine/rule/definitions.h"
#include "engine/rule/exceptions.h"
#include "engine/rule/output.h"

namespace nsw::rule {
namespace {

constexpr size_t kChecksMax = 200'000;  // of all conditions together, their macros put in

// Refuses two rules of one id: verdicts of the kernel carry nothing else.
class Ids {
 public:
  explicit Ids(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  bool Take(const RuleInfo& info, Place place) {
    const std::string name = info.policy + ": " + info.name;
    const auto [at, is_new] = taken_.emplace(info.id, Taken{name, place.source});
    if (is_new) return true;
    const Taken& other = at->second;
    if (other.name != name) {
      diagnostics_.Error(place, Quoted(info.name) + " has the same id as " + Quoted(other.name),
                         "change its name a little");
    } else if (other.source == place.source) {
      diagnostics_.Error(place, Quoted(info.name) + " is there twice", "keep one of them");
    }  // else of two policies of one name, see CheckNames
    return false;
  }

 private:
  struct Taken {
    std::string name;
    const Source* source;
  };
  Diagnostics& diagnostics_;
  std::map<uint32_t, Taken> taken_;
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
    info.fallback_kill = ir.fallback_kill;
    info.by_labels = !ir.selector.labels.empty() || ir.selector.privileged;
    out_.first_match = ir.falco;
    out_.selector = Selector(ir.selector, diagnostics);
    out_.lists = CompileLists(ir, diagnostics);
    for (size_t i = 0; i < out_.lists.rules.size(); i++)
      (void)ids_.Take(*out_.lists.rules[i], out_.lists.places[i]);
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
    info.action = rule.action;
    info.deny_for_ns = rule.deny_for_ns;
    if ((rule.action != Action::kAlert || rule.deny_for_ns != 0) && !compiler.has_ground()) {
      diagnostics_.Error(rule.condition.place,
                         "nothing that the condition asks is beyond the acting process's power to "
                         "make up: that is no ground to act on",
                         "ask for fd.name, proc.exepath or another field that the kernel resolves");
      return;
    }
    if (!ids_.Take(info, rule.name.place) || !rule.enabled) return;
    out_.wants |= compiler.wants();
    WantReads(*tree);
    WantConnects(*tree);
    for (const event::Field* field : info.output->fields()) out_.wants |= field->wants;
    out_.rules.push_back(std::make_unique<RuleInfo>(std::move(info)));
    for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
      if ((tree->may_be_true & event::EventBits(static_cast<event::Type>(event))) == 0) continue;
      out_.by_event[event].push_back({out_.rules.back().get(), Condition(tree->For(event))});
    }
  }

  CompiledPolicy Finish() {
    out_.info.has_deny = !out_.lists.plan.empty();
    out_.info.allow_lists = out_.lists.plan.allow.size();
    out_.plan = std::make_shared<const DenyPlan>(std::move(out_.lists.plan));
    out_.deny = DenyMatcher(out_.plan);
    out_.info.rules = out_.rules.size();
    out_.info.deny_entries = out_.lists.deny_entries;
    out_.info.allow_entries = out_.lists.allow_entries;
    return std::move(out_);
  }

 private:
  // Of opens that do not ask to write no more than can match: they are the most frequent act.
  void WantReads(const ConditionTree& tree) {
    if ((tree.may_be_true & NSW_WANT_READS) == 0) return;
    const PathNames& names = tree.limits.names;
    out_.wants |= names ? NSW_WANT_NAMED_READS : NSW_WANT_READS;
    if (names) out_.read_names.insert(names->begin(), names->end());
  }

  void WantConnects(const ConditionTree& tree) {
    const Ports& ports = tree.limits.ports.if_true;
    if (ports.all()) {
      out_.wants |= NSW_WANT_ANY_PORT;
    } else {
      out_.ports = Either(out_.ports, ports);
    }
  }

  static constexpr uint64_t kEvents = (1ULL << NSW_EVENT_COUNT) - 1;

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
