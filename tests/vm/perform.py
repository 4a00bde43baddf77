#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Performs acts one after the other: `NAME ACT PATH [PATH]` lines on stdin, `NAME ok` or `NAME ERRNO` lines on stdout.
One process for hundreds of acts: starting one for each is what takes time in a guest."""
import ctypes
import errno
import mmap
import os
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def opened(path, flags, mode=0o644):
    os.close(os.open(path, flags, mode))


def shared(path):
    fd = os.open(path, os.O_RDWR)
    mmap.mmap(fd, 1).close()
    os.close(fd)


def execute(path):
    _, status = os.waitpid(os.posix_spawn(path, [path], {}), 0)
    if status:
        raise OSError(errno.ENOEXEC, "")


def ring(_):
    check(libc.syscall(425, 4, ctypes.create_string_buffer(256)))


def connect(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0" + path[1:] if path.startswith("@") else path)


def datagram(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", "\0" + path[1:] if path.startswith("@") else path)


def tcp(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET) as s:
        s.connect((host, int(port)))


def udp(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (host, int(port)))


def fast_open(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET) as s:
        s.sendto(b"x", socket.MSG_FASTOPEN, (host, int(port)))


def bind(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET) as s:
        s.bind((host, int(port)))


def listen(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, int(port)))
        s.listen()


def executable_memory(_):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def received(path):
    here, there = socket.socketpair()
    fd = os.open(path, os.O_RDONLY)  # by a path that is not refused: see `by` in the case
    socket.send_fds(here, [b"x"], [fd])
    _, fds, _, _ = socket.recv_fds(there, 1, 1)
    if not fds:
        raise OSError(errno.EPERM, "")


ACTS = {
    "read": lambda p: opened(p, os.O_RDONLY),
    "modify": lambda p: opened(p, os.O_WRONLY),
    "append": lambda p: opened(p, os.O_WRONLY | os.O_APPEND),
    "truncate": lambda p: os.truncate(p, 0),
    "shared": shared,
    "create": lambda p: opened(p, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "mkdir": os.mkdir,
    "mknod": lambda p: os.mknod(p, stat.S_IFIFO | 0o600),
    "symlink": lambda p: os.symlink("x", p),
    "delete": os.unlink,
    "rmdir": os.rmdir,
    "rename": os.rename,
    "exchange": lambda a, b: check(libc.syscall(316, -100, a.encode(), -100, b.encode(), 2)),
    "link": os.link,
    "chmod": lambda p: os.chmod(p, 0o755),
    "chown": lambda p: os.chown(p, 0, 0),
    "xattr": lambda p: os.setxattr(p, "trusted.nsw", b"x"),
    "removexattr": lambda p: os.removexattr(p, "trusted.nsw"),
    "touch": lambda p: os.utime(p, (1, 2)),
    "touch_now": lambda p: os.utime(p),
    "exec": execute,
    "mount": lambda p: check(libc.mount(b"none", p.encode(), b"tmpfs", 0, None)),
    "umount": lambda p: check(libc.umount2(p.encode(), 2)),
    "unshare": lambda flags: check(libc.unshare(int(flags, 16))),
    "raw": lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "packet": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "socket": lambda f: socket.socket(int(f), socket.SOCK_DGRAM).close(),
    "bpf": lambda _: check(libc.syscall(321, 0, ctypes.create_string_buffer(128), 72)),
    "perf": lambda _: check(libc.syscall(298, ctypes.create_string_buffer(b"\1\0\0\0\x70\0\0\0", 112), 0, -1, -1, 0)),
    "module": lambda p: check(libc.syscall(313, os.open(p, os.O_RDONLY), b"", 0)),
    "keyctl": lambda _: check(libc.syscall(248, b"user", b"nsw", b"x", 1, -2)),
    "userfaultfd": lambda _: check(libc.syscall(323, 1)),
    "ptrace": lambda pid: check(libc.ptrace(16, int(pid), 0, 0)),
    "chroot": os.chroot,
    "ring": ring,
    "faults": lambda _: check(libc.syscall(323, 0)),
    "memory": executable_memory,
    "received": received,
    "connect": connect,
    "datagram": datagram,
    "tcp": tcp,
    "udp": udp,
    "fast_open": fast_open,
    "bind": bind,
    "listen": listen,
}


def perform(act, arguments):
    """In a process of its own where it would change this one."""
    if act not in ("unshare", "chroot", "ptrace", "userfaultfd"):
        ACTS[act](*arguments)
        return 0
    child = os.fork()
    if child == 0:
        try:
            ACTS[act](*arguments)
            os._exit(0)
        except OSError as failed:
            os._exit(failed.errno)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    for line in sys.stdin:
        name, act, *arguments = line.split()
        try:
            code = perform(act, arguments)
        except OSError as failed:
            code = failed.errno
        except ValueError:
            code = errno.EINVAL
        print(name, errno.errorcode.get(code, code) if code else "ok", flush=True)


main()
