// SPDX-License-Identifier: Apache-2.0
// What decoding must survive: any bytes, and then a question for every field.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "engine/event/event.h"
#include "engine/event/field.h"

namespace nsw::fuzz {

class NoProcesses final : public event::ProcessReader {
 public:
  bool Read(uint32_t, event::Process&) const override { return false; }
};

/// Decodes, binds and reads every field in its place. True if it was a record. What
/// is read out of bounds is the sanitizer's to find.
inline bool DecodeAndAsk(std::span<const std::byte> record) {
  static const NoProcesses reader;
  static event::Event event;
  if (event::Decode(record, event) != event::DecodeError::kNone) return false;
  event::ProcessTable processes(reader, 64);
  processes.Bind(event);
  event::Scratch scratch;
  size_t sum = 0;
  for (const event::Field& field : event::Fields()) {
    if ((field.events >> event.header().type & 1) == 0) continue;
    const event::Value value = field.get(field, event, 1, scratch);
    for (const char c : event::ToText(field, value)) sum += static_cast<unsigned char>(c);
  }
  asm volatile("" : : "r"(sum));  // the texts are really read
  return true;
}

}  // namespace nsw::fuzz
