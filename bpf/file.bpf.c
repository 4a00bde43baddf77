/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens. */
#include "door.h"
#include "file.h"

/* Not of openat2: another thread may change its flags before the kernel reads them. */
static __always_inline bool only_reads(struct door *d, int flags)
{
	if (d->syscall == NSW_SYSCALL_creat || d->syscall == NSW_SYSCALL_openat2)
		return false;
	look_at(d);
	return !(arg(d, flags) & O_ACCMODE);
}

/* `named`: one that only reads, where not all of these are to be reported. */
static __always_inline struct call *begin_open(struct door *d, const struct nsw_settings *s, bool named)
{
	struct call *c;

	if (named && !named_reads_watched(s) && leave_out(NSW_EVENT_OPEN))
		return NULL;
	c = begin_act(d, NSW_EVENT_OPEN, 0);
	if (c && named)
		c->head.state |= CALL_NAMED;
	return c;
}

static __always_inline int enter_open(struct door *d)
{
	int path = d->syscall == NSW_SYSCALL_open || d->syscall == NSW_SYSCALL_creat ? 0 : 1;
	struct nsw_settings *s = get_settings();
	struct nsw_event_open *e;
	struct call *c;

	c = begin_open(d, s, s && !reads_watched(s) && only_reads(d, path + 1));
	if (!c)
		return 0;
	e = (void *)c->rec;
	c->head.user = arg(d, path);
	if (d->syscall == NSW_SYSCALL_creat)
		e->flags = O_CREAT | O_WRONLY | O_TRUNC;
	else if (d->syscall == NSW_SYSCALL_openat2)
		bpf_probe_read_user(&e->flags, sizeof(e->flags), (void *)arg(d, 2)); /* struct open_how begins with them */
	else
		e->flags = arg(d, path + 1);
	return 0;
}

static __always_inline int exit_open(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = returns(NSW_EVENT_OPEN);
	struct file *file;

	if (!c)
		return 0;
	if (!(c->head.state & CALL_SENT)) {
		/* O_PATH passes no security hook; and there may be no probe on it. */
		file = c->head.state & (CALL_OBJECT | CALL_DIRECT) ? NULL : file_of(result);
		if (file)
			open_object(c, key, file);
		if (result < 0 || !(c->head.state & CALL_LEFT_OUT))
			open_finish(c, key, result, NSW_RING_FILES);
	}
	end_call(key);
	return 0;
}

/* True where the enforcer will see this act, too, has rules for it, and so reports it: one act, one event. */
static __always_inline bool left_to_enforcer(const struct subject *who, __u32 classes)
{
	__u64 id = who->home;
	struct nsw_home *home;

	if (!refusing || !id)
		return false;
	home = bpf_map_lookup_elem(&homes, &id);
	return home && (home->classes & classes || home->flags & NSW_HOME_QUARANTINED);
}

int PROBE(nsw_object_open, security_file_open, struct file *file)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_OPEN, &who))
		return 0;
	if (exec_open(BPF_CORE_READ(file, f_flags)) || backing_file(file))
		return 0;
	c = find_call(key, NSW_EVENT_OPEN);
	if (c) {
		open_object(c, key, file);
		return 0;
	}
	if (open_left_out(s, file))
		return 0;
	/* The layers that overlayfs reads for a directory or a copy-up are not the container's act. */
	if (internal_mount(BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	if (left_to_enforcer(&who, open_classes(BPF_CORE_READ(file, f_flags), BPF_CORE_READ(file, f_mode))))
		return 0;
	open_aside(&who, file, 0, NSW_F_NO_RESULT, NSW_VERDICT_NONE, 0, NSW_RING_FILES);
	return 0;
}
