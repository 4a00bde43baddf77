// SPDX-License-Identifier: Apache-2.0
// What a system call of a host process costs: without nswarden, with it, and with programs that do
// nothing on the same hooks. Means something only in a guest whose clock counts instructions.
#pragma once

#include "engine/base/result.h"

namespace nsw::bench {

/// Prints the figures, `ok` or `not ok` where there is a limit. Needs root. The value: whether all
/// limits are kept. Error: something could not be loaded.
Result<bool> MeasureCost();

}  // namespace nsw::bench
