// SPDX-License-Identifier: Apache-2.0
// Asking an event for a field. A getter may look into the struct of the events that the field is
// for, and only of those.
#pragma once

#include "engine/event/field.h"

namespace nsw::rule {

inline event::Value ValueOf(const event::Field& field, const event::Event& event, uint32_t index,
                            event::Scratch& scratch) {
  if ((field.events >> event.header().type & 1) == 0) return event::Value::Absent();
  return field.get(field, event, index, scratch);
}

}  // namespace nsw::rule
