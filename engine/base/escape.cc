// SPDX-License-Identifier: Apache-2.0
#include "engine/base/escape.h"

#include <array>
#include <cstdint>
#include <cstdio>

namespace nsw {
namespace {

uint32_t Decode(std::string_view character) {
  static constexpr std::array<uint8_t, 5> kFirst{0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t code = static_cast<uint8_t>(character[0]) & kFirst[character.size()];
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<uint8_t>(c) & 0x3f);
  return code;
}

// C1 controls, line and paragraph separators, marks that change the direction of writing, and
// those that nobody sees.
bool IsHidden(uint32_t code) {
  return (code >= 0x80 && code <= 0x9f) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

void AppendByte(std::string& out, uint8_t byte) {
  char text[8];
  snprintf(text, sizeof text, "\\x%02x", byte);
  out += text;
}

void AppendAscii(std::string& out, char c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\\') {
    out += "\\\\";
  } else if (c < 0x20 || c == 0x7f) {
    AppendByte(out, static_cast<uint8_t>(c));
  } else {
    out += c;
  }
}

}  // namespace

size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const uint32_t code = Decode(text.substr(0, length));
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length <= 1) {
      if (length == 1) AppendAscii(out, text[0]);
      if (length == 0) AppendByte(out, static_cast<uint8_t>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const uint32_t code = Decode(text.substr(0, length));
    char hidden[16];
    snprintf(hidden, sizeof hidden, "\\u%04x", code);
    out += IsHidden(code) ? std::string_view(hidden) : text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace nsw
