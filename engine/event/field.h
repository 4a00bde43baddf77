// SPDX-License-Identifier: Apache-2.0
// THE table of rule fields. Rules, JSON (output_fields), `nswarden fields` and the docs follow from
// it. A field that is in events.def needs nothing here; one that is derived is a row in
// field_table.cc: name, type, doc, getter.
//
// Getters allocate nothing: a text is a view into the event, the process table, the container, or
// `Scratch`.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event/event.h"

namespace nsw::event {

/// kNamed: a number that is shown and compared by its name ("PTRACE_ATTACH", "O_CREAT|O_RDWR"), and
/// by itself where a rule gives a number.
enum class FieldType : uint8_t { kString, kNumber, kBool, kAddress, kNamed };

/// Memory for texts that a getter puts together (fd.name of a connection, proc.aname[2]); one for
/// each evaluation.
struct Scratch {
  std::array<char, 1024> text;
};

/// Known: there is a value. Absent: the field does not apply to this event (a comparison with it is
/// false). Unknown: it applies, but what it says is not known yet (metadata on its way): the
/// condition is neither true nor false.
enum class Presence : uint8_t { kKnown, kAbsent, kUnknown };

struct Value {
  Presence presence = Presence::kAbsent;
  int64_t number = 0;       ///< kNumber, kNamed, kBool (0 or 1)
  std::string_view text{};  ///< kString, kNamed
  nsw_addr address{};       ///< kAddress

  static Value Absent() { return {}; }
  static Value Unknown() { return {Presence::kUnknown, 0, {}, {}}; }
  static Value Number(int64_t n) { return {Presence::kKnown, n, {}, {}}; }
  static Value Named(int64_t n, std::string_view t) { return {Presence::kKnown, n, t, {}}; }
  static Value Text(std::string_view t) { return {Presence::kKnown, 0, t, {}}; }
  static Value Address(const nsw_addr& a) { return {Presence::kKnown, 0, {}, a}; }
};

struct Field;
using Getter = Value (*)(const Field& field, const Event& event, uint32_t index, Scratch& scratch);

struct Field {
  std::string_view name;  ///< "proc.name"; an indexed one without its bracket: "proc.aname"
  FieldType type = FieldType::kString;
  Getter get = nullptr;
  std::string_view doc;
  bool indexed = false;           ///< takes [n]
  bool kernel_decidable = false;  ///< may stand in the condition of a rule with `action: deny`
  bool untrusted =
      false;  ///< user space can write what it likes there; never the sole ground of a deny
  /// Bit per nsw_event: where it can be present. `get` is called for no other: it looks into the
  /// event's own struct.
  uint64_t events = ~0ULL;
  /// Of a field from events.def: where it lies in each event that has it; null elsewhere.
  std::array<const RecordField*, NSW_EVENT_COUNT> record{};
  /// Takes [KEY] or .KEY, whose number (KeyNumber) the getter gets as its index.
  bool keyed = false;
  /// Bits of nsw_settings.wanted without which the kernel leaves it out.
  uint64_t wants = 0;
  /// The form in which the getter tells what people may write in several: both sides of = != in and
  /// intersects are of this form. Null: as it is written.
  std::string_view (*form)(std::string_view) = nullptr;
};

/// All fields, in the order of `nswarden fields`.
std::span<const Field> Fields();
/// Null when there is none. The pointer is valid for ever.
const Field* FindField(std::string_view name);
/// A keyed field whose key follows as a further word, "container.label.app"; null when there is
/// none.
const Field* FindKeyed(std::string_view name, std::string_view& key);
/// The field whose name is nearest, for a hint; "" if none is near.
std::string_view NearestField(std::string_view name);

/// Whether `word` is a name that a kNamed field can have in some event, or a number.
bool KnowsName(const Field& field, std::string_view word);
/// Whether `part` can be inside of such a name; `folded`: with ASCII case left aside.
bool KnowsPart(const Field& field, std::string_view part, bool folded);
/// A number for a key of a keyed field, the same for the same text, for ever; and back. Any thread.
/// The number of keys is bounded by what policies say: asked for when they are compiled.
uint32_t KeyNumber(std::string_view key);
const std::string& KeyOf(uint32_t number);

/// A value as rules and people see it. Addresses in their usual text, booleans true/false, an
/// absent one as "<NA>".
std::string ToText(const Field& field, const Value& value);

}  // namespace nsw::event
