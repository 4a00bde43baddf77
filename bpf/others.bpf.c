/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process does to others: tracing them, reading and writing their memory, sending them signals. */
#include "door.h"

#define PTRACE_TRACEME 0
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define TRACEES 32 /* that are looked at */

/* The thread of that number, in the caller's PID namespace, among those that the caller traces. NULL if there is none. */
static __always_inline struct task_struct *tracee(__s32 pid)
{
	struct task_struct *task = current_task(), *one;
	__u64 head = (__u64)task + bpf_core_field_offset(struct task_struct, ptraced);
	struct list_head *at = (struct list_head *)head;
	unsigned int level = pid_level(task);
	int i;

	for (i = 0; i < TRACEES; i++) {
		at = BPF_CORE_READ(at, next);
		if (!at || (__u64)at == head)
			return NULL;
		one = (struct task_struct *)((char *)at - bpf_core_field_offset(struct task_struct, ptrace_entry));
		if (number_of(one, level) == pid)
			return one;
	}
	return NULL;
}

static __always_inline void ptrace_target(struct call *c, struct task_struct *task)
{
	struct nsw_event_ptrace *e = (void *)c->rec;

	if (task && !e->target_pid)
		act_target(c, &e->target_pid, &e->target, task);
}

static __always_inline int enter_ptrace(struct door *d)
{
	struct nsw_event_ptrace *e;
	struct call *c = begin_act(d, NSW_EVENT_PTRACE, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->request = arg(d, 0);
	e->pid = arg(d, 1);
	e->address = arg(d, 2);
	e->data = arg(d, 3);
	/* After a detach it is not there any more. */
	if (e->request != PTRACE_TRACEME && e->request != PTRACE_ATTACH && e->request != PTRACE_SEIZE)
		ptrace_target(c, tracee(e->pid));
	return 0;
}

int PROBE(nsw_object_ptrace, security_ptrace_access_check, struct task_struct *child)
{
	struct call *c = under_way(NSW_EVENT_PTRACE);

	if (c)
		ptrace_target(c, child);
	return 0;
}

static __always_inline int exit_ptrace(__s64 result)
{
	struct call *c = returns(NSW_EVENT_PTRACE);
	struct nsw_event_ptrace *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (result >= 0 && (e->request == PTRACE_ATTACH || e->request == PTRACE_SEIZE))
		ptrace_target(c, tracee(e->pid));
	return send_act(c, result, NSW_RING_EVENTS);
}

/* ---- memory of others ------------------------------------------------------------------------------------------- */

static __always_inline int enter_process_vm(struct door *d)
{
	struct nsw_event_process_vm *e;
	struct call *c = begin_act(d, NSW_EVENT_PROCESS_VM, sizeof(*e));
	__u64 pieces;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->pid = arg(d, 0);
	pieces = arg(d, 3); /* struct iovec: address, length */
	e->address = user_pointer(pieces, 0, c->head.state);
	e->length = user_pointer(pieces, 1, c->head.state);
	return 0;
}

int PROBE(nsw_object_process_vm, security_ptrace_access_check, struct task_struct *child)
{
	struct call *c = under_way(NSW_EVENT_PROCESS_VM);
	struct nsw_event_process_vm *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (!e->target_pid)
		act_target(c, &e->target_pid, &e->target, child);
	return 0;
}

static __always_inline int exit_process_vm(__s64 result)
{
	return finish_act(NSW_EVENT_PROCESS_VM, result, NSW_RING_EVENTS);
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

/* A process may do with itself as it likes: Go's scheduler sends its own threads thousands of signals. */
static __always_inline bool to_itself(const struct door *d)
{
	struct task_struct *task = current_task();
	unsigned int level = pid_level(task);
	__s32 pid = arg(d, 0);

	if (d->syscall == NSW_SYSCALL_tgkill || d->syscall == NSW_SYSCALL_rt_tgsigqueueinfo)
		return pid == number_of(BPF_CORE_READ(task, group_leader), level);
	return d->syscall == NSW_SYSCALL_tkill && pid == number_of(task, level);
}

static __always_inline int enter_kill(struct door *d)
{
	bool thread = d->syscall == NSW_SYSCALL_tgkill || d->syscall == NSW_SYSCALL_rt_tgsigqueueinfo;
	struct nsw_event_kill *e;
	struct subject who;
	struct call *c;
	__s32 signal;

	if (!enters(d, NSW_EVENT_KILL, &who))
		return 0;
	signal = thread ? arg(d, 2) : arg(d, 1);
	if (!signal || to_itself(d)) /* 0 only asks whether the process is there */
		return 0;
	c = begin_act(d, NSW_EVENT_KILL, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->pid = arg(d, 0);
	e->signal = signal;
	return 0;
}

/* Once for each process or thread that the signal goes to. */
int PROBE(nsw_object_kill, security_task_kill, struct task_struct *to)
{
	struct call *c = under_way(NSW_EVENT_KILL);
	struct nsw_event_kill *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (!e->targets++)
		act_target(c, &e->target_pid, &e->target, to);
	return 0;
}

static __always_inline int exit_kill(__s64 result)
{
	return finish_some(NSW_EVENT_KILL, result, NSW_RING_EVENTS);
}
