// SPDX-License-Identifier: Apache-2.0
// The kernel's file systems that tracing and enforcement need. Mounted where they are missing; what
// fails shows in the feature probe.
#pragma once

namespace nsw {

void MountKernelFileSystems();

}  // namespace nsw
