/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's constants, as far as the programs name them: what is the same on every kernel. */
#ifndef NSWARDEN_KERNEL_CONSTANTS_H
#define NSWARDEN_KERNEL_CONSTANTS_H

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_F_INNER_MAP = 4096,
};

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define AF_XDP 44
#define SOCK_STREAM 1
#define AF_SMC 43
#define IPPROTO_TCP 6
#define IPPROTO_SCTP 132
#define IPPROTO_SMC 256
#define IPPROTO_MPTCP 262
#define SOCK_RAW 3
#define SOCK_PACKET 10
#define SOCK_TYPE_MASK 0xf /* the rest are flags */
#define S_IFMT 0170000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFSOCK 0140000
#define MSG_FASTOPEN 0x20000000
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define READ_IMPLIES_EXEC 0x400000
#define TS_COMPAT 2 /* thread_info: in a 32-bit system call */
#define X32_CALL 0x40000000 /* in the number of a system call */
#define MAP_SHARED 1 /* MAP_SHARED_VALIDATE has this bit, too */
#define CLONE_NEWNS 0x20000
#define CLONE_NEWCGROUP 0x2000000
#define CLONE_NEWUTS 0x4000000
#define CLONE_NEWIPC 0x8000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWTIME 0x80
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000
#define MAP_ANONYMOUS 0x20
#define CSIGNAL 0xff /* of clone's flags: the signal at the child's end */
#define AT_REMOVEDIR 0x200
#define AT_BASE 7 /* of the auxiliary vector */
#define AUXV_PAIRS 24
#define OPEN_TREE_CLONE 1
#define CLONE_THREAD 0x10000
#define CAP_SYS_CHROOT 18
#define CAP_SYS_ADMIN 21
#define CAP_SYS_NICE 23
#define CAP_SYS_RESOURCE 24
#define PTRACE_MODE_ATTACH 2
#define PTRACE_MODE_NOAUDIT 4
#define BPF_LINK_GET_FD_BY_ID 30
#define FS_IOC_SETFLAGS 0x40086602
#define FS_IOC32_SETFLAGS 0x40046602
#define FS_IOC_FSSETXATTR 0x401c5820
#define MS_NO_PLACE 0x1e0020 /* MS_REMOUNT, and the four of propagation: nothing is mounted over anything */
#define EPERM 1
#define EAGAIN 11
#define EINPROGRESS 115
#define ECANCELED 125
#define EIOCBQUEUED 529
#define ERESTARTNOINTR 513 /* the kernel's own: begin the call again */
#define SIGKILL 9
#define SIGCONT 18
#define SIGSTOP 19
#define RENAME_EXCHANGE 2
#define ATTR_MODE 1
#define ATTR_UID 2
#define ATTR_GID 4
#define ATTR_SIZE 8
#define ATTR_ATIME_SET 128
#define ATTR_MTIME_SET 256
#define ATTR_TOUCH 131072
#define VM_WRITE 2
#define VM_EXEC 4
#define VM_SHARED 8
#define O_ACCMODE 3
#define O_WRONLY 1
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_NONBLOCK 04000
#define O_CLOEXEC 02000000
#define O_KEPT_BY_CALL 02001700 /* O_CREAT O_EXCL O_NOCTTY O_TRUNC O_CLOEXEC: not in f_flags once the file is open */
#define O_VISIBLE 037677737 /* what user space can give, without the O_LARGEFILE that a 64-bit kernel adds */
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_EXEC 0x20 /* in f_flags: opened to be executed, by the kernel itself */
#define FMODE_CREATED 0x100000
#define MNT_INTERNAL 0x4000 /* vfsmount.mnt_flags */
#define FMODE_BACKING 0x3000000 /* one of both: it has moved, also within 6.12 */
#define SIGNAL_GROUP_EXIT 0x4
#define PIDTYPE_SID 3
#define PROC_SUPER_MAGIC 0x9fa0
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define HUGETLBFS_MAGIC 0x958458f6
#define OVERLAYFS_MAGIC 0x794c7630

#endif
