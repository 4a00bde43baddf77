// SPDX-License-Identifier: Apache-2.0
// DenyMatcher: what a plan says of an act. Decides as the kernel does, where the kernel cannot, and
// for what a stricter policy would have refused; the reference that the kernel's verdicts are
// tested against. Immutable; asking it allocates nothing.
//
// It knows an object by its resolved path alone, not by its inode: where a literal path is a link,
// only the kernel sees that the file behind it is meant.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/rule/deny_act.h"
#include "engine/rule/deny_plan.h"
#include "engine/rule/string_set.h"

namespace nsw::rule {

/// `rule` 0: permitted.
struct DenyVerdict {
  uint32_t rule = 0;
  nsw_verdict_code mode = NSW_VERDICT_NONE;
  DenyAction action = DenyAction::kRefuse;
  bool absence = false;  ///< from an allow list

  /// Whether it speaks before `other`, which comes later in order.
  [[nodiscard]] bool Before(const DenyVerdict& other) const;
};

/// Whether an object of that path is found under a key.
bool HasPath(const DenyKey& key, std::string_view path);

class DenyMatcher {
 public:
  DenyMatcher() = default;
  explicit DenyMatcher(std::shared_ptr<const DenyPlan> plan);

  /// `running`: bit per policy of the plan: its startup phase is over. Policies without one are
  /// always running.
  [[nodiscard]] DenyVerdict Match(const DenyAct& act, const DenyActor& actor,
                                  uint64_t running = ~0ULL) const;

  [[nodiscard]] bool empty() const { return classes_ == 0; }

 private:
  /// A hole of an entry, or where `exception` is null the entry itself.
  struct Ref {
    const DenyEntry* entry;
    const DenyException* exception;
  };
  struct Net {
    NetRange range;
    Ref ref;
  };
  struct Shape {
    DenyKind kind;
    size_t depth;
    uint8_t hole;
    auto operator<=>(const Shape&) const = default;
  };
  struct Asked;
  using Texts = std::unordered_map<std::string, std::vector<Ref>, TextHash, std::equal_to<>>;
  using Numbers = std::unordered_map<uint32_t, std::vector<Ref>>;

  void Add(const DenyKey& key, Ref ref);
  [[nodiscard]] const Texts& Of(DenyKind kind) const { return texts_[static_cast<size_t>(kind)]; }
  [[nodiscard]] bool Holds(const DenyCondition& condition, uint16_t policy,
                           const Asked& asked) const;
  [[nodiscard]] bool InGroup(uint16_t group, std::string_view exe) const;
  void Hit(std::span<const Ref> refs, const Asked& asked) const;
  void Look(DenyKind kind, std::string_view key, const Asked& asked) const;
  void LookNumber(DenyKind kind, uint32_t number, const Asked& asked) const;
  void LookPath(const Asked& asked) const;
  void LookHoles(const Asked& asked) const;
  void LookNet(const Asked& asked) const;
  void LookNumbers(const Asked& asked) const;
  [[nodiscard]] DenyVerdict Conclude(const Asked& asked) const;

  std::shared_ptr<const DenyPlan> plan_;
  uint32_t classes_ = 0;
  std::array<Texts, 12> texts_;      // by kind
  std::array<Numbers, 12> numbers_;  // by kind
  std::set<size_t> suffixes_;        // lengths
  std::set<Shape> shapes_;
  std::vector<Net> nets_;
};

}  // namespace nsw::rule
