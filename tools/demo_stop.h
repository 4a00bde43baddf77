// SPDX-License-Identifier: Apache-2.0
// An interrupt of the demo: it goes on to its end and cleans up, without doing what is left of its
// acts.
#pragma once

namespace nsw::tools {

/// From now on SIGINT and SIGTERM are remembered; a system call that waits returns with EINTR.
void CatchStop();

/// Whether one came.
bool ToldToStop();

}  // namespace nsw::tools
