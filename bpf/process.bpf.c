/* SPDX-License-Identifier: GPL-2.0-only */
/* Forks, execs, ends; and what keeps the labels right that cannot be pinned. */
#include "door.h"
#include "exec.h"
#include "leave.h"

static __always_inline int enter_fork(struct door *d)
{
	struct nsw_event_fork *e;
	struct call *c = begin_act(d, NSW_EVENT_FORK, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (d->syscall == NSW_SYSCALL_clone)
		e->flags = arg(d, 0) & ~CSIGNAL;
	else if (d->syscall == NSW_SYSCALL_clone3)
		bpf_probe_read_user(&e->flags, sizeof(e->flags), (void *)arg(d, 0));
	return 0;
}

/* Only of a fork that failed is the entry still there: task_newtask has reported the others. */
static __always_inline int exit_fork(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct nsw_event_fork *e;
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_FORK, &who))
		return 0;
	c = find_call(key, NSW_EVENT_FORK);
	if (!c) {
		missed_entry(NSW_EVENT_FORK);
		return 0;
	}
	e = (void *)c->rec;
	if (result < 0) {
		finish_header(&e->h, &c->head, result);
		emit_small(c, NSW_RING_EVENTS);
	} else if (!(e->flags & CLONE_THREAD)) {
		count(NSW_EVENT_FORK, NSW_COUNT_UNPAIRED); /* see report_missed_end() */
	}
	end_call(key);
	return 0;
}

/* The child's thread id as its parent gets it from fork. */
static __always_inline __s64 seen_by_parent(struct task_struct *child)
{
	return number_of(child, pid_level(current_task()));
}

SEC("?tp_btf/task_newtask")
int BPF_PROG(nsw_fork, struct task_struct *child, u64 flags)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct nsw_event_fork e = {};
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_FORK, &who))
		return 0;
	c = find_call(key, NSW_EVENT_FORK);
	if (c) {
		e.h.syscall = c->head.syscall;
		end_call(key); /* not at the return: vfork returns when the child is done */
	} else {
		told_aside(NSW_EVENT_FORK);
	}
	if (flags & CLONE_THREAD)
		return 0;
	fill_header(&e.h, current_task(), NSW_EVENT_FORK);
	e.h.home = who.home;
	e.h.flags = who.flags | (c ? 0 : NSW_F_ASYNC);
	e.h.result = seen_by_parent(child);
	e.flags = flags;
	e.child_pid = BPF_CORE_READ(child, tgid);
	e.child_tid = BPF_CORE_READ(child, pid);
	e.child_start_ns = BPF_CORE_READ(child, start_boottime);
	emit(NSW_RING_EVENTS, &e.h, sizeof(e), NSW_EVENT_FORK);
	return 0;
}

static __always_inline int enter_exec(struct door *d)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct call_large *c;
	struct subject who;
	int path = d->syscall == NSW_SYSCALL_execveat ? 1 : 0;

	if (!s || !(s->wanted & 1ULL << NSW_EVENT_EXEC))
		return 0;
	/* The first exec in a container is made by a task that has no label yet, and gets it on the way. */
	if (!watched(s, NSW_EVENT_EXEC, &who) && who.mntns == s->host_mntns)
		return 0;
	look_at(d);
	c = start_large(key, &who, NSW_EVENT_EXEC, d->syscall);
	if (!c)
		return 0;
	c->head.state = door_state(d);
	c->head.user = arg(d, path);
	c->head.argv = arg(d, path + 1);
	return 0;
}

/* Of an exec that succeeded the entry is rarely still there: sched_process_exec has reported it. */
static __always_inline int exit_exec(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct call_large *c;
	struct subject who;

	if (!s || !(s->wanted & 1ULL << NSW_EVENT_EXEC))
		return 0;
	if (!watched(s, NSW_EVENT_EXEC, &who) && who.mntns == s->host_mntns)
		return 0;
	c = find_large(key);
	if (!c) {
		missed_entry(NSW_EVENT_EXEC);
		return 0;
	}
	c->head.home = who.home;
	c->head.flags = who.flags;
	/* Begun again, see first_exec.bpf.c: no act yet. */
	if (result != -ERESTARTNOINTR && !(c->head.state & CALL_SENT) && (who.home || who.mntns == s->host_mntns)) {
		if (result)
			exec_failed(c, key, result, NSW_RING_EVENTS);
		else
			exec_unseen(c, key);
	}
	end_large(key);
	return 0;
}

/* Where no LSM program can label at the same place. */
SEC("?kprobe/security_bprm_creds_for_exec")
int BPF_KPROBE(nsw_seed_kprobe, struct linux_binprm *bprm)
{
	struct nsw_settings *s = get_settings();

	if (s)
		seed(s, current_task(), false);
	return 0;
}

/* Called for the file that was asked for, then for the interpreter of a script, and so on. */
int PROBE(nsw_object_exec, security_bprm_check, struct linux_binprm *bprm)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct call_large *c;
	struct subject who;

	if (!s || !watched(s, NSW_EVENT_EXEC, &who))
		return 0;
	c = find_large(key);
	if (c)
		exec_object(c, key, BPF_CORE_READ(bprm, file));
	return 0;
}

/* Without a probe on the check, the script's file is gone by now: what is left is the kernel's copy of its name. */
static __always_inline void exec_script(struct call_large *c, struct linux_binprm *bprm)
{
	struct nsw_event_exec *e = (void *)c->rec;

	if (c->head.state & CALL_OBJECT || BPF_CORE_READ(bprm, filename) == BPF_CORE_READ(bprm, interp))
		return;
	e->h.flags |= NSW_F_USER_OBJECT;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(nsw_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u64 key = (__u64)task;
	struct nsw_settings *s = get_settings();
	struct nsw_event_exec *e;
	struct call_large *c;
	struct subject who;
	bool script;

	if (!s)
		return 0;
	seed(s, current_task(), false);
	if (!watched(s, NSW_EVENT_EXEC, &who)) {
		end_large((__u64)current_task());
		return 0;
	}
	key = (__u64)current_task();
	c = find_large(key);
	if (!c) {
		told_aside(NSW_EVENT_EXEC);
		c = make_large(key, &who, NSW_EVENT_EXEC, NSW_SYSCALL_NONE);
		if (!c) {
			count(NSW_EVENT_EXEC, NSW_COUNT_NO_SCRATCH);
			return 0;
		}
		e = (void *)c->rec;
		e->h.flags |= NSW_F_ASYNC;
	}
	e = (void *)c->rec;
	c->head.home = who.home;
	c->head.flags = who.flags;
	exec_script(c, bprm);
	script = e->h.flags & NSW_F_USER_OBJECT;
	if (!(c->head.state & CALL_SENT)) {
		exec_object(c, key, BPF_CORE_READ(bprm, file));
		if (script)
			e->file.len = 0;
		exec_succeeded(c, key, bprm);
	}
	end_large(key);
	return 0;
}

/*
 * True for the last thread of a process, once. `live` alone does not tell: of two threads that end together both may
 * find it at 0. So a process that still has several threads on the books is claimed, atomically; and the claim is looked
 * up even when one thread is left there, since the one that claimed may be off the books by now.
 */
static __always_inline bool last_thread(struct signal_struct *signal)
{
	__u64 key = (__u64)signal;
	__u32 one = 1;

	if (BPF_CORE_READ(signal, live.counter) || bpf_map_lookup_elem(&ended, &key))
		return false;
	if (BPF_CORE_READ(signal, nr_threads) < 2)
		return true;
	return bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST) != -17 /* EEXIST; a full map still reports */;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(nsw_exit, struct task_struct *ending)
{
	struct task_struct *task = current_task();
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct nsw_settings *s = get_settings();
	struct nsw_label *first;
	struct subject who;

	if (!s || !watched(s, NSW_EVENT_EXIT, &who) || !last_thread(signal))
		return 0;
	first = label_of(BPF_CORE_READ(task, group_leader));
	if (first)
		first->flags |= NSW_LABEL_ENDED;
	report_end(task, who.home, who.flags);
	return 0;
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(nsw_free_claim, struct task_struct *task)
{
	__u64 key = (__u64)BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid))
		bpf_map_delete_elem(&ended, &key);
	return 0;
}

/* Where fentry cannot: see enforce.bpf.c. */
SEC("?kprobe/switch_task_namespaces")
int BPF_KPROBE(nsw_switch_kprobe, struct task_struct *task, struct nsproxy *fresh)
{
	struct nsw_settings *s = get_settings();

	if (s && fresh && !s->escaped && label_of(task) && BPF_CORE_READ(fresh, mnt_ns, ns.inum) == s->host_mntns)
		s->escaped = 1;
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_setns")
int nsw_switch_tracepoint(void *ctx)
{
	struct nsw_settings *s = get_settings();

	if (s && !s->escaped && label_of(current_task()))
		s->escaped = 1;
	return 0;
}
