/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which container a task belongs to. A task carries a label, its home: the mount namespace in which its first ancestor
 * was executed inside a container. The label is inherited at fork and never lost by unshare, setns, chroot or a move of
 * cgroup; the current namespace only seeds it.
 */
#ifndef NSWARDEN_IDENTITY_H
#define NSWARDEN_IDENTITY_H

#include "emit.h"

#define HOME_FINAL (NSW_HOME_CONTAINER | NSW_HOME_BOUND)

/* Who acts. home 0: the host, or an unlabelled task on its way into a container. */
struct subject {
	__u64 home;
	__u32 flags;
	__u32 mntns;
};

static __always_inline __u32 mntns_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* The kernel's serial number of a mount namespace; 0 for an anonymous one (open_tree, fsmount). */
static __always_inline __u64 mntns_serial(struct mnt_namespace *ns)
{
	struct mnt_namespace___seq *old = (void *)ns;
	struct ns_common___id *common = (void *)ns + bpf_core_field_offset(struct mnt_namespace, ns);

	if (bpf_core_field_exists(common->ns_id))
		return BPF_CORE_READ(common, ns_id);
	return BPF_CORE_READ(old, seq);
}

static __always_inline __u64 home_of(struct task_struct *task)
{
	struct mnt_namespace *ns = BPF_CORE_READ(task, nsproxy, mnt_ns);

	return nsw_home_id(BPF_CORE_READ(ns, ns.inum), mntns_serial(ns));
}

static __always_inline struct nsw_label *label_of(struct task_struct *task)
{
	__u64 key = (__u64)task;

	return bpf_map_lookup_elem(&labels, &key);
}

/*
 * True where `task` is labelled. The one comparison by which a host process leaves: as long as no container's process
 * has entered the host's namespace, the namespace alone tells.
 */
static __always_inline bool labelled(const struct nsw_settings *s, struct task_struct *task, struct subject *who)
{
	struct nsw_label *label;

	who->home = 0;
	who->flags = 0;
	who->mntns = mntns_of(task);
	if (who->mntns == s->host_mntns && !s->escaped)
		return false;
	label = label_of(task);
	if (!label)
		return false;
	who->home = label->home;
	who->flags = label->flags;
	return true;
}

/* True where an act of this kind by the current task is to be reported. */
static __always_inline bool watched(const struct nsw_settings *s, __u32 event, struct subject *who)
{
	bool ours = labelled(s, current_task(), who);

	if (!(s->wanted & (1ULL << event)))
		return false;
	if (ours)
		return true;
	return s->watch_host && who->mntns == s->host_mntns && bpf_get_current_pid_tgid() >> 32 != s->engine;
}

static __always_inline void count_task(__u64 id, int by)
{
	struct nsw_home *home = bpf_map_lookup_elem(&homes, &id);

	if (home)
		__sync_fetch_and_add(&home->tasks, by);
}

static __always_inline void report_home(struct task_struct *task, __u64 id, __u64 parent)
{
	struct nsw_event_home record = {};

	fill_header(&record.h, task, NSW_EVENT_HOME);
	record.h.home = id;
	record.parent = parent;
	record.serial = mntns_serial(BPF_CORE_READ(task, nsproxy, mnt_ns));
	emit(NSW_RING_EVENTS, &record.h, sizeof(record), NSW_EVENT_HOME);
}

/* Makes the home unless it is there. Returns the label's flags for a task that comes into it by an exec. */
static __always_inline __u32 enter_home(const struct nsw_settings *s, struct task_struct *task, __u64 id, __u64 parent)
{
	struct nsw_home *known, fresh = {.parent = parent};

	fresh.pidns = pidns_of(task);
	if (fresh.pidns != s->host_pidns)
		fresh.flags = NSW_HOME_CONTAINER;
	if (!bpf_map_update_elem(&homes, &id, &fresh, BPF_NOEXIST)) {
		report_home(task, id, parent);
		return 0;
	}
	known = bpf_map_lookup_elem(&homes, &id);
	if (!known) {
		count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
		return 0;
	}
	/* The engine may have made it ahead of its first process: then nobody lives there yet. */
	return known->tasks ? NSW_F_JOINED : 0;
}

/*
 * Labels a task that executes a program in a foreign mount namespace. Seeded by the exec and not by the namespace's
 * making: a runtime sets the container up in it first, and that is not the container's doing. A label whose home is no
 * container (a service of the host with a private mount namespace, such as dockerd) is provisional. Idempotent.
 * Returns 1 if the task got a label.
 */
static __always_inline int seed(const struct nsw_settings *s, struct task_struct *task)
{
	__u64 key = (__u64)task, id, parent = 0;
	struct task_state fresh = {};
	struct nsw_label *old;
	struct nsw_home *home;

	if (mntns_of(task) == s->host_mntns)
		return 0;
	id = home_of(task);
	old = bpf_map_lookup_elem(&labels, &key);
	if (old) {
		parent = old->home;
		if (parent == id)
			return 0;
		home = bpf_map_lookup_elem(&homes, &parent);
		if (!home || home->flags & HOME_FINAL)
			return 0;
	}
	fresh.label.home = id;
	fresh.label.flags = enter_home(s, task, id, parent);
	if (bpf_map_update_elem(&labels, &key, &fresh, BPF_ANY)) {
		count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
		return 0;
	}
	if (parent)
		count_task(parent, -1);
	count_task(id, 1);
	return 1;
}

/* The child's label is its parent's. Returns non-zero if it found no room. */
static __always_inline int inherit(const struct nsw_settings *s, struct task_struct *child)
{
	__u64 key = (__u64)child;
	struct task_state fresh = {};
	struct subject who;

	if (!labelled(s, current_task(), &who))
		return 0;
	fresh.label.home = who.home;
	fresh.label.flags = who.flags & ~NSW_LABEL_ENDED;
	if (bpf_map_lookup_elem(&labels, &key))
		return 0; /* lsm/task_alloc was first */
	if (bpf_map_update_elem(&labels, &key, &fresh, BPF_NOEXIST)) {
		count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
		return -EAGAIN;
	}
	count_task(fresh.label.home, 1);
	return 0;
}

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
		count(c->head.type, NSW_COUNT_UNPAIRED);
		bpf_map_delete_elem(&inflight, &key);
	}
	large = bpf_map_lookup_elem(&inflight_large, &key);
	if (large) {
		count(large->head.type, NSW_COUNT_UNPAIRED);
		bpf_map_delete_elem(&inflight_large, &key);
	}
}

#endif
