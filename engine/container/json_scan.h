// SPDX-License-Identifier: Apache-2.0
// ScanJson: visits the single values of a JSON text with the keys that lead to them, and keeps
// nothing. For texts of runtimes, which may be huge, cut off or hostile. Throws nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace nsw::container {

struct JsonScalar {
  enum class Kind { kNull, kBool, kNumber, kText };
  Kind kind = Kind::kNull;
  int64_t number = 0;       ///< kNumber (a fraction is cut off), kBool
  std::string_view text{};  ///< kText; valid during the visit
};

/// Keys from the outside in; a value in an array has the key "" there.
using JsonPath = std::span<const std::string>;
using JsonVisit = std::function<void(JsonPath, const JsonScalar&)>;

/// Visits values up to the first mistake in the text. False if there was one, or the text ended too
/// early, or it has more than 64 levels or two million values. Values more than 8 levels deep are
/// passed over.
bool ScanJson(std::string_view text, const JsonVisit& visit);

}  // namespace nsw::container
