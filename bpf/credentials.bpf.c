/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process changes about its own rights: ids, capabilities, and the options by which the kernel guards it. */
#include "narrow.h"

static __always_inline int enter_setuid(struct door *d)
{
	struct nsw_event_setuid *e;
	struct call *c = begin_act(d, NSW_EVENT_SETUID, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->uid = id_arg(d, 0);
	e->from = BPF_CORE_READ(current_task(), cred, uid.val);
	return 0;
}

static __always_inline int exit_setuid(__s64 result)
{
	return finish_act(NSW_EVENT_SETUID, result, NSW_RING_EVENTS);
}

static __always_inline int enter_setgid(struct door *d)
{
	struct nsw_event_setgid *e;
	struct call *c = begin_act(d, NSW_EVENT_SETGID, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->gid = id_arg(d, 0);
	e->from = BPF_CORE_READ(current_task(), cred, gid.val);
	return 0;
}

static __always_inline int exit_setgid(__s64 result)
{
	return finish_act(NSW_EVENT_SETGID, result, NSW_RING_EVENTS);
}

static __always_inline int enter_setresuid(struct door *d)
{
	struct nsw_event_setresuid *e;
	struct call *c = begin_act(d, NSW_EVENT_SETRESUID, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->ruid = id_arg(d, 0);
	e->euid = id_arg(d, 1);
	e->suid = d->syscall == NSW_SYSCALL_setresuid ? id_arg(d, 2) : -1;
	e->from = BPF_CORE_READ(current_task(), cred, uid.val);
	return 0;
}

static __always_inline int exit_setresuid(__s64 result)
{
	return finish_act(NSW_EVENT_SETRESUID, result, NSW_RING_EVENTS);
}

static __always_inline int enter_setresgid(struct door *d)
{
	struct nsw_event_setresgid *e;
	struct call *c = begin_act(d, NSW_EVENT_SETRESGID, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->rgid = id_arg(d, 0);
	e->egid = id_arg(d, 1);
	e->sgid = d->syscall == NSW_SYSCALL_setresgid ? id_arg(d, 2) : -1;
	e->from = BPF_CORE_READ(current_task(), cred, gid.val);
	return 0;
}

static __always_inline int exit_setresgid(__s64 result)
{
	return finish_act(NSW_EVENT_SETRESGID, result, NSW_RING_EVENTS);
}

static __always_inline int enter_setgroups(struct door *d)
{
	struct nsw_event_setgroups *e;
	struct call *c = begin_act(d, NSW_EVENT_SETGROUPS, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->count = arg(d, 0);
	return 0;
}

static __always_inline int exit_setgroups(__s64 result)
{
	return finish_act(NSW_EVENT_SETGROUPS, result, NSW_RING_EVENTS);
}

/* ---- capset --------------------------------------------------------------------------------------------------- */

/* struct __user_cap_data_struct: the low halves of the three sets, then the high ones. User-space ABI, hence fixed. */
struct user_caps {
	__u32 effective, permitted, inheritable;
};

static __always_inline int enter_capset(struct door *d)
{
	struct nsw_event_capset *e;
	struct call *c = begin_act(d, NSW_EVENT_CAPSET, sizeof(*e));
	struct user_caps caps[2] = {};

	if (!c)
		return 0;
	e = (void *)c->rec;
	bpf_probe_read_user(caps, sizeof(caps), (void *)arg(d, 1));
	e->effective = caps[0].effective | (__u64)caps[1].effective << 32;
	e->permitted = caps[0].permitted | (__u64)caps[1].permitted << 32;
	e->inheritable = caps[0].inheritable | (__u64)caps[1].inheritable << 32;
	return 0;
}

/* kernel_cap_t has been two halves and is one number: the same 8 bytes. */
int PROBE(nsw_object_capset, security_capset, void *fresh, void *old, void *effective, void *inheritable, void *permitted)
{
	struct call *c = under_way(NSW_EVENT_CAPSET);
	struct nsw_event_capset *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	bpf_probe_read_kernel(&e->effective, sizeof(e->effective), effective);
	bpf_probe_read_kernel(&e->inheritable, sizeof(e->inheritable), inheritable);
	bpf_probe_read_kernel(&e->permitted, sizeof(e->permitted), permitted);
	return 0;
}

static __always_inline int exit_capset(__s64 result)
{
	return finish_act(NSW_EVENT_CAPSET, result, NSW_RING_EVENTS);
}

/* ---- options -------------------------------------------------------------------------------------------------- */

#define PR_SET_NAME 15

/* Those that change what others may do to the process, or what it may do: see prctl_options in enumerations.def. */
static __always_inline bool guards(__s32 option)
{
	switch (option) {
	case 1: /* PR_SET_PDEATHSIG */
	case 4: /* PR_SET_DUMPABLE */
	case 8: /* PR_SET_KEEPCAPS */
	case PR_SET_NAME:
	case 22: /* PR_SET_SECCOMP */
	case 24: /* PR_CAPBSET_DROP */
	case 28: /* PR_SET_SECUREBITS */
	case 35: /* PR_SET_MM */
	case 36: /* PR_SET_CHILD_SUBREAPER */
	case 38: /* PR_SET_NO_NEW_PRIVS */
	case 47: /* PR_CAP_AMBIENT */
	case 53: /* PR_SET_SPECULATION_CTRL */
	case 57: /* PR_SET_IO_FLUSHER */
	case 59: /* PR_SET_SYSCALL_USER_DISPATCH */
	case 0x59616d61: /* PR_SET_PTRACER */
		return true;
	default:
		return false;
	}
}

static __always_inline int enter_prctl(struct door *d)
{
	struct nsw_event_prctl *e;
	struct subject who;
	struct call *c;

	if (!enters(d, NSW_EVENT_PRCTL, &who) || !guards(arg(d, 0)))
		return 0;
	c = begin_act(d, NSW_EVENT_PRCTL, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->option = arg(d, 0);
	if (e->option == PR_SET_NAME) {
		act_text(c, &e->text, 16, arg(d, 1));
		return 0;
	}
	e->arg2 = arg(d, 1);
	e->arg3 = arg(d, 2);
	return 0;
}

static __always_inline int exit_prctl(__s64 result)
{
	return finish_some(NSW_EVENT_PRCTL, result, NSW_RING_EVENTS);
}

static __always_inline int enter_personality(struct door *d)
{
	struct nsw_event_personality *e;
	struct subject who;
	struct call *c;

	if (!enters(d, NSW_EVENT_PERSONALITY, &who) || (__u32)arg(d, 0) == 0xffffffff) /* asks */
		return 0;
	c = begin_act(d, NSW_EVENT_PERSONALITY, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->persona = (__u32)arg(d, 0);
	return 0;
}

static __always_inline int exit_personality(__s64 result)
{
	return finish_some(NSW_EVENT_PERSONALITY, result, NSW_RING_EVENTS);
}

static __always_inline int enter_seccomp(struct door *d)
{
	struct nsw_event_seccomp *e;
	struct subject who;
	struct call *c;

	if (!enters(d, NSW_EVENT_SECCOMP, &who) || (__u32)arg(d, 0) > 1) /* asks */
		return 0;
	c = begin_act(d, NSW_EVENT_SECCOMP, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->operation = arg(d, 0);
	e->flags = arg(d, 1);
	return 0;
}

static __always_inline int exit_seccomp(__s64 result)
{
	return finish_some(NSW_EVENT_SECCOMP, result, NSW_RING_EVENTS);
}
