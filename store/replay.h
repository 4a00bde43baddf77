// SPDX-License-Identifier: Apache-2.0
// Replay: a row of the history made an event again, to be judged as if it happened now. What the
// row does not tell stays unknown: of ancestors the parent alone is there, of containers no labels;
// a row that stands for many acts has the first one's incidentals. Used by one thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/event/event.h"
#include "store/history.h"

namespace nsw::store {

class Replay {
 public:
  /// False: the row is no event's, or its arguments cannot be read.
  [[nodiscard]] bool Take(const Row& row);

  /// Of the row taken last; valid until the next one. Its binding is in the caller's hands.
  [[nodiscard]] const event::Event& event() const { return event_; }
  container::Binding& binding() { return binding_; }

 private:
  nsw_header& header() { return *reinterpret_cast<nsw_header*>(words_.data()); }
  void Head(const Row& row, event::Type type);
  [[nodiscard]] bool Put(const event::RecordField& field, const nlohmann::json& value);
  void PutNumber(const event::RecordField& field, uint64_t number);
  void PutText(const event::RecordField& field, const std::string& text);
  void Bind(const Row& row);

  std::vector<uint64_t> words_;  // the record
  event::Event event_;
  event::Process process_;
  event::Process parent_;
  container::Binding binding_;
};

}  // namespace nsw::store
