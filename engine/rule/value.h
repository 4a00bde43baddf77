// SPDX-License-Identifier: Apache-2.0
// Asking an event for a field. A getter may look into the struct of the events that the field is
// for, and only of those.
#pragma once

#include <new>

#include "engine/event/field.h"

namespace nsw::rule {

inline event::Value ValueOf(const event::Field& field, const event::Event& event, uint32_t index,
                            event::Scratch& scratch) {
  if ((field.events >> event.header().type & 1) == 0) return event::Value::Absent();
  return field.get(field, event, index, scratch);
}

/// Reads the fields of one event. Keeps the last value: the checks of a condition ask for one field
/// again and again.
class ValueReader {
 public:
  explicit ValueReader(const event::Event& event) : event_(event) {}

  [[nodiscard]] const event::Event& event() const { return event_; }
  /// Valid until the next call.
  const event::Value& Get(const event::Field& field, uint32_t index) {
    if (field_ != &field || index_ != index) {
      // Built in place: a copy would wait for the getter's writes.
      new (&value_) event::Value(ValueOf(field, event_, index, scratch_));
      field_ = &field;
      index_ = index;
    }
    return value_;
  }

 private:
  const event::Event& event_;
  const event::Field* field_ = nullptr;
  uint32_t index_ = 0;
  event::Value value_;
  event::Scratch scratch_;
};

}  // namespace nsw::rule
