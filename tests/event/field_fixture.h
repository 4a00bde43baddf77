// SPDX-License-Identifier: Apache-2.0
// One decoded event and its fields, for tests of the field table.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <set>
#include "engine/event/address.h"
#include "engine/event/field.h"
#include "tests/support/fakes.h"
#include "tests/support/record_builder.h"

namespace nsw::event {

using test::Bytes;

constexpr const char* kNone = "<NA>";
constexpr const char* kUnknown = "<unknown>";

class FieldTest : public testing::Test {
 protected:
  template <typename Builder>
  void Take(Builder builder) {
    bytes_ = builder.Build();
    ASSERT_EQ(Decode(bytes_, event_), DecodeError::kNone);
    table_.Bind(event_);
    event_.number = 42;
    event_.real_time_ns = 1'769'860'800'000'000'001;
  }
  // As the matcher asks: only where the field can be present.
  Value Get(std::string_view name, uint32_t index = 0) {
    const Field* field = FindField(name);
    if (field == nullptr) {
      ADD_FAILURE() << name << " is no field";
      return {};
    }
    if ((field->events >> event_.header().type & 1) == 0) return Value::Absent();
    return field->get(*field, event_, index, scratch_);
  }
  std::string Text(std::string_view name, uint32_t index = 0) {
    const Value value = Get(name, index);
    if (value.presence == Presence::kUnknown) return kUnknown;
    return FindField(name) == nullptr ? "no field" : ToText(*FindField(name), value);
  }

  test::FakeProcessReader proc_;
  ProcessTable table_{proc_};
  container::Binding binding_;
  Scratch scratch_{};
  Bytes bytes_;
  Event event_;
};

}  // namespace nsw::event
