#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Performs acts one after the other: `NAME ACT PATH [PATH]` lines on stdin, `NAME ok` or `NAME ERRNO` lines on stdout.
One process for hundreds of acts: starting one for each is what takes time in a guest."""
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import stat
import struct
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


def end(address):
    """Family and address of HOST:PORT; of IPv6 [HOST]:PORT."""
    host, port = address.rsplit(":", 1)
    return socket.AF_INET6 if host[0] == "[" else socket.AF_INET, (host.strip("[]"), int(port))


def tcp(address):
    family, where = end(address)
    with socket.socket(family) as s:
        s.connect(where)


def udp(address):
    family, where = end(address)
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", where)


def fast_open(address):
    family, where = end(address)
    with socket.socket(family) as s:
        s.sendto(b"x", socket.MSG_FASTOPEN, where)


def sctp_stream(address):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as s:
        s.sendto(b"x", (host, int(port)))


def sctp_option(option, addresses):
    """`addresses`, with commas, by an option of the socket; see bpf/sctp.h."""
    row = b""
    for address in addresses.split(","):
        host, port = address.rsplit(":", 1)
        row += struct.pack("=HH4s8x", socket.AF_INET, socket.htons(int(port)), socket.inet_aton(host))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as s:
        s.setsockopt(socket.IPPROTO_SCTP, option, row)


def sctp_further(address, further):
    """Connects by a message that has one more address with it (SCTP_DSTADDRV4)."""
    _, where = end(address)
    with socket.socket(socket.AF_INET, socket.SOCK_SEQPACKET, socket.IPPROTO_SCTP) as s:
        s.sendmsg([b"x"], [(socket.IPPROTO_SCTP, 7, socket.inet_aton(further))], socket.MSG_DONTWAIT, where)


def bind(address, only=False):
    family, where = end(address)
    with socket.socket(family) as s:
        if only:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(where)


def listen(address):
    family, where = end(address)
    with socket.socket(family) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(where)
        s.listen()


def listen_unbound(family):
    with socket.socket(int(family), socket.SOCK_STREAM) as s:
        s.listen()


def executable_memory(_):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def executable_memfd(_):
    fd = os.memfd_create("code")
    os.write(fd, b"\xc3" * 4096)
    mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC).close()


def executable_file(path):
    """A file that was mapped to be read, and is to be run."""
    libc.mmap.restype = ctypes.c_void_p
    fd = os.open(path, os.O_RDONLY)
    place = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 0)
    os.close(fd)
    check(libc.mprotect(ctypes.c_void_p(place), 4096, mmap.PROT_READ | mmap.PROT_EXEC))


def executable_segment(_):
    """System V shared memory, which others may write to, attached to be run: SHM_RDONLY | SHM_EXEC."""
    segment = call(29, 0, 4096, 0o1700)
    try:
        call(30, segment, 0, 0o110000)
    finally:
        libc.shmctl(segment, 0, None)


def received(path):
    here, there = socket.socketpair()
    fd = os.open(path, os.O_RDONLY)  # by a path that is not refused: see `by` in the case
    socket.send_fds(here, [b"x"], [fd])
    _, fds, _, _ = socket.recv_fds(there, 1, 1)
    if not fds:
        raise OSError(errno.EPERM, "")


def call(number, *arguments):
    """A system call without a name in libc."""
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    check(result)
    return result


MORE = 1 << 32  # beyond the half of the register that has the number of a call


def detached(_):
    """fsopen, fsconfig, fsmount: a mount that hangs nowhere."""
    context = call(430, b"tmpfs", 0)
    try:
        call(431, context, 6, 0, 0, 0)
        os.close(call(432, context, 0, 0))
    finally:
        os.close(context)


def faults_device(_):
    fd = os.open("/dev/userfaultfd", os.O_RDWR)
    try:
        os.close(fcntl.ioctl(fd, 0xAA00, 0))
    finally:
        os.close(fd)


def of_process(act):
    """An act on a process by its pidfd."""

    def on(pid):
        fd = os.pidfd_open(int(pid))
        try:
            act(fd)
        finally:
            os.close(fd)

    return on


def memory_of(number):
    """process_vm_readv, process_vm_writev; an address that is nobody's: the right to do it is asked for first."""
    return lambda pid: call(number, int(pid), struct.pack("QQ", 8, 8), 1, struct.pack("QQ", 8, 8), 1, 0)


def queued(pid):
    call(129, int(pid), signal.SIGTERM, struct.pack("iii", signal.SIGTERM, 0, -1).ljust(128, b"\0"))


def changed_limit(pid):
    resource.prlimit(int(pid), resource.RLIMIT_NOFILE, resource.prlimit(int(pid), resource.RLIMIT_NOFILE))


def ioctl_flags(path):
    """chattr: the flags that it has, once more."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, 0x40086602, b"\0" * 8)
    finally:
        os.close(fd)


def locked(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def file_signal(pid):
    """SIGKILL as what tells that a pipe can be read."""
    here, there = os.pipe()
    fcntl.fcntl(here, fcntl.F_SETOWN, int(pid))
    fcntl.fcntl(here, 10, signal.SIGKILL)  # F_SETSIG
    fcntl.fcntl(here, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(there, b"x")


def bpf(command, attributes):
    return call(321, command, attributes.ljust(128, b"\0"), 128)


def by_ids(command, ids):
    """A descriptor of each BPF object of these ids. EPERM: none could be had."""
    refused = 0
    for one in ids.split(","):
        try:
            os.close(bpf(command, struct.pack("I", int(one))))
            return
        except OSError as failed:
            if failed.errno not in (errno.EPERM, errno.ENOENT):
                raise
            refused += failed.errno == errno.EPERM
    raise OSError(errno.EPERM if refused else errno.ENOENT, "")


def own_map(_):
    """A map of the caller's own, made, found again and written to."""
    fd = bpf(0, struct.pack("IIIII", 2, 4, 8, 1, 0))
    info = ctypes.create_string_buffer(256)
    bpf(15, struct.pack("IIQ", fd, len(info), ctypes.addressof(info)))
    found = bpf(14, info.raw[4:8])
    key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(8)
    bpf(2, struct.pack("IIQQQ", found, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
    os.close(found)
    os.close(fd)


def got(path):
    """The object that is pinned there."""
    text = ctypes.create_string_buffer(path.encode())
    os.close(bpf(7, struct.pack("Q", ctypes.addressof(text))))


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
    "xdp": lambda _: socket.socket(44, socket.SOCK_RAW).close(),
    "socket": lambda f: socket.socket(int(f), socket.SOCK_DGRAM).close(),
    "bpf": lambda _: check(libc.syscall(321, 0, ctypes.create_string_buffer(128), 72)),
    "perf": lambda _: check(libc.syscall(298, ctypes.create_string_buffer(b"\1\0\0\0\x70\0\0\0", 112), 0, -1, -1, 0)),
    "module": lambda p: check(libc.syscall(313, os.open(p, os.O_RDONLY), b"", 0)),
    "module_compressed": lambda p: check(libc.syscall(313, os.open(p, os.O_RDONLY), b"", 4)),
    "keyctl": lambda _: check(libc.syscall(248, b"user", b"nsw", b"x", 1, -2)),
    "userfaultfd": lambda _: check(libc.syscall(323, 1)),
    "ptrace": lambda pid: check(libc.ptrace(16, int(pid), 0, 0)),
    "chroot": os.chroot,
    "ring": ring,
    "faults": lambda _: check(libc.syscall(323, 0)),
    "faults_device": faults_device,
    "memory": executable_memory,
    "memory_memfd": executable_memfd,
    "memory_segment": executable_segment,
    "memory_zeroes": lambda _: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC),
    "memory_file": executable_file,
    # By a number with more in front of it.
    "more_unshare": lambda flags: call(272 | MORE, int(flags, 16)),
    "more_ring": lambda _: call(425 | MORE, 4, ctypes.create_string_buffer(256)),
    "more_faults": lambda _: call(323 | MORE, 0),
    "more_key": lambda _: call(248 | MORE, b"user", b"nsw", b"x", 1, -2),
    # Changes of mounts.
    "detached": detached,
    "copied": lambda p: os.close(call(428, -100, p.encode(), 1)),
    "attributes": lambda p: call(442, -100, p.encode(), 0, struct.pack("QQQQ", 1, 0, 0, 0), 32),
    "picked": lambda p: os.close(call(433, -100, p.encode(), 0)),
    "received": received,
    "connect": connect,
    "datagram": datagram,
    "tcp": tcp,
    "udp": udp,
    "fast_open": fast_open,
    "sctp_stream": sctp_stream,
    "sctp_connectx": lambda addresses: sctp_option(110, addresses),
    "sctp_bindx": lambda addresses: sctp_option(100, addresses),
    "sctp_further": sctp_further,
    "bind": bind,
    "bind_only": lambda address: bind(address, True),
    "listen": listen,
    "listen_unbound": listen_unbound,
    # What is done to a process.
    "signal": lambda pid, number: os.kill(int(pid), int(number)),
    "tkill": lambda pid: call(200, int(pid), signal.SIGTERM),
    "tgkill": lambda pid: call(234, int(pid), int(pid), signal.SIGTERM),
    "pidfd_signal": of_process(lambda fd: signal.pidfd_send_signal(fd, signal.SIGTERM)),
    "queued": queued,
    "file_signal": file_signal,
    "attach": lambda pid: check(libc.ptrace(16, int(pid), 0, 0)),
    "memory_read": memory_of(310),
    "memory_written": memory_of(311),
    "taken": of_process(lambda fd: call(438, fd, 0, 0)),
    "entered": of_process(lambda fd: call(308, fd, 0x4000000)),  # its UTS namespace
    "nice": lambda pid: os.setpriority(os.PRIO_PROCESS, int(pid), os.getpriority(os.PRIO_PROCESS, int(pid))),
    "io_priority": lambda pid: call(251, 1, int(pid), 2 << 13 | 4),
    "affinity": lambda pid: os.sched_setaffinity(int(pid), os.sched_getaffinity(int(pid))),
    "limit": changed_limit,
    # BPF.
    "own_map": own_map,
    "maps": lambda ids: by_ids(14, ids),
    "programs": lambda ids: by_ids(13, ids),
    "links": lambda ids: by_ids(30, ids),
    "got": got,
    # Files.
    "locked": locked,
    "flags": ioctl_flags,
}


def perform(act, arguments):
    """In a process of its own where it would change this one."""
    if act not in ("unshare", "more_unshare", "chroot", "ptrace", "userfaultfd", "attach", "entered"):
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
