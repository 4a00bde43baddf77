/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Canaries: one program for each mechanism of the kernel that the engine relies on. They sit where hardly anybody but the
 * engine ever comes by (ioprio_get, a task that takes another name), and count what the engine itself does there:
 * engine/kernel/canary.h. What they count is looked at in memory, without a system call.
 */
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

const volatile __u32 engine = 0; /* thread group id */

__u32 kprobe = 0;
__u32 kretprobe = 0;
__u32 kretprobe_multi = 0;
__u32 fexit = 0;
__u32 tp_btf = 0;
__u32 lsm = 0;
__u32 sys_enter = 0;
__u32 sys_exit = 0;

static __always_inline int heard(__u32 *count)
{
	if (bpf_get_current_pid_tgid() >> 32 == engine)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("?kprobe/__x64_sys_ioprio_get")
int canary_kprobe(void *ctx)
{
	return heard(&kprobe);
}

/* Attached by name, as those below it: with a pool, where returns are taken so. */
SEC("?kretprobe/__x64_sys_ioprio_get")
int canary_return(void *ctx)
{
	return heard(&kretprobe);
}

SEC("?kretprobe.multi")
int canary_multi(void *ctx)
{
	return heard(&kretprobe_multi);
}

SEC("?fexit/__x64_sys_ioprio_get")
int BPF_PROG(canary_fexit, struct pt_regs *regs, long result)
{
	return heard(&fexit);
}

SEC("?tp_btf/task_rename")
int canary_tp_btf(void *ctx)
{
	return heard(&tp_btf);
}

SEC("?lsm/task_getioprio")
int BPF_PROG(canary_lsm, struct task_struct *task, int ret)
{
	heard(&lsm);
	return ret;
}

SEC("?tracepoint/syscalls/sys_enter_ioprio_get")
int canary_sys_enter(void *ctx)
{
	return heard(&sys_enter);
}

SEC("?tracepoint/syscalls/sys_exit_ioprio_get")
int canary_sys_exit(void *ctx)
{
	return heard(&sys_exit);
}
