// SPDX-License-Identifier: Apache-2.0
#include "store/against.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "store/replay.h"

namespace nsw::store {
namespace {

// A connection on its way has not failed.
bool Failed(const Row& row) { return row.result < 0 && row.result != -EINPROGRESS; }

// "read" of "shop/read//etc/**".
std::string ListOf(const rule::RuleInfo& rule) {
  const std::string rest = rule.name.substr(rule.policy.size() + 1);
  return rest.starts_with("allow/") ? rest : rest.substr(0, rest.find('/'));
}

class Holder {
 public:
  Holder(const std::filesystem::path& history, const rule::PolicySet& policies,
         std::optional<uint64_t> since_ns)
      : history_(history), policies_(policies) {
    filter_.since_ns = since_ns;
    filter_.limit = 0;
    for (const rule::PolicyInfo& policy : policies.policies())
      held_.push_back(policy.has_deny && policy.mode != rule::Mode::kOff && !policy.host &&
                      !policy.by_labels);
  }

  Result<Against> Run() {
    Filter execs = filter_;
    execs.event = event::Info(event::Type::k_exec).name;
    const auto phase = [this](const Row& row) { return SeePhase(row); };
    if (const Status done = Visit(history_, execs, phase); !done)
      return tl::unexpected(done.error());
    const auto judge = [this](const Row& row) { return Judge(row); };
    if (const Status done = Visit(history_, filter_, judge); !done)
      return tl::unexpected(done.error());
    for (auto& [key, refusal] : refusals_) out_.refusals.push_back(std::move(refusal));
    std::ranges::stable_sort(out_.refusals, std::greater(), &WouldRefuse::count);
    SayWhatIsLeftOut();
    return std::move(out_);
  }

 private:
  using Positions = std::vector<uint32_t>;

  // Which of the policies are for the container of the row taken.
  Positions Chosen() {
    Positions chosen = policies_.Select(replay_.binding().container);
    std::erase_if(chosen, [&](uint32_t position) { return !held_[position]; });
    return chosen;
  }

  bool SeePhase(const Row& row) {
    if (Failed(row) || !replay_.Take(row)) return true;
    const Positions chosen = Chosen();
    const uint64_t ended = policies_.EndedStartups(replay_.event(), chosen);
    for (size_t i = 0; i < chosen.size() && i < 64; i++) {
      if ((ended >> i & 1) != 0) ends_.try_emplace({row.container_id, chosen[i]}, row.first_ns);
    }
    return true;
  }

  // The act that ends a startup phase is of that phase itself.
  uint64_t Running(const Row& row, const Positions& chosen) const {
    uint64_t running = ~0ULL;
    for (size_t i = 0; i < chosen.size() && i < 64; i++) {
      const auto end = ends_.find({row.container_id, chosen[i]});
      if (end != ends_.end() && row.first_ns <= end->second) running &= ~(1ULL << i);
    }
    return running;
  }

  bool Judge(const Row& row) {
    if (row.event == kOperationEvent) return true;
    seen_ |= 1ULL << static_cast<unsigned>(event::FindType(row.event));
    if (Failed(row)) return true;
    if (!replay_.Take(row)) {
      out_.unreadable += row.count;
      return true;
    }
    out_.acts += row.count;
    const Positions chosen = Chosen();
    if (chosen.empty()) return true;
    replay_.binding().running = Running(row, chosen);
    const rule::RuleInfo* rule = policies_.MatchDeny(replay_.event(), chosen);
    if (rule != nullptr) Add(row, *rule);
    return true;
  }

  void Add(const Row& row, const rule::RuleInfo& rule) {
    const std::string& container =
        row.container_name.empty() ? row.container_id : row.container_name;
    WouldRefuse& refusal = refusals_[{container, rule.name, row.object}];
    if (refusal.count == 0)
      refusal = {container, ListOf(rule), row.object, row.process, &rule, 0, 0};
    refusal.count += row.count;
    refusal.last_ns = std::max(refusal.last_ns, row.last_ns);
  }

  void SayWhatIsLeftOut() {
    Positions all;
    for (uint32_t i = 0; i < held_.size(); i++) {
      const rule::PolicyInfo& policy = policies_.policies()[i];
      if (held_[i]) all.push_back(i);
      if (policy.has_deny && (policy.host || policy.by_labels))
        out_.left_out.push_back(policy.name);
    }
    const uint64_t missing =
        rule::EventsOfDeny(policies_.Plan(all)) & event::EventsOf({event::History::NOISY}) & ~seen_;
    for (unsigned i = 1; i < NSW_EVENT_COUNT; i++) {
      if ((missing >> i & 1) != 0)
        out_.unrecorded.emplace_back(event::Info(static_cast<event::Type>(i)).name);
    }
  }

  const std::filesystem::path& history_;
  const rule::PolicySet& policies_;
  Filter filter_;
  std::vector<bool> held_;  // by policy
  Replay replay_;
  std::map<std::pair<std::string, uint32_t>, uint64_t> ends_;  // container, policy: of its startup
  std::map<std::tuple<std::string, std::string, std::string>, WouldRefuse> refusals_;
  uint64_t seen_ = 0;  // bit per nsw_event: the history has some
  Against out_;
};

}  // namespace

Result<Against> HoldAgainst(const std::filesystem::path& history, const rule::PolicySet& policies,
                            std::optional<uint64_t> since_ns) {
  return Holder(history, policies, since_ns).Run();
}

}  // namespace nsw::store
