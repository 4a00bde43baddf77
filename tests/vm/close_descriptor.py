#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""close_descriptor.py PID FD: makes that process close one of its descriptors, as who may trace it can.

Its first thread must be waiting in a system call, which is then begun again. x86-64.
"""
import ctypes
import os
import sys

ATTACH, DETACH, SINGLESTEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
RAX, RDI, ORIG_RAX, RIP = 10, 14, 15, 16  # places in struct user_regs_struct
CLOSE = 3
SYSCALL_BYTES = 2

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def main():
    pid, fd = map(int, sys.argv[1:])
    registers = (ctypes.c_ulonglong * 27)()
    ptrace(ATTACH, pid)
    os.waitpid(pid, 0)
    try:
        ptrace(GETREGS, pid, registers)
        if ctypes.c_longlong(registers[ORIG_RAX]).value < 0:
            sys.exit("it is not in a system call")
        before = list(registers)
        registers[RAX], registers[RDI], registers[ORIG_RAX] = CLOSE, fd, 2**64 - 1
        registers[RIP] -= SYSCALL_BYTES
        ptrace(SETREGS, pid, registers)
        ptrace(SINGLESTEP, pid)
        os.waitpid(pid, 0)
        ptrace(GETREGS, pid, registers)
        answer = registers[RAX]
        registers[:] = before
        ptrace(SETREGS, pid, registers)
    finally:
        ptrace(DETACH, pid)
    if answer:
        sys.exit(f"close said {ctypes.c_longlong(answer).value}")


main()
