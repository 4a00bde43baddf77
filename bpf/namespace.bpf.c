/* SPDX-License-Identifier: GPL-2.0-only */
/* setns and unshare: which namespaces a process is in before and afterwards. What clone makes is in fork's flags. */
#include "door.h"

static __always_inline void note_namespaces(struct nsw_event_namespace *e)
{
	struct task_struct *task = current_task();

	e->mnt = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	e->pid = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	e->net = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	e->ipc = BPF_CORE_READ(task, nsproxy, ipc_ns, ns.inum);
	e->uts = BPF_CORE_READ(task, nsproxy, uts_ns, ns.inum);
	e->cgroup = BPF_CORE_READ(task, nsproxy, cgroup_ns, ns.inum);
	e->user = BPF_CORE_READ(task, cred, user_ns, ns.inum);
}

static __always_inline __u32 differing(const struct nsw_event_namespace *e, const struct nsw_event_namespace *old)
{
	__u32 changed = 0;

	if (e->mnt != old->mnt)
		changed |= CLONE_NEWNS;
	if (e->pid != old->pid)
		changed |= CLONE_NEWPID;
	if (e->net != old->net)
		changed |= CLONE_NEWNET;
	if (e->ipc != old->ipc)
		changed |= CLONE_NEWIPC;
	if (e->uts != old->uts)
		changed |= CLONE_NEWUTS;
	if (e->cgroup != old->cgroup)
		changed |= CLONE_NEWCGROUP;
	if (e->user != old->user)
		changed |= CLONE_NEWUSER;
	return changed;
}

static __always_inline int enter_namespace(struct door *d)
{
	struct nsw_event_namespace *e;
	struct call *c = begin_act(d, NSW_EVENT_NAMESPACE, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	note_namespaces(e);
	e->flags = d->syscall == NSW_SYSCALL_setns ? arg(d, 1) : arg(d, 0);
	e->fd = d->syscall == NSW_SYSCALL_setns ? arg(d, 0) : -1;
	return 0;
}

static __always_inline int exit_namespace(__s64 result)
{
	struct call *c = returns(NSW_EVENT_NAMESPACE);
	struct nsw_event_namespace *e, old;

	if (!c)
		return 0;
	e = (void *)c->rec;
	__builtin_memcpy(&old, e, sizeof(old));
	note_namespaces(e);
	e->changed = differing(e, &old);
	return send_act(c, result, NSW_RING_EVENTS);
}
