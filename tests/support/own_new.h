// SPDX-License-Identifier: Apache-2.0
// operator new and delete of a test program's own, to count what is allocated or to refuse it. To
// be included by one file of a program, which defines the function.
#pragma once

#include <cstdlib>
#include <new>

namespace nsw::test {
/// Asked before each allocation. False: there is no memory.
bool MayAllocate();
}  // namespace nsw::test

// Not inlined: the compiler would see free() called on what some operator new returned.
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = nsw::test::MayAllocate() ? std::malloc(size == 0 ? 1 : size) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// std::stable_sort asks for its buffer this way, and does without one.
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
