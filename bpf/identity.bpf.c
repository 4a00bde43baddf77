/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs that keep the labels. */
#include "leave.h"
#include "verdict.h"
#include "refuse.h"
#include "task_iterator.h"

/* As a function of its own: its stack is then not below that of the program. */
__weak __noinline int seed_current(void)
{
	struct nsw_settings *s = get_settings();

	return s ? seed(s, current_task(), false) : 0;
}

/* Set by the loader: one container's processes leave room for those of others. */
const volatile __u32 home_tasks_max = ~0U;

static __always_inline bool crowded(__u64 id)
{
	struct nsw_home *home = bpf_map_lookup_elem(&homes, &id);

	return home && home->flags & NSW_HOME_CONTAINER && home->tasks >= home_tasks_max;
}

SEC("?lsm/task_alloc")
int BPF_PROG(nsw_task_alloc, struct task_struct *child, unsigned long flags, int ret)
{
	struct nsw_settings *s = get_settings();
	struct subject who;
	int failed = -EAGAIN;

	if (ret || !s)
		return ret;
	if (refuses_clone(flags))
		return refuse();
	if (labelled(s, current_task(), &who)) {
		know_actor(who.home);
		if (crowded(who.home) && !by_killing && !disarmed()) {
			count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
			keep(failed);
			return failed;
		}
	}
	/* Without the hook task_free nobody would hear of a fork that fails: nsw_inherit labels the child before it runs. */
	if (by_killing || !inherit(s, child, flags) || disarmed())
		return ret;
	/* A process that nobody could judge must not come to be. */
	keep(failed);
	return failed;
}

/* Covers what lsm/task_alloc does not: no LSM, and the workers of io_uring on every kernel. */
SEC("?tp_btf/task_newtask")
int BPF_PROG(nsw_inherit, struct task_struct *child, u64 flags)
{
	struct nsw_settings *s = get_settings();

	if (!s)
		return 0;
	inherit(s, (struct task_struct *)(__u64)child, flags);
	return 0;
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(nsw_free, struct task_struct *task)
{
	forget(task);
	return 0;
}

/* A fork that failed after task_alloc never gets as far as sched_process_free. */
SEC("?lsm/task_free")
int BPF_PROG(nsw_task_free, struct task_struct *task)
{
	forget(task);
	return 0;
}

/* The fallback of all the others: late, the program is running already, but everywhere. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(nsw_seed_late, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!s)
		return 0;
	seed_current();
	if (labelled(s, current_task(), &who))
		know_actor(who.home);
	return 0;
}

/*
 * A container's process enters the host's mount namespace (setns, nsenter -t 1): from now on the namespace alone does
 * not tell who is of the host. To enter any takes this capability; which one is entered, this hook is not told.
 */
SEC("?lsm/capable")
int nsw_enter_namespace(__u64 *ctx)
{
	struct nsw_settings *s = get_settings();
	__u32 capability = ctx[2];

	if (capability == CAP_SYS_CHROOT && s && !s->escaped && in_call(CALL_SETNS) && label_of(current_task()))
		s->escaped = 1;
	return 0;
}

/* Where there are no LSM programs. It can be passed over, see take_in_exec(); nothing is refused there. */
SEC("?fentry/switch_task_namespaces")
int BPF_PROG(nsw_switch, struct task_struct *task, struct nsproxy *fresh)
{
	struct nsw_settings *s = get_settings();

	if (!s || !fresh || s->escaped || !label_of(task))
		return 0;
	if (BPF_CORE_READ(fresh, mnt_ns, ns.inum) == s->host_mntns)
		s->escaped = 1;
	return 0;
}

/* Labels what runs already. Writes a byte for each task that it labelled: the engine repeats it until there is none. */
SEC("?iter/task")
int nsw_label_running(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nsw_settings *s = get_settings();
	__u8 one = 1;

	if (!s || !task)
		return 0;
	task = (struct task_struct *)(__u64)task;
	if (!BPF_CORE_READ(task, nsproxy) || !BPF_CORE_READ(task, mm) || label_of(task))
		return 0;
	if (seed(s, task, true) > 0)
		bpf_seq_write(ctx->meta->seq, &one, 1);
	return 0;
}

/* Tells the engine of the homes that there were before it, each by a process that still lives in it. */
SEC("?iter/task")
int nsw_tell_homes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nsw_settings *s = get_settings();
	struct nsw_label *label;
	struct nsw_home *home;
	__u64 id;

	if (!s || !task)
		return 0;
	task = (struct task_struct *)(__u64)task;
	label = label_of(task);
	if (!label || !BPF_CORE_READ(task, nsproxy) || !BPF_CORE_READ(task, mm))
		return 0;
	id = label->home;
	home = bpf_map_lookup_elem(&homes, &id);
	if (!home || home->told == s->life || home_of(task) != id)
		return 0;
	home->told = s->life;
	report_home(task, id, home);
	return 0;
}

/*
 * The engine is gone, however it ended. The last of its threads passes here before the kernel closes its descriptors: while
 * any of its probes is left, nobody relies on them any more.
 */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(nsw_engine_gone, struct task_struct *ending)
{
	__u32 process = bpf_get_current_pid_tgid() >> 32;
	struct nsw_settings *s = get_settings();

	if (!s || !process || s->engine != process || BPF_CORE_READ(current_task(), signal, live.counter))
		return 0;
	s->engine = 0;
	s->wanted = 0;
	s->paired = 0;
	s->watch_host = 0;
	return 0;
}

/*
 * Run by the engine once: the host's namespaces and root are those of process 1, whose /proc entry even root may not be allowed
 * to follow (a sandboxed host). The engine descends from it.
 */
SEC("?raw_tp")
int nsw_find_host(__u64 *ctx)
{
	struct task_struct *task = current_task();
	struct nsw_settings *s = get_settings();
	int i;

	if (!s)
		return 1;
	for (i = 0; i < 128; i++) {
		if (BPF_CORE_READ(task, tgid) == 1) {
			s->host_mntns = mntns_of(task);
			s->host_pidns = pidns_of(task);
			s->host_root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
			return 0;
		}
		task = BPF_CORE_READ(task, real_parent);
	}
	return 1;
}
