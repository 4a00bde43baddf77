// SPDX-License-Identifier: Apache-2.0
// What is known of a kind of file system by its name.
#pragma once

#include <string_view>

namespace nsw {

/// False where somebody else than this kernel answers, who may let one wait for ever: FUSE, and
/// what is on other machines. `type`: as in mountinfo, "fuse.sshfs". False for "".
[[nodiscard]] bool AnswersByItself(std::string_view type);

}  // namespace nsw
