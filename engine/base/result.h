// SPDX-License-Identifier: Apache-2.0
// Result<T>: what a function that can fail returns. The error is a sentence for the user: what is
// wrong, where, and what to do. Exceptions of libraries are turned into one at the library's one
// owner.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace nsw {

struct Error {
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> Fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

/// "WHAT: strerror(CODE)"; CODE is a positive errno.
[[nodiscard]] tl::unexpected<Error> FailErrno(const std::string& what, int code);

/// What `work` returns; what it throws (a library's, or for want of memory) as an error "WHAT:
/// why".
template <typename Work>
auto Guarded(const char* what, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& thrown) {
    try {
      return Fail(std::string(what) + ": " + thrown.what());
    } catch (const std::bad_alloc&) {
      return Fail("no memory");  // short enough to need none
    }
  }
}

}  // namespace nsw
