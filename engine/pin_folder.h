// SPDX-License-Identifier: Apache-2.0
// Where what outlives the engine is, and who else looks there: `nswarden stop --remove` and
// `release --all` where no engine runs, and the package's removal.
#pragma once

namespace nsw {

inline constexpr const char* kPinFolder = "/sys/fs/bpf/nswarden";
/// What containers were refused at run time; see run_time_file.h.
inline constexpr const char* kStateFolder = "/var/lib/nswarden";
inline constexpr const char* kRunTimeFile = "/var/lib/nswarden/run-time.cbor";
inline constexpr const char* kLock = "/run/nswarden.lock";  ///< held by the engine of this host

}  // namespace nsw
