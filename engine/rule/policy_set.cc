// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/policy_set.h"

#include <algorithm>
#include <unordered_map>

#include "engine/rule/deny_merge.h"

namespace nsw::rule {
namespace {

constexpr size_t kPhases = 64;  // policies of one container that can have a startup phase

class CompiledSet final : public PolicySet {
 public:
  explicit CompiledSet(std::vector<CompiledPolicy> policies) : policies_(std::move(policies)) {
    for (const CompiledPolicy& policy : policies_) {
      infos_.push_back(policy.info);
      for (const auto& rule : policy.rules) by_id_.emplace(rule->id, rule.get());
      for (const auto& rule : policy.lists.rules) by_id_.emplace(rule->id, rule.get());
      const bool off = policy.info.mode == Mode::kOff;
      wanted_by_.push_back(off ? 0 : Wants(policy));
      if (off) continue;
      wanted_ |= wanted_by_.back();
      read_names_.insert(policy.read_names.begin(), policy.read_names.end());
      ports_ = Either(ports_, policy.ports);
      denied_ |= EventsOfDeny(*policy.plan);
    }
    for (unsigned event = 0; event < NSW_EVENT_COUNT; event++) {
      size_t of_event = 0;
      for (const CompiledPolicy& policy : policies_) {
        const bool off = policy.info.mode == Mode::kOff;
        candidates_.push_back(
            {off ? std::span<const Candidate>{} : policy.by_event[event], policy.first_match});
        of_event += candidates_.back().rules.size();
      }
      most_matches_ = std::max(most_matches_, of_event);
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
    out.rules.reserve(most_matches_);
    ValueReader reader(event);
    const Candidates* of_type = candidates_.data() + type * policies_.size();
    for (const uint32_t position : policies) {
      if (position < policies_.size()) MatchPolicy(of_type[position], reader, out);
    }
  }

  const RuleInfo* MatchDeny(const event::Event& event,
                            std::span<const uint32_t> policies) const override {
    if ((denied_ >> event.header().type & 1) == 0) return nullptr;
    const DenyActs acts(event);
    const uint64_t running = event.binding == nullptr ? ~0ULL : event.binding->running;
    DenyVerdict first;
    for (size_t i = 0; i < policies.size(); i++) {
      if (policies[i] >= policies_.size()) continue;
      const CompiledPolicy& policy = policies_[policies[i]];
      if (policy.info.mode == Mode::kOff || policy.deny.empty()) continue;
      const bool over = i >= kPhases || (running >> i & 1) != 0;
      for (const DenyAct& act : acts.acts()) {
        const DenyVerdict verdict = policy.deny.Match(act, acts.actor(), over ? 1 : 0);
        if (!first.Before(verdict)) first = verdict;
      }
    }
    return first.rule == 0 ? nullptr : FindRule(first.rule);
  }

  uint64_t EndedStartups(const event::Event& event,
                         std::span<const uint32_t> policies) const override {
    if (event.type() != event::Type::k_exec || (denied_ >> NSW_EVENT_EXEC & 1) == 0) return 0;
    const DenyActs acts(event);
    uint64_t ended = 0;
    for (const std::string_view program : acts.first_programs())
      ended |= EndedStartups(program, policies);
    return ended;
  }

  uint64_t EndedStartups(std::string_view program,
                         std::span<const uint32_t> policies) const override {
    uint64_t ended = 0;
    for (size_t i = 0; i < std::min(policies.size(), kPhases); i++) {
      if (policies[i] >= policies_.size()) continue;
      for (const DenyPolicy& policy : policies_[policies[i]].plan->policies) {
        if (std::ranges::any_of(policy.until, [&](const auto& k) { return HasPath(k, program); }))
          ended |= 1ULL << i;
      }
    }
    return ended;
  }

  DenyPlan Plan(std::span<const uint32_t> policies) const override {
    DenyPlan plan;
    for (const uint32_t position : policies) {
      if (position >= policies_.size() || policies_[position].info.mode == Mode::kOff) continue;
      AppendPlan(plan, *policies_[position].plan);
    }
    OrderPlan(plan);
    return plan;
  }

  const RuleInfo* FindRule(uint32_t id) const override {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }

  std::span<const PolicyInfo> policies() const override { return infos_; }
  uint64_t wanted() const override { return wanted_; }
  const std::set<std::string>& read_names() const override { return read_names_; }
  const Ports& ports() const override { return ports_; }
  uint64_t WantedBy(std::span<const uint32_t> policies) const override {
    uint64_t events = 0;
    for (const uint32_t position : policies) {
      if (position < wanted_by_.size()) events |= wanted_by_[position];
    }
    return events;
  }

 private:
  static uint64_t Wants(const CompiledPolicy& policy) {
    uint64_t events = policy.wants | EventsOfDeny(*policy.plan);
    for (unsigned event = 1; event < NSW_EVENT_COUNT; event++) {
      if (!policy.by_event[event].empty()) events |= 1ULL << event;
    }
    return events;
  }

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
      if (truth == Truth::kTrue) out.rules.push_back(candidate.rule);
      if (truth == Truth::kUnknown) out.unknown = true;
      if (candidates.first_match) return;
    }
  }

  std::vector<CompiledPolicy> policies_;
  std::vector<Candidates> candidates_;  // all policies for the first type, then for the next
  size_t most_matches_ = 0;             // of one event
  std::vector<PolicyInfo> infos_;
  std::unordered_map<uint32_t, const RuleInfo*> by_id_;
  std::vector<uint64_t> wanted_by_;  // by policy; as wanted_
  std::set<std::string> read_names_;
  Ports ports_;
  uint64_t wanted_ = 0;  // bit per nsw_event: some rule or entry speaks of it
  uint64_t denied_ = 0;  // some entry does
};

}  // namespace

std::shared_ptr<const PolicySet> MakePolicySet(std::vector<CompiledPolicy> policies) {
  return std::make_shared<CompiledSet>(std::move(policies));
}

}  // namespace nsw::rule
