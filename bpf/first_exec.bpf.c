/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container's policies are in force before its first instruction: an exec in a home that the engine has not decided on
 * waits for it. It waits by being begun again: the system call is told to restart, as after a signal, so that the deadline
 * is kept by this program alone, whatever becomes of the engine.
 */
#include "refuse.h"

/* Set by the loader: what holds when nobody decided in time. */
const volatile __u32 unbound_closed = 0;

/*
 * A system call restarts only where a signal is pending when it returns. Of these two the second takes back the first,
 * before anything comes of it; but the task has been told to look.
 */
static __always_inline int begin_again(void)
{
	int error = -ERESTARTNOINTR;

	bpf_send_signal(SIGSTOP);
	bpf_send_signal(SIGCONT);
	keep(error);
	return error;
}

/*
 * True of a container with the host's PID namespace, and of few services of the host: one that has a mount namespace of its
 * own, as for a private /tmp, has the host's root in it all the same.
 */
static __always_inline bool has_own_root(const struct nsw_settings *s)
{
	return s->host_root && (__u64)BPF_CORE_READ(current_task(), fs, root.dentry) != s->host_root;
}

/* A home whose exec cannot be judged yet; NULL: it can, or there is nothing to judge. */
static __always_inline struct nsw_home *undecided(const struct nsw_settings *s, struct subject *who)
{
	struct nsw_home *home;

	if (!labelled(s, current_task(), who) || who->mntns == s->host_mntns)
		return NULL;
	home = bpf_map_lookup_elem(&homes, &who->home);
	if (!home || home->flags & NSW_HOME_DECIDED)
		return NULL;
	return home->flags & NSW_HOME_CONTAINER || has_own_root(s) ? home : NULL;
}

/* What an exec before this one was judged to end, and did not, since it failed later. */
static __always_inline void forget_failed(void)
{
	struct task_state *task = state_of((__u64)current_task());

	if (task)
		task->ending = 0;
}

static __always_inline bool own_pids(const struct nsw_settings *s)
{
	return BPF_CORE_READ(pid_namespace_below(s, current_task()), ns.inum) != s->host_pidns;
}

SEC("?lsm/bprm_creds_for_exec")
int BPF_PROG(nsw_seed, struct linux_binprm *bprm, int ret)
{
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	int failed = -EAGAIN;
	__u64 now;

	if (!s || ret)
		return ret;
	/* Nobody could judge what it does. What may be the host's own is let go: it would lock the host out. */
	if (seed(s, current_task(), false) < 0 && own_pids(s) && !disarmed()) {
		keep(failed);
		return failed;
	}
	forget_failed();
	home = s->hold_ns && !disarmed() ? undecided(s, &who) : NULL;
	if (!home)
		return 0;
	now = bpf_ktime_get_boot_ns();
	if (now < home->since_ns + s->hold_ns && s->engine && now < s->alive_until)
		return begin_again();
	/* What may be the host's own waits, but is not refused. */
	if (!unbound_closed || !(home->flags & NSW_HOME_CONTAINER))
		return 0;
	exec_tell(s, &who, (struct linux_binprm *)(__u64)bprm, ANSWER(NSW_RULE_UNBOUND, NSW_VERDICT_DENIED, 0));
	count(NSW_EVENT_EXEC, NSW_COUNT_DENIED);
	return refuse();
}
