// SPDX-License-Identifier: Apache-2.0
#include "store/when.h"

#include <cstring>
#include <ctime>
#include <optional>
#include <string>

#include "engine/base/text.h"

namespace nsw::store {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

tl::unexpected<Error> FailWhen(std::string_view text) {
  return Fail("'" + std::string(text) +
              "' is no time; give a time ago (30s, 10m, 1h, 2d), RFC 3339 (2026-01-31T12:00:00Z) "
              "or local time (2026-01-31 12:00)");
}

// Reads exactly `format`; strptime alone takes a day 31 of any month.
const char* ReadDate(const char* text, const char* format, tm& out) {
  out = {};
  const char* end = strptime(text, format, &out);
  if (end == nullptr) return nullptr;
  tm normal = out;
  normal.tm_isdst = 0;
  if (timegm(&normal) < 0 || normal.tm_mday != out.tm_mday || out.tm_sec > 59) return nullptr;
  return end;
}

// ".123456789", as ns; moves `at` behind it.
uint64_t Fraction(const char*& at) {
  if (*at != '.') return 0;
  uint64_t ns = 0;
  uint64_t digit = kSecond / 10;
  for (at++; *at >= '0' && *at <= '9'; at++, digit /= 10) {
    ns += static_cast<uint64_t>(*at - '0') * digit;
  }
  return ns;
}

// "Z" or "+01:00" as seconds east of UTC; nothing else may follow.
std::optional<int64_t> Offset(const char* at) {
  if ((*at == 'Z' || *at == 'z') && at[1] == '\0') return 0;
  unsigned hours = 0;
  unsigned minutes = 0;
  int used = 0;
  if (std::strlen(at) != 6 || (*at != '+' && *at != '-') ||
      sscanf(at + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 || used != 5 || hours > 23 ||
      minutes > 59) {
    return std::nullopt;
  }
  const int64_t seconds = hours * 3600 + minutes * 60;
  return *at == '-' ? -seconds : seconds;
}

std::optional<uint64_t> ParseRfc3339(const std::string& text) {
  tm date{};
  const char* at = ReadDate(text.c_str(), "%Y-%m-%dT%H:%M:%S", date);
  if (at == nullptr) return std::nullopt;
  const uint64_t ns = Fraction(at);
  const auto offset = Offset(at);
  if (!offset) return std::nullopt;
  const int64_t seconds = timegm(&date) - *offset;
  if (seconds < 0) return std::nullopt;
  return static_cast<uint64_t>(seconds) * kSecond + ns;
}

std::optional<uint64_t> ParseLocal(const std::string& text) {
  for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    tm date{};
    const char* end = ReadDate(text.c_str(), format, date);
    if (end == nullptr || *end != '\0') continue;
    date.tm_isdst = -1;
    const time_t seconds = mktime(&date);
    if (seconds >= 0) return static_cast<uint64_t>(seconds) * kSecond;
  }
  return std::nullopt;
}

}  // namespace

Result<uint64_t> ParseWhen(std::string_view text, uint64_t now_ns) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return FailWhen(text);
  if (const auto time = ParseRfc3339(copy)) return *time;
  if (const auto time = ParseLocal(copy)) return *time;
  const auto ago = ParseDuration(text);
  if (!ago) return FailWhen(text);
  return *ago < now_ns ? now_ns - *ago : 0;
}

}  // namespace nsw::store
