// SPDX-License-Identifier: Apache-2.0
// The rows of the field table, by group, and what their getters share. Seen by field.cc and the
// fields_*.cc alone: to add a field, add a row to the group's file.
#pragma once

#include <cstdio>
#include <span>

#include "engine/event/field.h"

namespace nsw::event {

/// One more name for a field of a record.
struct Alias {
  std::string_view rule_field;
  Type event;
  std::string_view name;  ///< in events.def
};
std::span<const Alias> Aliases();  // fields_fs.cc

std::span<const Field> EventFields();      // evt.*, fields_event.cc
std::span<const Field> FileFields();       // fd.*, fields_fd.cc
std::span<const Field> ProcessFields();    // proc.*, user.*, fields_process.cc
std::span<const Field> ContainerFields();  // container.*, k8s.*, fields_container.cc

/// The parameters of a getter in a row: field f, event e, index n, scratch s.
#define NSW_GETTER                                                                               \
  [[maybe_unused]] const Field &f, [[maybe_unused]] const Event &e, [[maybe_unused]] uint32_t n, \
      [[maybe_unused]] Scratch &s

constexpr uint64_t Bit(Type type) { return EventBits(type); }

/// The number of a field that is one, without sign unless it has one.
int64_t RecordNumber(const RecordField& field, const Event& event);
/// The value of a field as it lies in the record; absent where this event has no such field.
Value RecordValue(const Field& field, const Event& event, uint32_t index, Scratch& scratch);

/// A formatted text in `scratch`; cut if it does not fit.
template <typename... Args>
Value Print(Scratch& scratch, const char* format, Args... args) {
  const int n = snprintf(scratch.text.data(), scratch.text.size(), format, args...);
  if (n < 0) return Value::Absent();
  const size_t length = std::min(static_cast<size_t>(n), scratch.text.size() - 1);
  return Value::Text({scratch.text.data(), length});
}

/// The position among an event's texts of the field `name`, known when compiling:
/// TextOf(Type::k_open, "path").
size_t TextOf(Type type, std::string_view name);

inline Value TextOrAbsent(std::string_view text) {
  return text.empty() ? Value::Absent() : Value::Text(text);
}

}  // namespace nsw::event
