/* SPDX-License-Identifier: GPL-2.0-only */
/* Execs: what both the sensor and the enforcer write about the program. */
#ifndef NSWARDEN_EXEC_H
#define NSWARDEN_EXEC_H

#include "call.h"

#define ARGS_MAX 32 /* arguments read from the caller's memory, where the exec failed */

static __always_inline struct nsw_str exec_path(struct call_large *c, __u64 key, struct vfsmount *mnt, struct dentry *dentry)
{
	struct nsw_event_exec *e = (void *)c->rec;
	struct nsw_str path = {.off = c->head.used};
	__u64 text = path_large(key, (__u64)mnt, (__u64)dentry);

	path.len = TEXT_LENGTH(text);
	if (text & TEXT_CUT)
		e->h.flags |= NSW_F_TRUNCATED;
	return path;
}

/*
 * One file of the exec. The first that the kernel checks is what was asked for; each that follows is an interpreter,
 * and the last one runs.
 */
static __always_inline void exec_object(struct call_large *c, __u64 key, struct file *file)
{
	struct nsw_event_exec *e = (void *)c->rec;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct nsw_str path;

	if (!c->head.used)
		c->head.used = sizeof(*e);
	if (c->head.state & CALL_OBJECT && c->head.object == (__u64)file)
		return;
	path = exec_path(c, key, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
	e->exe = path;
	if (!(c->head.state & CALL_OBJECT))
		e->file = path;
	c->head.state |= CALL_OBJECT;
	c->head.object = (__u64)file;
	e->ino = BPF_CORE_READ(inode, i_ino);
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->mode = BPF_CORE_READ(inode, i_mode);
	e->exe_flags = exe_flags_of(inode, internal_mount(BPF_CORE_READ(file, f_path.mnt)));
}

static __always_inline void exec_raw(struct call_large *c, struct linux_binprm *bprm)
{
	struct nsw_event_exec *e = (void *)c->rec;
	const char *name = BPF_CORE_READ(bprm, filename);
	__u64 pos = c->head.used;
	long n;

	keep(pos);
	if (!name || e->raw.len || pos > sizeof(c->rec) - 1024)
		return;
	/* The kernel's own copy, ended by a NUL and not freed before the exec is over: it cannot fault. */
	n = bpf_probe_read_kernel_str(c->rec + pos, 1024, name);
	if (n <= 1)
		return;
	e->raw.off = pos;
	e->raw.len = n - 1;
	c->head.used = pos + n - 1;
}

static __always_inline void exec_place(struct call_large *c, __u64 key)
{
	struct nsw_event_exec *e = (void *)c->rec;
	struct task_struct *task = current_task();
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

	e->cwd = exec_path(c, key, BPF_CORE_READ(task, fs, pwd.mnt), BPF_CORE_READ(task, fs, pwd.dentry));
	if (tty)
		e->tty = BPF_CORE_READ(tty, driver, major) << 8 |
			 (BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index));
}

/* One block of texts from the new program's memory, as much of it as a text may have. */
static __always_inline void exec_block(struct call_large *c, struct nsw_str *text, __u64 from, __u64 to)
{
	struct nsw_event_exec *e = (void *)c->rec;
	__u64 n = to - from, pos = c->head.used;

	if (n > NSW_TEXT_MAX) {
		n = NSW_TEXT_MAX;
		e->h.flags |= NSW_F_TRUNCATED;
	}
	keep(pos);
	keep(n);
	if (pos > sizeof(c->rec) - NSW_TEXT_MAX || n > NSW_TEXT_MAX) {
		e->h.flags |= NSW_F_TRUNCATED;
		return;
	}
	if (bpf_probe_read_user(c->rec + pos, n, (void *)from))
		return;
	text->off = pos;
	text->len = n;
	c->head.used = pos + n;
}

/* Arguments and environment as the new program has them. */
static __always_inline void exec_args(struct call_large *c)
{
	struct nsw_event_exec *e = (void *)c->rec;
	struct mm_struct *mm = BPF_CORE_READ(current_task(), mm);
	struct nsw_settings *s = get_settings();

	exec_block(c, &e->args, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end));
	if (s && s->wanted & NSW_WANT_ENVIRONMENT)
		exec_block(c, &e->env, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end));
}

/* The arguments as the caller gave them, where no new program came to be. */
static __always_inline void exec_user_args(struct call_large *c)
{
	struct nsw_event_exec *e = (void *)c->rec;
	__u64 pos = c->head.used, start = pos, from;
	long n;
	int i;

	if (!c->head.argv)
		return;
	for (i = 0; i < ARGS_MAX; i++) {
		from = user_pointer(c->head.argv, i, c->head.state);
		keep(pos);
		if (!from || pos > sizeof(c->rec) - 512 || pos - start > NSW_TEXT_MAX - 512)
			break;
		n = bpf_probe_read_user_str(c->rec + pos, 512, (void *)from);
		if (n < 0)
			break;
		pos += n & 1023;
	}
	if (from)
		e->h.flags |= NSW_F_TRUNCATED;
	e->args.off = start;
	e->args.len = pos - start;
	c->head.used = pos;
}

static __always_inline int exec_succeeded(struct call_large *c, __u64 key, struct linux_binprm *bprm)
{
	struct nsw_event_exec *e = (void *)c->rec;

	exec_object(c, key, BPF_CORE_READ(bprm, file));
	exec_place(c, key);
	exec_raw(c, bprm);
	exec_args(c);
	finish_header(&e->h, &c->head, 0);
	return emit_large(c, NSW_RING_EVENTS);
}

/* It succeeded, but its new program passed unseen: see report_missed_end(). */
static __always_inline int exec_unseen(struct call_large *c, __u64 key)
{
	struct nsw_event_exec *e = (void *)c->rec;

	if (!c->head.used)
		c->head.used = sizeof(*e);
	finish_header(&e->h, &c->head, 0);
	if (!(c->head.state & CALL_OBJECT))
		e->h.flags |= NSW_F_NO_OBJECT;
	exec_place(c, key);
	exec_args(c);
	return emit_large(c, NSW_RING_EVENTS);
}

static __always_inline int exec_failed(struct call_large *c, __u64 key, __s64 result, __u32 ring)
{
	struct nsw_event_exec *e = (void *)c->rec;

	if (!c->head.used)
		c->head.used = sizeof(*e);
	finish_header(&e->h, &c->head, result);
	if (!(c->head.state & CALL_OBJECT))
		e->h.flags |= NSW_F_NO_OBJECT;
	exec_place(c, key);
	exec_user_args(c);
	if (!e->raw.len)
		read_user_text(&e->h, c->rec, sizeof(c->rec), &c->head.used, &e->raw, 1024, (void *)c->head.user);
	return emit_large(c, ring);
}

#endif
