/* SPDX-License-Identifier: GPL-2.0-only */
/* A system call's arguments, whichever kind of probe sees it enter. */
#ifndef NSWARDEN_DOOR_H
#define NSWARDEN_DOOR_H

#include "call.h"

/* Contexts of tracepoints syscalls/sys_enter_* and sys_exit_*. */
struct tracepoint_enter {
	__u64 common;
	__u64 number;
	__u64 args[6];
};

struct tracepoint_exit {
	__u64 common;
	__u64 number;
	__s64 result;
};

/* Exactly one of the two is set. */
struct door {
	struct pt_regs *regs; /* the user's registers, kept by the kernel: they cannot be rewritten */
	struct tracepoint_enter *tracepoint;
	__u32 syscall;
};

static __always_inline __u64 arg(const struct door *d, int i)
{
	struct pt_regs *regs = d->regs;

	if (d->tracepoint)
		return d->tracepoint->args[i];
	switch (i) {
	case 0:
		return BPF_CORE_READ(regs, di);
	case 1:
		return BPF_CORE_READ(regs, si);
	case 2:
		return BPF_CORE_READ(regs, dx);
	default:
		return BPF_CORE_READ(regs, r10);
	}
}

/* The file behind a descriptor of the current process; NULL if another thread closed it meanwhile. */
static __always_inline struct file *file_of(__s64 fd)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct file *file = NULL;

	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return file;
}

#endif
