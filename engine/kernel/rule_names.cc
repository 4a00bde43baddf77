// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/rule_names.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <string>
#include <utility>

#include "bpf/abi.h"
#include "engine/base/host.h"
#include "engine/rule/builtin.h"

namespace nsw::kernel {
namespace {

// Stands for all rules without a row, and for what is refused without a rule's entry.
constexpr uint32_t kNoRule = 0;

template <size_t Size>
void CopyText(char (&to)[Size], const std::string& from) {
  const size_t length = std::min(from.size(), Size - 1);
  std::memcpy(to, from.data(), length);
  std::memset(to + length, 0, Size - length);
}

template <size_t Size>
std::string TextOf(const char (&from)[Size]) {
  return {from, strnlen(from, Size)};
}

}  // namespace

RuleNames::RuleNames(int names, int untold, const volatile __u64& sum)
    : names_(names), untold_(untold), sum_(sum) {
  rule::RuleInfo none;
  none.id = kNoRule;
  none.policy = "nswarden";
  none.name = "an entry without a name of its own";
  Name(none);
  Name(rule::OwnRule());
}

void RuleNames::Name(const rule::RuleInfo& rule) {
  nsw_rule_name row{};
  bpf_map_lookup_elem(names_, &rule.id, &row);
  const nsw_rule_name before = row;
  row.priority = static_cast<uint32_t>(rule.priority);
  CopyText(row.policy, rule.policy);
  CopyText(row.name, rule.name);
  if (std::memcmp(&row, &before, sizeof row) == 0) return;
  const uint64_t none = 0;
  bpf_map_update_elem(untold_, &rule.id, &none, BPF_NOEXIST);
  if (bpf_map_update_elem(names_, &rule.id, &row, BPF_ANY) != 0)
    spdlog::warn("the name of the rule {} finds no room in the kernel", rule.name);
}

std::optional<rule::RuleInfo> RuleNames::Find(uint32_t rule) const {
  nsw_rule_name row{};
  if (bpf_map_lookup_elem(names_, &rule, &row) != 0) return std::nullopt;
  rule::RuleInfo info;
  info.id = rule;
  info.policy = TextOf(row.policy);
  info.name = TextOf(row.name);
  info.priority = static_cast<rule::Priority>(
      std::min<uint32_t>(row.priority, static_cast<uint32_t>(rule::Priority::kDebug)));
  info.mode = rule::Mode::kEnforce;
  info.is_deny = true;
  return info;
}

// The kernel only counts up, and the engine only writes down how far it has reported: so neither
// undoes what the other does.
uint64_t RuleNames::TakeOne(uint32_t rule) {
  uint64_t refused = 0;
  nsw_rule_name row{};
  if (bpf_map_lookup_elem(untold_, &rule, &refused) != 0) return 0;
  if (bpf_map_lookup_elem(names_, &rule, &row) != 0 || refused <= row.reported) return 0;
  taken_[rule] = refused;
  return refused - row.reported;
}

void RuleNames::Reported() {
  for (const auto& [rule, refused] : std::exchange(taken_, {})) NoteReported(rule, refused);
}

void RuleNames::ReportedBefore(const std::map<uint32_t, uint64_t>& counts) {
  for (const auto& [rule, counted] : counts) NoteReported(rule, counted);
}

void RuleNames::NoteReported(uint32_t rule, uint64_t counted) {
  nsw_rule_name row{};
  if (bpf_map_lookup_elem(names_, &rule, &row) != 0 || counted <= row.reported) return;
  row.reported = counted;
  bpf_map_update_elem(names_, &rule, &row, BPF_EXIST);
}

std::string RuleNames::counter() const {
  bpf_map_info info{};
  uint32_t size = sizeof info;
  const std::string boot = BootId();
  if (boot.empty() || bpf_obj_get_info_by_fd(untold_, &info, &size) != 0) return {};
  return boot + "/" + std::to_string(info.id);
}

// Asked every second. While a look-up of ours is under way the kernel skips the kprobes of whoever
// preempts it, so nothing is looked up where nothing has changed.
std::vector<Untold> RuleNames::Take() {
  if (!taken_.empty()) return {};
  const __u64 sum = sum_;
  if (std::exchange(sum_taken_, sum) == sum && added_.empty()) return {};
  std::map<uint32_t, uint64_t> found = std::exchange(added_, {});
  uint32_t next = 0;
  const uint32_t* previous = nullptr;
  for (uint32_t rule = 0; bpf_map_get_next_key(untold_, previous, &next) == 0; previous = &rule) {
    rule = next;
    if (const uint64_t fresh = TakeOne(rule); fresh != 0) found[rule] += fresh;
  }
  std::vector<Untold> all;
  for (const auto& [rule, refusals] : found) {
    const auto counted = taken_.find(rule);
    all.push_back({rule, refusals, counted == taken_.end() ? 0 : counted->second});
  }
  return all;
}

}  // namespace nsw::kernel
