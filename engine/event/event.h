// SPDX-License-Identifier: Apache-2.0
// Event: a decoded record. Its texts are views into the record or into the Event's own buffers; it
// lives as long as both. Reused from record to record: decoding allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "bpf/abi.h"
#include "engine/container/registry.h"
#include "engine/event/enumeration.h"
#include "engine/event/process.h"

namespace nsw::event {

enum class Type : uint16_t {
  kNone = 0,
#define EVENT(NAME, name, ...) k_##name,
#define FIELD(...)
#define END
#include "bpf/events.def"
  kCount
};

/// How a field of a record is encoded: NSW_* of abi.h.
enum class Encoding : uint8_t { U64, S64, U32, S32, U16, ADDR, STR, PATH, ARGS };

/// One field of one event, as events.def has it.
struct RecordField {
  Type event;
  Encoding encoding;
  uint16_t offset;  ///< in the event's struct
  uint8_t text;     ///< position among the event's texts, where it is one
  std::string_view name;
  std::string_view rule_field;
  const Enumeration* names;  ///< by which its numbers are shown and compared; null: as numbers
  std::string_view doc;
};

/// Every field of every event, in the order of the table.
std::span<const RecordField> RecordFields();

/// What the history does with an event: events.def.
enum class History : uint8_t { ALWAYS, KEPT, NOISY };

struct EventInfo {
  std::string_view name;   ///< "open"
  std::string_view falco;  ///< "openat"
  uint16_t size;           ///< of the fixed part
  nsw_ring ring;
  History history;
  std::string_view object;  ///< names of the fields that tell what was acted on, blanks between
  std::string_view doc;
};
/// By event type; kNone is empty.
const EventInfo& Info(Type type);
/// What stands for a kind of event in a set of them, as in nsw_settings.wanted: its bit, of opens
/// and connects two.
constexpr uint64_t EventBits(Type type) {
  const uint64_t bit = 1ULL << static_cast<unsigned>(type);
  if (type == Type::k_connect) return bit | NSW_WANT_ANY_PORT;
  return type == Type::k_open ? bit | NSW_WANT_READS : bit;
}
/// Bit per nsw_event: those of which `history` is one of these.
uint64_t EventsOf(std::initializer_list<History> histories);
/// The event of that name ("open"); kNone if there is none.
Type FindType(std::string_view name);
/// Name of a system call by its row in syscalls.def; "" for none.
std::string_view SyscallName(uint16_t row);

/// Why a record was not decoded. Each is counted.
enum class DecodeError : uint8_t { kNone, kShort, kBadSize, kBadType, kBadText };

class Event {
 public:
  static constexpr size_t kMaxTexts = 8;

  [[nodiscard]] Type type() const { return static_cast<Type>(header().type); }
  [[nodiscard]] const nsw_header& header() const {
    return *reinterpret_cast<const nsw_header*>(record_.data());
  }
  [[nodiscard]] std::span<const std::byte> record() const { return record_; }
  /// The event's own struct: `event.as<nsw_event_open>().flags`. The caller has looked at type().
  template <typename Struct>
  [[nodiscard]] const Struct& as() const {
    return *reinterpret_cast<const Struct*>(record_.data());
  }
  /// The i-th text of the event, in the table's order. PATH is turned round: "/etc/passwd". ARGS
  /// keeps its NULs.
  [[nodiscard]] std::string_view text(size_t i) const { return texts_[i]; }
  /// Of an ARGS field: the arguments after the first, joined by spaces; as asked for, even where
  /// the exec failed. Empty where the event has none.
  [[nodiscard]] std::string_view arguments() const { return arguments_; }
  [[nodiscard]] bool has_flag(nsw_flag flag) const { return (header().flags & flag) != 0; }
  /// evt.type: the system call's name, else the event's Falco name.
  [[nodiscard]] std::string_view type_name() const;
  [[nodiscard]] bool failed() const { return header().result < 0; }

  // What the pipeline binds. Null where unknown.
  const Process* process = nullptr;
  const Process* parent = nullptr;
  const ProcessTable* processes = nullptr;      ///< for ancestors further up
  const container::Binding* binding = nullptr;  ///< null: a process of the host
  uint64_t number = 0;                          ///< evt.num, counts decoded events since start
  uint64_t real_time_ns = 0;

 private:
  friend DecodeError Decode(std::span<const std::byte> record, Event& event);
  std::span<const std::byte> record_;
  std::array<std::string_view, kMaxTexts> texts_;
  std::string_view arguments_;
  // PATHs turned round and ARGS joined, one after the other.
  static constexpr size_t kMaxRewritten = 4;
  // Twice: a path and what it is put together of.
  std::array<char, 3 * kMaxRewritten*(NSW_TEXT_MAX + 2)> rewritten_;
};

/// Decodes one record, which is treated as hostile: every length and offset is checked. `record`
/// must be aligned to 8. On an error the event must not be used.
[[nodiscard]] DecodeError Decode(std::span<const std::byte> record, Event& event);

}  // namespace nsw::event
