/* SPDX-License-Identifier: GPL-2.0-only */
/* What all the programs that refuse have in common: whether anything is to be judged, what it comes to, how it is told. */
#ifndef NSWARDEN_REFUSE_H
#define NSWARDEN_REFUSE_H

#include "file.h"
#include "groups.h"
#include "paths.h"

/*
 * clang may turn `refused ? -EPERM : 0` into arithmetic whose range the verifier (6.12 on) cannot see to be an errno.
 */
static __always_inline int refuse(void)
{
	int error = -EPERM;

	keep(error);
	return error;
}

#define BIT(class) (1U << NSW_CLASS_##class)

/* ---- the system call under way, for hooks that do not tell ------------------------------------------------------- */

enum i386_number {
#define SYSCALL(name, event, late, i386) I386_##name = i386,
#include "syscalls.def"
};

/* Numbers: 64-bit, 32-bit. */
#define CALL_UNSHARE 272, I386_unshare
#define CALL_SETNS 308, I386_setns
#define CALL_IO_URING_SETUP 425, I386_io_uring_setup
#define CALL_FSMOUNT 432, I386_fsmount
#define CALL_OPEN_TREE 428, I386_open_tree
#define CALL_OPEN_TREE_ATTR 467, 467
#define CALL_FSPICK 433, 433
#define CALL_MOUNT_SETATTR 442, 442
#define CALL_USERFAULTFD 323, I386_userfaultfd
#define CALL_KEYCTL 250, I386_keyctl
#define CALL_ADD_KEY 248, I386_add_key
#define CALL_REQUEST_KEY 249, I386_request_key

#define THREAD_SIZE 16384 /* 5.10 has no bpf_task_pt_regs: the registers are at the end of the stack */

static __always_inline struct pt_regs *registers(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return (struct pt_regs *)(BPF_CORE_READ(current_task(), stack) + THREAD_SIZE) - 1;
}

/* The caller chooses the whole register, of which the kernel takes the lower half alone, and x32 has a bit of its own. */
static __always_inline bool in_call(__u32 native, __u32 compat)
{
	__u64 regs = (__u64)registers() + bpf_core_field_offset(struct pt_regs, orig_ax);
	__u32 number = ~0U;

	bpf_probe_read_kernel(&number, sizeof(number), (void *)regs);
	return in_compat() ? number == compat : (number & ~X32_CALL) == native;
}

static __always_inline __u64 first_argument(void)
{
	__u64 regs = (__u64)registers(), value = 0;

	regs += in_compat() ? bpf_core_field_offset(struct pt_regs, bx) : bpf_core_field_offset(struct pt_regs, di);
	bpf_probe_read_kernel(&value, sizeof(value), (void *)regs);
	return value;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

/* As labelled(), for the task that acts. */
static __always_inline struct task_state *own_state(const struct nsw_settings *s, struct subject *who)
{
	struct task_state *task;

	who->mntns = own_mntns();
	if (who->mntns == s->host_mntns && !s->escaped)
		return NULL;
	task = state_of((__u64)current_task());
	if (!task)
		return NULL;
	who->home = task->label.home;
	who->flags = task->label.flags;
	return task;
}

/* What a home is judged for, remembered with the task: most acts are none of it, and end here. */
static __always_inline struct nsw_home *speaking_home(struct task_state *task, __u64 id, __u32 classes)
{
	__u32 epoch = *(volatile __u32 *)&homes_epoch + 1; /* before the home is looked at */
	struct nsw_home *home;

	if (task->epoch == epoch && !(task->classes & classes))
		return NULL;
	home = bpf_map_lookup_elem(&homes, &id);
	if (!home)
		return NULL;
	task->classes = home->flags & NSW_HOME_QUARANTINED ? ~0U : home->classes;
	task->epoch = epoch;
	return task->classes & classes ? home : NULL;
}

/* Who acts, with what is known of him, and whether anything is to be judged at all. `classes`: bits of the act. */
static __always_inline struct nsw_home *judged(const struct nsw_settings *s, struct subject *who, __u32 classes)
{
	struct task_state *task;
	struct nsw_home *home;

	if (!s || !(judged_classes & classes))
		return NULL;
	task = own_state(s, who);
	home = task ? speaking_home(task, who->home, classes) : NULL;
	if (!home)
		return NULL;
	know_judged(task, home);
	who->task = task;
	return home;
}

static __always_inline bool disarmed(void)
{
	__u32 zero = 0;
	struct nsw_disarm *d = bpf_map_lookup_elem(&disarm, &zero);

	return d && d->on;
}

static __always_inline __u64 only_told(__u64 answer)
{
	return ANSWER(ANSWER_RULE(answer), NSW_VERDICT_AUDIT, ANSWER_UNRESOLVED(answer));
}

/* The answer once quarantine and disarming are taken in. `held`: an act that quarantine refuses. */
static __always_inline __u64 armed_answer(const struct nsw_home *home, __u64 answer, bool held)
{
	if (held && home->flags & NSW_HOME_QUARANTINED)
		answer = ANSWER(ANSWER_MODE(answer) ? ANSWER_RULE(answer) : 0, NSW_VERDICT_DENIED, 0);
	if (ANSWER_MODE(answer) == NSW_VERDICT_DENIED && disarmed())
		answer = only_told(answer);
	return answer;
}

/*
 * Set by the loader: there is no BPF-LSM, and these programs are on the functions that call the hooks instead (fmod_ret).
 * They could refuse there, too, but nothing is refused without a security module: the sets that are bound then speak of
 * DENIED only where the policy says `fallback: kill`. That the act fails, too, keeps it from happening before the signal is
 * delivered; nobody is left to see it fail.
 */
const volatile __u32 by_killing = 0;

/* Kills for a refused act, where that is asked for. A service of the host that has a mount namespace of its own never is. */
static __always_inline __u64 carried_out(const struct nsw_home *home, __u64 answer)
{
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return answer;
	if (by_killing && !(home->flags & NSW_HOME_CONTAINER))
		return only_told(answer);
	/* It fails for a worker of the kernel's own: that one's act is refused. */
	if ((by_killing || answer & ANSWER_KILL) && !bpf_send_signal(SIGKILL) && by_killing)
		answer |= ANSWER_KILLED;
	return answer;
}

static __always_inline __u64 final_answer(const struct nsw_home *home, __u64 answer, bool held)
{
	return carried_out(home, armed_answer(home, answer, held));
}

static __always_inline __u32 answer_flags(__u64 answer)
{
	return (ANSWER_UNRESOLVED(answer) ? NSW_F_UNRESOLVED : 0) | (answer & ANSWER_KILLED ? NSW_F_KILLED : 0);
}

static __always_inline void mark(struct nsw_header *h, __u64 answer)
{
	/* Of several objects of one act the refused one is told. */
	if (ANSWER_MODE(answer) <= h->verdict)
		return;
	h->verdict = ANSWER_MODE(answer);
	h->rule = ANSWER_RULE(answer);
	h->flags |= answer_flags(answer);
}

static __always_inline bool wanted(const struct nsw_settings *s, __u32 event)
{
	return s->wanted & 1ULL << event;
}

/* No room to gather the record in. */
static __always_inline void no_record(__u64 answer)
{
	if (ANSWER_MODE(answer) == NSW_VERDICT_DENIED)
		count_untold(ANSWER_RULE(answer));
}

/* Refused before there is a file to open: the directory has the name already. */
static __always_inline void fill_open(struct call *c, __u64 key, __u64 mnt, __u64 dentry)
{
	struct nsw_event_open *e = (void *)c->rec;

	c->head.used = open_texts(e);
	set_text(c, &e->path, put_path(key, mnt, dentry));
	c->head.state |= CALL_OBJECT;
}

/* What is refused, for tell(): class << 32 | number (a capability, an operation, what a socket is). */
#define WHAT(class, number) ((__u64)(class) << 32 | (__u32)(number))
#define EVENT_BIT(NAME) (1ULL << NSW_EVENT_##NAME)

/* An event of its own, for an act that no other event tells of, or whose event nobody wants. */
static __always_inline void tell_aside(const struct subject *who, __u64 answer, __u64 what, __u64 mnt, __u64 dentry)
{
	__u64 key = (__u64)current_task() | ASIDE;
	struct call *c = start_call(key, who, NSW_EVENT_REFUSAL, NSW_SYSCALL_NONE);
	bool denied = ANSWER_MODE(answer) == NSW_VERDICT_DENIED;
	struct nsw_event_refusal *e;

	if (!c) {
		no_record(answer);
		return;
	}
	e = (void *)c->rec;
	c->head.used = sizeof(*e);
	e->what = what >> 32;
	e->number = what;
	e->h.flags = denied ? 0 : NSW_F_NO_RESULT;
	mark(&e->h, answer);
	if (dentry)
		path_object(c, key, PATH_ONE, mnt, dentry);
	send_paths(c, key, sizeof(*e), denied ? -EPERM : 0, NSW_RING_EVENTS);
	end_call(key);
}

/*
 * Tells of an answer: with the record of the call under way, if that is of one of the events that tell of such an act (the
 * sensor sends it, with its result), else by itself. One act, one record.
 */
__weak __noinline int tell(__u64 answer, __u64 what, __u64 mnt, __u64 dentry, __u64 events)
{
	struct nsw_settings *s = get_settings();
	__u64 key = (__u64)current_task();
	struct subject who;
	struct call *c;

	if (!s || !ANSWER_MODE(answer) || !labelled(s, current_task(), &who))
		return 0;
	c = s->engine ? bpf_map_lookup_elem(&inflight, &key) : NULL;
	if (c && c->head.type < 64 && events >> (c->head.type & 63) & 1 && !(c->head.state & CALL_SENT)) {
		mark((struct nsw_header *)c->rec, answer);
		if (c->head.type == NSW_EVENT_OPEN && dentry && !(c->head.state & CALL_OBJECT))
			fill_open(c, key, mnt, dentry);
		return 0;
	}
	tell_aside(&who, answer, what, mnt, dentry);
	return 0;
}

/* The end of each verdict. True where the act is to be refused. */
static __always_inline bool refused(__u64 answer, __u64 what, __u64 mnt, __u64 dentry, __u64 events)
{
	if (!ANSWER_MODE(answer))
		return false;
	tell(answer, what, mnt, dentry, events);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return false;
	count(NSW_EVENT_REFUSAL, NSW_COUNT_DENIED);
	return true;
}

/* What has no path: a capability, an operation. Silent: the kernel only asks; neither told nor counted, and nobody is killed. */
static __always_inline bool refused_key(__u32 class, __u32 kind, __u32 number, __u64 events, bool silent)
{
	struct nsw_settings *s = get_settings();
	__u64 key = (__u64)current_task(), answer;
	struct nsw_home *home;
	struct subject who;

	home = judged(s, &who, 1 << class);
	if (!home || !(home->classes & 1 << class))
		return false;
	begin_query(who.task, home, 1 << class);
	ask_key(key, kind, number);
	answer = armed_answer(home, decide(key, 0), false);
	if (silent)
		return !by_killing && ANSWER_MODE(answer) == NSW_VERDICT_DENIED;
	return refused(carried_out(home, answer), WHAT(class, number), 0, 0, events);
}

static __always_inline bool refused_operation(__u32 operation, __u64 events)
{
	return refused_key(NSW_CLASS_OPERATION, NSW_KEY_OPERATION, operation, events, false);
}

/* The namespaces that clone(2), unshare(2) and setns(2) make or enter, but for those of users. */
#define CLONE_NEW_OTHERS \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* Set by the loader: this kernel has no lsm/userns_create. */
const volatile __u32 users_by_clone = 0;

/* A fork into new namespaces. */
static __always_inline bool refuses_clone(__u64 flags)
{
	if (users_by_clone && flags & CLONE_NEWUSER && refused_operation(NSW_OPERATION_USERNS, EVENT_BIT(FORK)))
		return true;
	return flags & CLONE_NEW_OTHERS && refused_operation(NSW_OPERATION_NAMESPACE, EVENT_BIT(FORK));
}

#endif
