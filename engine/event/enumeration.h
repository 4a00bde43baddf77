// SPDX-License-Identifier: Apache-2.0
// Numbers of system calls by their names, in Falco's spelling: what rules compare and people read.
// THE tables are in enumerations.def; events.def says which field is shown by which. Pure; any
// thread; cannot fail.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nsw::event {

struct NamedValue {
  uint64_t mask;  ///< the bits that it speaks of
  uint64_t value;
  std::string_view name;
};

struct Enumeration {
  bool flags;  ///< several names may hold at once: joined by |
  std::span<const NamedValue> values;
};

/// The text of a number, written to `room` where it is none of the table's own; bits without a name
/// follow in hexadecimal. Without an enumeration the number itself.
std::string_view NameOf(const Enumeration* names, int64_t number, std::span<char> room);

/// The number that NameOf shows as `text`; nothing where it is none of its texts.
std::optional<int64_t> NumberOf(const Enumeration& names, std::string_view text);

/// Whether `word` is a name of it, or several joined by |.
bool HasName(const Enumeration& names, std::string_view word);

/// Whether `part` can be inside of what NameOf shows; `folded`: with ASCII case left aside.
bool HasPart(const Enumeration& names, std::string_view part, bool folded);

#define ENUMERATION(name, kind) inline constexpr NamedValue kValues_##name[] = {
#define NAME(value, name) {~0ULL, value, #name},
#define FLAG(bits, name) {bits, bits, #name},
#define PART(mask, value, name) {mask, value, #name},
#define END \
  }         \
  ;
#include "engine/event/enumerations.def"

#define ENUMERATION(name, kind) \
  inline constexpr Enumeration kEnumeration_##name{kind, kValues_##name};
#define NAME(...)
#define FLAG(...)
#define PART(...)
#define END
#include "engine/event/enumerations.def"

// As events.def names them: a pointer each.
inline constexpr const Enumeration* kNames_none = nullptr;
#define ENUMERATION(name, kind) \
  inline constexpr const Enumeration* kNames_##name = &kEnumeration_##name;
#define NAME(...)
#define FLAG(...)
#define PART(...)
#define END
#include "engine/event/enumerations.def"

}  // namespace nsw::event
