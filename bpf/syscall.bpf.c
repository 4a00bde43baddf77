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

#define SYSCALL(name, event, late)                                                                   \
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
