/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that do nothing: what the hooks alone cost. Each is attached wherever the engine has a program of its kind. */
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("?kprobe")
int empty_kprobe(void *ctx)
{
	return 0;
}

SEC("?kretprobe")
int empty_kretprobe(void *ctx)
{
	return 0;
}

SEC("?fentry/security_file_open")
int empty_fentry(void *ctx)
{
	return 0;
}

SEC("?fexit/security_file_open")
int empty_fexit(void *ctx)
{
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int empty_tp_btf(void *ctx)
{
	return 0;
}

SEC("?lsm/file_open")
int empty_lsm(void *ctx)
{
	return 0;
}
