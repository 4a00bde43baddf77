// SPDX-License-Identifier: Apache-2.0
// What this host is called.
#pragma once

#include <string>

namespace nsw {

/// As gethostname gives it; "localhost" when it gives nothing.
std::string HostName();

/// Different after each boot; "" where the kernel does not tell.
std::string BootId();

}  // namespace nsw
