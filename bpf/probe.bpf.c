/* SPDX-License-Identifier: GPL-2.0-only */
/* Trials: engine/kernel/features.cc loads and attaches each alone, to see what this kernel lets us do. */
#include "task_iterator.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

/* Thread id of the trial: only its own acts are touched. */
const volatile __u32 trial_tid = 0;
__u32 hits = 0;

static __always_inline int hit(void)
{
	if ((__u32)bpf_get_current_pid_tgid() == trial_tid)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}

SEC("?kprobe/__x64_sys_getppid")
int try_kprobe(void *ctx)
{
	return hit();
}

SEC("?kretprobe/__x64_sys_openat")
int try_kretprobe(void *ctx)
{
	return hit();
}

/* Attached by name: see TryMulti. */
SEC("?kretprobe.multi")
int try_kretprobe_multi(void *ctx)
{
	return hit();
}

SEC("?tracepoint/syscalls/sys_enter_openat")
int try_tracepoint(void *ctx)
{
	return hit();
}

SEC("?tp_btf/sched_process_exec")
int try_tp_btf(void *ctx)
{
	return hit();
}

SEC("?fexit/__x64_sys_openat")
int BPF_PROG(try_fexit, struct pt_regs *regs, long result)
{
	return hit();
}

/* It takes the new owner, a structure. */
SEC("?fentry/security_path_chown")
int try_fentry_structure(void *ctx)
{
	return hit();
}

SEC("?iter/task")
int try_iterator(struct bpf_iter__task *ctx)
{
	return 0;
}

/* The canary: a program on an LSM hook attaches without error even where `bpf` is not an active LSM, and is never called. */
SEC("?lsm/file_open")
int BPF_PROG(try_lsm, struct file *file, int ret)
{
	int refused = -EPERM;

	if (ret || (__u32)bpf_get_current_pid_tgid() != trial_tid)
		return ret;
	keep(refused);
	return refused;
}
