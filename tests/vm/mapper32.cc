// SPDX-License-Identifier: Apache-2.0
// mapper32 FILE: a 32-bit program without a library, which maps a file to run it. Ends with 0 if it
// may. Built twice: as a program, and as one whose interpreter is the first (a dynamic program, its
// loader, and what the loader maps).
namespace {

struct Mapping {
  unsigned address, length, protection, flags, fd, offset;
};

int Call(int number, const void* first, int second) {
  int result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
  return result;
}

constexpr int kExit = 1;
constexpr int kOpen = 5;
constexpr int kMmap = 90;

}  // namespace

extern "C" [[noreturn, gnu::used]] void Run(char** stack) {
  const int fd = Call(kOpen, stack[2], 0);
  const Mapping mapping{
      0, 4096, 5 /* PROT_READ | PROT_EXEC */, 2 /* MAP_PRIVATE */, static_cast<unsigned>(fd), 0};
  const int mapped = Call(kMmap, &mapping, 0);
  const bool failed = fd < 0 || (mapped < 0 && mapped > -4096);
  for (;;) Call(kExit, reinterpret_cast<const void*>(failed ? 1 : 0), 0);
}

asm(".globl _start\n_start: movl %esp, %eax\n andl $-16, %esp\n subl $12, %esp\n pushl %eax\n call "
    "Run\n");
