/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes of each row of syscalls.def. An entry needs a program for each call, since where its arguments are differs;
 * a return only one for each event. The same programs serve 64-bit and 32-bit callers, whose functions are others: see
 * engine/kernel/sensor.cc, which attaches what the kernel can do.
 */
#include "door.h"

#define FEXIT_0(name, event)
#define FEXIT_1(name, event)
#define FEXIT_2(name, event)                                          \
	SEC("?fexit/__x64_sys_" #name)                                \
	int BPF_PROG(nsw_f_##name, struct pt_regs *regs, long result) \
	{                                                             \
		return exit_##event(result);                          \
	}

#define SYSCALL(name, event, late, i386)                                                             \
	SEC("?kprobe/__x64_sys_" #name)                                                              \
	int nsw_k_##name(struct pt_regs *ctx)                                                        \
	{                                                                                            \
		struct door d = {.regs = (void *)PT_REGS_PARM1(ctx), .syscall = NSW_SYSCALL_##name}; \
		return enter_##event(&d);                                                            \
	}                                                                                            \
	SEC("?tracepoint/syscalls/sys_enter_" #name)                                                 \
	int nsw_t_##name(struct tracepoint_enter *ctx)                                               \
	{                                                                                            \
		struct door d = {.tracepoint = ctx, .syscall = NSW_SYSCALL_##name};                  \
		return enter_##event(&d);                                                            \
	}                                                                                            \
	FEXIT_##late(name, event)
#include "syscalls.def"

#define ACT(event)                                      \
	SEC("?kretprobe")                               \
	int nsw_kr_##event(struct pt_regs *ctx)         \
	{                                               \
		return exit_##event(PT_REGS_RC(ctx));   \
	}                                               \
	SEC("?tracepoint")                              \
	int nsw_tr_##event(struct tracepoint_exit *ctx) \
	{                                               \
		return exit_##event(ctx->result);       \
	}
#include "syscalls.def"

/*
 * Where there are tracepoints alone: those of single calls do not show 32-bit callers, those of all calls do. They go on in
 * the programs of single calls, which the engine puts here by the number that 32-bit callers have for them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, NSW_I386_CALLS);
	__type(key, __u32);
	__type(value, __u32);
} i386_entries SEC(".maps"), i386_returns SEC(".maps");

SEC("?tracepoint/raw_syscalls/sys_enter")
int nsw_i386_enter(struct tracepoint_enter *ctx)
{
	if (in_compat())
		bpf_tail_call(ctx, &i386_entries, ctx->number);
	return 0;
}

SEC("?tracepoint/raw_syscalls/sys_exit")
int nsw_i386_exit(struct tracepoint_exit *ctx)
{
	if (in_compat())
		bpf_tail_call(ctx, &i386_returns, ctx->number);
	return 0;
}
