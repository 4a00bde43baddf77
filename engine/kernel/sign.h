// SPDX-License-Identifier: Apache-2.0
// Sign: whether something in the kernel that the engine relies on was seen to work just now.
#pragma once

#include <string>

namespace nsw::kernel {

struct Sign {
  std::string what;  ///< "kprobe", "probes", "pins"
  bool works = true;
  /// False: a program that was not called may have been passed over this once.
  bool certain = false;
  std::string trouble;  ///< what is wrong where it does not, and what follows; for people
};

}  // namespace nsw::kernel
