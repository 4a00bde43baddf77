// SPDX-License-Identifier: Apache-2.0
#include "engine/base/text.h"

#include <array>
#include <charconv>
#include <span>

namespace nsw {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 5> kTimes{{{"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 4> kSizes{
    {{"", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

Result<uint64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units,
                               const char* accepted) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    uint64_t product = 0;
    if (error != std::errc{} || rest != unit.name) continue;
    if (!__builtin_mul_overflow(number, unit.factor, &product)) return product;
  }
  return Fail("'" + std::string(text) + "' is not " + accepted);
}

}  // namespace

Result<uint64_t> ParseDuration(std::string_view text) {
  return ParseWithUnit(text, kTimes,
                       "a duration; write a whole number and ms, s, m, h or d, such as 10m");
}

Result<uint64_t> ParseSize(std::string_view text) {
  return ParseWithUnit(
      text, kSizes,
      "a size; write a whole number of bytes, or one with KiB, MiB or GiB, such as 2GiB");
}

std::string DurationText(uint64_t ns) {
  std::string text;
  int shown = 0;
  for (auto unit = kTimes.rbegin(); unit != kTimes.rend() && shown < 2; ++unit) {
    const uint64_t n = ns / unit->factor;
    if (n == 0) continue;
    if (shown++ > 0) text += ' ';
    text += std::to_string(n) + std::string(unit->name);
    ns %= unit->factor;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace nsw
