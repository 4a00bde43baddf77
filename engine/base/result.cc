// SPDX-License-Identifier: Apache-2.0
#include "engine/base/result.h"

#include <system_error>

namespace nsw {

tl::unexpected<Error> FailErrno(const std::string& what, int code) {
  return Fail(what + ": " + std::generic_category().message(code));
}

}  // namespace nsw
