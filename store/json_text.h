// SPDX-License-Identifier: Apache-2.0
// Putting JSON together without a tree: for details, written for each new row, and for output.
#pragma once

#include <string>
#include <string_view>

namespace nsw::store {

/// Appends `text` in quotes. Control characters, quotes and backslashes are escaped; bytes above
/// 0x7f stay as they are, whether UTF-8 or not, so that nothing of a name is lost in the file.
void AppendJson(std::string& out, std::string_view text);

/// The bytes of the first character of `text` if it is well-formed UTF-8, else 0.
size_t Utf8Length(std::string_view text);

/// `text` with each byte that is not UTF-8 replaced by U+FFFD, and with the characters escaped that
/// steer a terminal though they are above 0x7f. `text` is JSON; the result is, too.
std::string PrintableJson(std::string_view text);

}  // namespace nsw::store
