// SPDX-License-Identifier: Apache-2.0
// What the history keeps of an event, told from the event table alone: a new event or field needs
// no code here. Called by the fold table (pipeline's thread) and by the batch writer (its own).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/event/event.h"

namespace nsw::store {

/// What of an event's own struct tells two acts apart: byte ranges of numbers, and texts.
struct KeyLayout {
  struct Range {
    uint16_t offset;
    uint16_t size;
  };
  std::vector<Range> numbers;
  std::vector<uint8_t> texts;
  bool folds = false;  ///< false: each is a row of its own
};
const KeyLayout& LayoutOf(event::Type type);

/// Appends the object of the act: the fields that events.def names, or the file, ADDRESS:PORT, a
/// socket's path. Where the kernel resolved no file, what the caller wrote.
void AppendObject(const event::Event& event, std::string& out);

/// Appends the event's arguments as one JSON object; empty texts and zeros are left out.
void AppendDetail(const event::Event& event, std::string& out);

}  // namespace nsw::store
