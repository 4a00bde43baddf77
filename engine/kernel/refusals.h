// SPDX-License-Identifier: Apache-2.0
// Refusals: kinds of acts that are to be refused, or that a program can refuse.
#pragma once

#include <cstdint>

namespace nsw::kernel {

struct Refusals {
  uint32_t classes = 0;     ///< bit per nsw_class
  uint32_t operations = 0;  ///< bit per nsw_operation

  [[nodiscard]] bool empty() const { return classes == 0 && operations == 0; }
  [[nodiscard]] Refusals With(const Refusals& other) const {
    return {classes | other.classes, operations | other.operations};
  }
  [[nodiscard]] Refusals Without(const Refusals& other) const {
    return {classes & ~other.classes, operations & ~other.operations};
  }
  /// Whether they have any in common.
  [[nodiscard]] bool Meets(const Refusals& other) const {
    return (classes & other.classes) != 0 || (operations & other.operations) != 0;
  }
};

}  // namespace nsw::kernel
