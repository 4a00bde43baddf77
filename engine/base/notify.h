// SPDX-License-Identifier: Apache-2.0
// What a service manager is told: systemd's sd_notify protocol, without its library. Any thread.
#pragma once

#include <string_view>

namespace nsw {

/// Sends "READY=1", "STOPPING=1", "STATUS=..." to the socket that NOTIFY_SOCKET names. Nothing
/// happens where there is none, and a manager that does not listen is not an error.
void NotifyManager(std::string_view state);

/// Sends "WATCHDOG=1", if the manager waits for that from this process (WatchdogSec= of the unit).
void NotifyWatchdog();

}  // namespace nsw
