/* SPDX-License-Identifier: GPL-2.0-only */
/* How tasks leave their homes. */
#ifndef NSW_LEAVE_H
#define NSW_LEAVE_H

#include "identity.h"

static __always_inline void report_end(struct task_struct *task, __u64 home, __u32 flags)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct nsw_event_exit e = {};

	fill_header(&e.h, task, NSW_EVENT_EXIT);
	e.h.home = home;
	e.h.flags = flags;
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		e.code = BPF_CORE_READ(signal, group_exit_code);
	else
		e.code = BPF_CORE_READ(task, group_leader, exit_code);
	e.signal = e.code & 0x7f;
	emit(NSW_RING_EVENTS, &e.h, sizeof(e), NSW_EVENT_EXIT);
}

/*
 * A tracing program that is preempted by a task on the same CPU that comes to the same program is not run for that one
 * (LSM programs are, always). So the end of a process may pass unseen; it is told when the kernel lets go of it.
 */
static __always_inline void report_missed_end(struct task_struct *task, const struct nsw_label *label)
{
	struct nsw_settings *s = get_settings();

	if (!s || !(s->paired & s->wanted & 1ULL << NSW_EVENT_EXIT) || label->flags & NSW_LABEL_ENDED)
		return;
	/* A thread, or a fork that failed. */
	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) || !BPF_CORE_READ(task, exit_state))
		return;
	report_end(task, label->home, label->flags);
}

static __always_inline void forget(struct task_struct *task)
{
	__u64 key = (__u64)task;
	struct nsw_label *label = bpf_map_lookup_elem(&labels, &key);
	struct call_large *large;
	struct call *c;
	__u64 home;

	if (!label)
		return;
	home = label->home;
	report_missed_end(task, label);
	if (!bpf_map_delete_elem(&labels, &key))
		count_task(home, -1);
	/* A task that was killed in the middle of a call leaves its entry behind, and the address will be used again. */
	c = bpf_map_lookup_elem(&inflight, &key);
	if (c) {
		drop_call(&c->head, c->rec);
		bpf_map_delete_elem(&inflight, &key);
	}
	large = bpf_map_lookup_elem(&inflight_large, &key);
	if (large) {
		drop_call(&large->head, large->rec);
		bpf_map_delete_elem(&inflight_large, &key);
	}
}

#endif
