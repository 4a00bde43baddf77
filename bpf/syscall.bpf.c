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
 * the programs of single calls, which the engine puts here by the number that 32-bit callers have for them; behind these
 * by the number that socketcall(2) has.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, NSW_I386_CALLS + NSW_I386_SOCKETCALLS);
	__type(key, __u32);
	__type(value, __u32);
} i386_entries SEC(".maps"), i386_returns SEC(".maps");

/* A return does not say which call it was. A send that opens a connection is a connect without a call's name. */
static __always_inline __u32 socketcall_under_way(void)
{
	__u64 key = (__u64)current_task();
	struct call *c = bpf_map_lookup_elem(&inflight, &key);
	struct nsw_label *label = c ? NULL : label_of(current_task());
	__u32 number = c ? socketcall_of(c->head.syscall) : 0;

	if (label && label->missed)
		missed_entry(label->missed & ~MISSED_TOLD);
	return c && !number ? socketcall_of(NSW_SYSCALL_connect) : number;
}

SEC("?tracepoint/raw_syscalls/sys_enter")
int nsw_i386_enter(struct tracepoint_enter *ctx)
{
	__u64 call = ctx->args[0];

	if (!in_compat())
		return 0;
	if (ctx->number != I386_SOCKETCALL)
		bpf_tail_call(ctx, &i386_entries, ctx->number);
	else if (call < NSW_I386_SOCKETCALLS)
		bpf_tail_call(ctx, &i386_entries, NSW_I386_CALLS + call);
	return 0;
}

SEC("?tracepoint/raw_syscalls/sys_exit")
int nsw_i386_exit(struct tracepoint_exit *ctx)
{
	if (!in_compat())
		return 0;
	if (ctx->number != I386_SOCKETCALL)
		bpf_tail_call(ctx, &i386_returns, ctx->number);
	else
		bpf_tail_call(ctx, &i386_returns, NSW_I386_CALLS + socketcall_under_way());
	return 0;
}
