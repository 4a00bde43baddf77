// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/policy_set.h"

#include <algorithm>
#include <unordered_map>

namespace nsw::rule {
namespace {

constexpr Mode kPrecedence[] = {Mode::kEnforce, Mode::kAudit};

void Add(Matches& out, const RuleInfo& rule) {
  if (out.count == Matches::kMax) {
    out.overflow++;
  } else {
    out.rules[out.count++] = &rule;
  }
}

class CompiledSet final : public PolicySet {
 public:
  explicit CompiledSet(std::vector<CompiledPolicy> policies) : policies_(std::move(policies)) {
    for (const CompiledPolicy& policy : policies_) {
      infos_.push_back(policy.info);
      for (const auto& rule : policy.rules) by_id_.emplace(rule->id, rule.get());
      for (const auto& rule : policy.deny_rules) by_id_.emplace(rule->id, rule.get());
      if (policy.info.mode == Mode::kOff) continue;
      wanted_ |= policy.wants;
      for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
        if (!policy.by_event[event].empty()) wanted_ |= 1ULL << event;
      }
      for (const DenyEntry& entry : policy.entries) denied_ |= EventsOfDeny(entry.classes);
    }
    wanted_ |= denied_;
    for (unsigned event = 0; event < NSW_EVENT_COUNT; event++) {
      for (const CompiledPolicy& policy : policies_) {
        const bool off = policy.info.mode == Mode::kOff;
        candidates_.push_back(
            {off ? std::span<const Candidate>{} : policy.by_event[event], policy.first_match});
      }
    }
  }

  std::vector<uint32_t> Select(const container::Container& container) const override {
    return Positions(
        [&](const CompiledPolicy& p) { return !p.info.host && p.selector.Matches(container); });
  }

  std::vector<uint32_t> SelectHost() const override {
    return Positions([](const CompiledPolicy& p) { return p.info.host; });
  }

  void Match(const event::Event& event, std::span<const uint32_t> policies,
             Matches& out) const override {
    const uint16_t type = event.header().type;
    if (type >= NSW_EVENT_COUNT || (wanted_ >> type & 1) == 0) return;
    ValueReader reader(event);
    const Candidates* of_type = candidates_.data() + type * policies_.size();
    for (const uint32_t position : policies) {
      if (position < policies_.size()) MatchPolicy(of_type[position], reader, out);
    }
  }

  const RuleInfo* MatchDeny(const event::Event& event,
                            std::span<const uint32_t> policies) const override {
    if ((denied_ >> event.header().type & 1) == 0) return nullptr;
    for (const Mode mode : kPrecedence) {
      for (const uint32_t position : policies) {
        if (position >= policies_.size() || policies_[position].info.mode != mode) continue;
        const CompiledPolicy& policy = policies_[position];
        const size_t entry = policy.deny.Match(event);
        if (entry != DenyMatcher::kNone) return policy.rule_of_entry[entry];
      }
    }
    return nullptr;
  }

  DenyPlan Plan(std::span<const uint32_t> policies) const override {
    DenyPlan plan;
    for (const Mode mode : kPrecedence) {
      for (const uint32_t position : policies) {
        if (position >= policies_.size() || policies_[position].info.mode != mode) continue;
        const auto& entries = policies_[position].entries;
        plan.entries.insert(plan.entries.end(), entries.begin(), entries.end());
      }
    }
    return plan;
  }

  const RuleInfo* FindRule(uint32_t id) const override {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }

  std::span<const PolicyInfo> policies() const override { return infos_; }
  uint64_t wanted() const override { return wanted_; }

 private:
  // A policy that is off applies to nothing.
  template <typename Applies>
  std::vector<uint32_t> Positions(Applies applies) const {
    std::vector<uint32_t> positions;
    for (uint32_t i = 0; i < policies_.size(); i++) {
      if (policies_[i].info.mode != Mode::kOff && applies(policies_[i])) positions.push_back(i);
    }
    return positions;
  }

  // The rules of one policy that an event of one type can match.
  struct Candidates {
    std::span<const Candidate> rules;
    bool first_match;
  };

  // Where the first match counts, an undecided rule before it leaves open which that is.
  static void MatchPolicy(const Candidates& candidates, ValueReader& reader, Matches& out) {
    for (const Candidate& candidate : candidates.rules) {
      const Truth truth = candidate.condition.Eval(reader);
      if (truth == Truth::kFalse) continue;
      if (truth == Truth::kTrue) Add(out, *candidate.rule);
      if (truth == Truth::kUnknown) out.unknown = true;
      if (candidates.first_match) return;
    }
  }

  std::vector<CompiledPolicy> policies_;
  std::vector<Candidates> candidates_;  // all policies for the first type, then for the next
  std::vector<PolicyInfo> infos_;
  std::unordered_map<uint32_t, const RuleInfo*> by_id_;
  uint64_t wanted_ = 0;  // bit per nsw_event: some rule or entry speaks of it
  uint64_t denied_ = 0;  // some entry does
};

}  // namespace

uint64_t EventsOfDeny(uint32_t classes) {
  const auto bit = [](event::Type type) { return 1ULL << static_cast<unsigned>(type); };
  uint64_t events = 0;
  if ((classes >> NSW_CLASS_EXEC & 1) != 0) events |= bit(event::Type::k_exec);
  if ((classes & (1U << NSW_CLASS_READ | 1U << NSW_CLASS_WRITE)) != 0)
    events |= bit(event::Type::k_open);
  if ((classes >> NSW_CLASS_CONNECT & 1) != 0) events |= bit(event::Type::k_connect);
  return events;
}

std::shared_ptr<const PolicySet> MakePolicySet(std::vector<CompiledPolicy> policies) {
  return std::make_shared<CompiledSet>(std::move(policies));
}

}  // namespace nsw::rule
