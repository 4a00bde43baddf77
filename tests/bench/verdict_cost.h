// SPDX-License-Identifier: Apache-2.0
// What an open in a container costs with the LSM programs: where no rule of its policies is about
// files, and with many that are. Means something only in a guest whose clock counts instructions.
#pragma once

#include "engine/base/result.h"

namespace nsw::bench {

/// Prints the figures, with `ok` or `not ok`. Needs root, and a kernel that can refuse. The value:
/// whether all limits are kept.
Result<bool> MeasureVerdictCost();

}  // namespace nsw::bench
