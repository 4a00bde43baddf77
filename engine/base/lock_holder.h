// SPDX-License-Identifier: Apache-2.0
// Who is in the way.
#pragma once

#include <sys/types.h>

namespace nsw {

/// The process that holds the flock(2) of an open file; 0 where the kernel does not tell.
pid_t LockHolder(int fd);

}  // namespace nsw
