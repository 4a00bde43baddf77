// SPDX-License-Identifier: Apache-2.0
#include "engine/base/file_system.h"

#include <algorithm>
#include <array>

namespace nsw {

bool AnswersByItself(std::string_view type) {
  constexpr std::array<std::string_view, 7> kSlow{"fuse", "nfs", "cifs",  "smb",
                                                  "ceph", "afs", "lustre"};
  return !type.empty() &&
         std::ranges::none_of(kSlow, [&](std::string_view slow) { return type.starts_with(slow); });
}

}  // namespace nsw
