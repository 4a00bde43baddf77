// SPDX-License-Identifier: Apache-2.0
// A batch: what the pipeline's thread hands to the writer's: new rows, counts of rows that are
// there, alerts, operations, names. Filled under the writer's mutex by one side, then owned by the
// other; the two never share one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/alert/alert.h"
#include "engine/container/registry.h"
#include "engine/event/event.h"

namespace nsw::store {

/// What a row says beside the event's record: who did it.
enum TextIndex : size_t {
  kContainerId,
  kContainerName,
  kImage,
  kK8sNamespace,
  kK8sPod,
  kExe,
  kName,
  kCmdline,
  kParent,
  kTexts
};
using RowTexts = std::array<std::string_view, kTexts>;

/// Views into the event's process, parent and container; long ones are cut at 4,096 bytes.
RowTexts TextsOf(const event::Event& event);
/// The container's part alone.
void AddContainerTexts(const container::Container& container, RowTexts& texts);

inline constexpr uint32_t kNoIndex = ~0U;

/// Start of a row in the batch; its record and texts follow.
struct NewRow {
  int64_t id = 0;
  uint64_t first_ns = 0;
  uint32_t count_at = kNoIndex;  ///< in counts(); none: once
  uint32_t alert_at = kNoIndex;  ///< in alerts: the row is that alert's
  int64_t rule = -1;             ///< id of the deny rule, none: -1
  alert::Verdict verdict = alert::Verdict::kNone;
  event::Type type = event::Type::kNone;
  uint32_t record_size = 0;
  std::array<uint16_t, kTexts> text_sizes{};

  [[nodiscard]] std::span<const std::byte> record() const;
  [[nodiscard]] RowTexts texts() const;
};

/// How often an act was repeated.
struct Count {
  int64_t row;
  uint64_t last_ns;
  uint64_t count;
  event::Type type;
  bool is_new;  ///< the row itself is in the batch
};

struct NewAlert {
  int64_t id;
  int64_t event_row;  ///< 0: none
  alert::Alert alert;
};

struct Operation {
  int64_t id = 0;
  uint64_t time_ns = 0;
  std::string what, detail;
  uint32_t uid, pid;
  uint64_t acts = 1;  ///< that it speaks of
  alert::Verdict verdict = alert::Verdict::kNone;
  int64_t rule = -1;     ///< id of the rule that gave the verdict; none: -1
  std::string counter;   ///< as in Refusals
  uint64_t counted = 0;  ///< as in Refusals
};

struct RuleName {
  uint32_t id;
  std::string name, policy;
};

struct NamedContainer {
  uint64_t home;
  std::array<std::string, kExe> texts;
};

class Batch {
 public:
  /// Bytes that a row of that event takes.
  static size_t RowBytes(const event::Event& event, const RowTexts& texts);
  void AddRow(const NewRow& row, const event::Event& event, const RowTexts& texts);
  /// Returns the position in counts().
  uint32_t AddCount(const Count& count);
  void Add(NewAlert alert);
  void Add(Operation operation);
  void Add(RuleName name);
  void Add(NamedContainer container);

  /// Once more of a row whose count is in this batch.
  void Repeat(uint32_t count_at, uint64_t time_ns) {
    Count& count = counts_[count_at];
    count.count++;
    if (time_ns > count.last_ns) count.last_ns = time_ns;
  }

  /// Rows in the order of AddRow, until `visit` returns false.
  bool ForEachRow(const std::function<bool(const NewRow&)>& visit) const;
  [[nodiscard]] const std::vector<Count>& counts() const { return counts_; }
  [[nodiscard]] const std::vector<NewAlert>& alerts() const { return alerts_; }
  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  [[nodiscard]] const std::vector<RuleName>& rules() const { return rules_; }
  [[nodiscard]] const std::vector<NamedContainer>& containers() const { return containers_; }

  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  /// Memory in use.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  /// Empties it; keeps memory for about as much as it held.
  void Clear();

  uint64_t events = 0;  ///< acts that it tells of; kept by the writer
  std::array<uint64_t, static_cast<size_t>(event::Type::kCount)> by_type{};  ///< so, by type
  uint64_t oldest_ns = 0;  ///< when the first of them was; kept by the writer

 private:
  void Reserve(size_t more);

  std::unique_ptr<std::byte[]> rows_;
  size_t used_ = 0;
  size_t capacity_ = 0;
  size_t bytes_ = 0;
  std::vector<Count> counts_;
  std::vector<NewAlert> alerts_;
  std::vector<Operation> operations_;
  std::vector<RuleName> rules_;
  std::vector<NamedContainer> containers_;
};

}  // namespace nsw::store
