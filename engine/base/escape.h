// SPDX-License-Identifier: Apache-2.0
// Names come from containers: they may hold line ends, terminal escapes, text that runs backwards
// and bytes that are no text at all. What prints them for people makes them harmless here.
#pragma once

#include <string>
#include <string_view>

namespace nsw {

/// One printable line that says exactly which bytes there were: control characters and bytes that
/// are not UTF-8 as \n, \t, \r or \xHH, characters that steer a terminal or the direction of
/// writing as \uHHHH, a backslash as two.
std::string Escape(std::string_view text);

/// Length of the UTF-8 character at the start of `text`, 1 to 4; 0 if there is none.
size_t Utf8Length(std::string_view text);

}  // namespace nsw
