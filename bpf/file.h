/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens: what both the sensor and the enforcer write about the file that is opened. */
#ifndef NSWARDEN_FILE_H
#define NSWARDEN_FILE_H

#include "call.h"

/*
 * overlayfs opens twice inside: itself, then the file of the layer. Where the second shows the first's path (up to 6.7)
 * the two inodes differ; later it is on an internal mount.
 */
static __always_inline bool backing_file(struct file *file)
{
	return BPF_CORE_READ(file, f_inode) != BPF_CORE_READ(file, f_path.dentry, d_inode);
}

/* Opened by the kernel to execute it: reported and judged as an exec. */
static __always_inline bool exec_open(__u32 flags)
{
	return flags & FMODE_EXEC;
}

/* An ioctl that sets what chattr does. */
static __always_inline bool sets_flags(__u32 command)
{
	return command == FS_IOC_SETFLAGS || command == FS_IOC32_SETFLAGS || command == FS_IOC_FSSETXATTR;
}

/* Bits of the classes that an open is of. Making a file is judged where it gets its name. */
static __always_inline __u32 open_classes(__u32 flags, __u32 mode)
{
	__u32 classes = 0;

	if ((flags & O_ACCMODE) != O_WRONLY)
		classes |= 1 << NSW_CLASS_READ;
	if (flags & O_ACCMODE || flags & O_TRUNC || mode & (FMODE_WRITE | FMODE_CREATED))
		classes |= 1 << NSW_CLASS_MODIFY;
	return classes;
}

/* Whether opens that do not ask to write are to be reported of the current task. */
static __always_inline bool reads_watched(const struct nsw_settings *s)
{
	struct subject who;

	return s->everywhere & NSW_WANT_READS || watched(s, NSW_EVENT_NONE, &who);
}

/* Whether at least those with certain names are. */
static __always_inline bool named_reads_watched(const struct nsw_settings *s)
{
	struct subject who;

	return s->everywhere & NSW_WANT_NAMED_READS || watched(s, NSW_NAMED_READS, &who);
}

/* True where an open that no entry was seen of is one of them, and not to be reported. */
static __always_inline bool open_left_out(const struct nsw_settings *s, struct file *file)
{
	return !(BPF_CORE_READ(file, f_mode) & FMODE_WRITE) && !reads_watched(s) && !named_reads_watched(s);
}

/* Where the first text of an open goes: behind the caller's, where that is there already (io_uring). */
static __always_inline __u32 open_texts(const struct nsw_event_open *e)
{
	return sizeof(*e) + e->raw.len;
}

static __always_inline void open_text_large(struct call *c, __u64 key, __u64 mnt, __u64 dentry, const struct subject *who)
{
	struct nsw_event_open *small = (void *)c->rec, *large;
	struct call_large *l;
	__u64 text;

	small->h.flags |= NSW_F_TRUNCATED;
	/* Without room the record goes out with what it has, marked as cut: that is no loss. */
	l = make_large(key, who, NSW_EVENT_OPEN, c->head.syscall);
	if (!l)
		return;
	l->head.used = sizeof(*large);
	text = path_large(key, mnt, dentry);
	l = find_large(key);
	if (!l)
		return;
	large = (void *)l->rec;
	large->path.off = sizeof(*large);
	large->path.len = TEXT_LENGTH(text);
	if (text & TEXT_CUT)
		large->h.flags |= NSW_F_TRUNCATED;
	small->h.flags &= ~NSW_F_TRUNCATED;
	c->head.state |= CALL_LARGE;
}

/* Hashes of names: see NSW_WANT_NAMED_READS. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NSW_READ_NAMES);
	__type(key, __u64);
	__type(value, __u8);
} read_names SEC(".maps");

/* Up the path of a call's object, from where its head stands. Done where such a name is found, or there is no path. */
__weak __noinline int names_chunk(__u64 key)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);
	struct nsw_settings *s = get_settings();
	struct walk w;
	enum step step;
	__u64 hash;
	int i;

	if (!c || !s)
		return WALK_DONE;
	w.mount = (struct mount *)c->head.mount;
	w.dentry = (struct dentry *)c->head.dentry;
	for (i = 0; i < CHUNK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step == STEP_TOP)
			return WALK_LOST;
		hash = name_hash((__u64)w.dentry, s->seed);
		if (step == STEP_LOST || bpf_map_lookup_elem(&read_names, &hash))
			return WALK_DONE;
		up(&w);
	}
	c->head.mount = (__u64)w.mount;
	c->head.dentry = (__u64)w.dentry;
	return WALK_ON;
}

static __always_inline bool has_wanted_name(struct call *c, __u64 key, __u64 mnt, __u64 dentry)
{
	int i, end = WALK_ON;

	start_text(&c->head, mnt, dentry);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = names_chunk(key);
	return end != WALK_LOST;
}

/* The flags of an open file that its opener gave it. For io_uring the kernel tries with O_NONBLOCK first. */
static __always_inline __u32 visible_flags(const struct call *c)
{
	const struct nsw_event_open *e = (void *)c->rec;

	return c->head.state & CALL_RING && !(e->flags & O_NONBLOCK) ? O_VISIBLE & ~O_NONBLOCK : O_VISIBLE;
}

/* Fills in the kernel's object. The first one counts, unless it lay on a mount of the kernel's own. */
static __always_inline void open_object(struct call *c, __u64 key, struct file *file)
{
	struct nsw_event_open *e = (void *)c->rec;
	struct inode *inode = BPF_CORE_READ(file, f_path.dentry, d_inode);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct subject who = {.home = c->head.home, .flags = c->head.flags};
	bool internal = internal_mount(mnt);
	__u64 text;

	if (c->head.state & CALL_OBJECT && (!(c->head.state & CALL_INTERNAL) || internal))
		return;
	e->ino = BPF_CORE_READ(inode, i_ino);
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->file_mode = BPF_CORE_READ(inode, i_mode);
	e->flags = (BPF_CORE_READ(file, f_flags) & visible_flags(c)) | (e->flags & O_KEPT_BY_CALL);
	e->created = BPF_CORE_READ(file, f_mode) & FMODE_CREATED ? 1 : 0;
	c->head.state = (c->head.state & ~CALL_INTERNAL) | CALL_OBJECT | (internal ? CALL_INTERNAL : 0);
	c->head.used = open_texts(e);
	if (c->head.state & CALL_NAMED && !e->h.verdict && !has_wanted_name(c, key, (__u64)mnt, (__u64)dentry)) {
		c->head.state |= CALL_LEFT_OUT;
		return;
	}
	c->head.state &= ~CALL_LEFT_OUT;
	text = path_small(key, (__u64)mnt, (__u64)dentry);
	e->path.off = open_texts(e);
	e->path.len = TEXT_LENGTH(text);
	if (text & TEXT_CUT)
		open_text_large(c, key, (__u64)mnt, (__u64)dentry, &who);
}

static __always_inline int open_finish_large(struct call *c, __u64 key, __u32 ring)
{
	struct nsw_event_open *small = (void *)c->rec, *e;
	struct call_large *l = find_large(key);
	struct nsw_str path;
	__u8 cut;
	int failed;

	if (!l)
		return -1;
	e = (void *)l->rec;
	path = e->path;
	cut = e->h.flags;
	__builtin_memcpy(e, small, sizeof(*e));
	e->path = path;
	e->h.flags |= cut;
	e->raw.len = 0;
	l->head.type = NSW_EVENT_OPEN;
	read_user_text(&e->h, l->rec, sizeof(l->rec), &l->head.used, &e->raw, NSW_TEXT_MAX, (void *)c->head.user);
	failed = emit_large(l, ring);
	end_large(key);
	return failed;
}

/* Sends the open. The caller ends the entry. */
static __always_inline int open_finish(struct call *c, __u64 key, __s64 result, __u32 ring)
{
	struct nsw_event_open *e = (void *)c->rec;

	finish_header(&e->h, &c->head, result);
	if (!(c->head.state & CALL_OBJECT)) {
		e->h.flags |= NSW_F_NO_OBJECT;
		c->head.used = open_texts(e);
	}
	if (c->head.state & CALL_LARGE)
		return open_finish_large(c, key, ring);
	if (c->head.state & CALL_RING)
		return emit_small(c, ring);
	if (c->head.used <= 512)
		read_user_text(&e->h, c->rec, sizeof(c->rec), &c->head.used, &e->raw, 512, (void *)c->head.user);
	else
		read_user_text(&e->h, c->rec, sizeof(c->rec), &c->head.used, &e->raw, 128, (void *)c->head.user);
	return emit_small(c, ring);
}

/* An open without a system call entry: reported at once. `verdict`, `rule`: the enforcer's answer. */
static __always_inline void open_aside(const struct subject *who, struct file *file, __s64 result, __u32 flags, __u32 verdict,
				       __u32 rule, __u32 ring)
{
	__u64 key = (__u64)current_task() | ASIDE;
	struct call *c = start_call(key, who, NSW_EVENT_OPEN, NSW_SYSCALL_NONE);
	struct nsw_event_open *e;

	told_aside(NSW_EVENT_OPEN);
	if (!c) {
		if (verdict == NSW_VERDICT_DENIED)
			count_untold(rule);
		return;
	}
	e = (void *)c->rec;
	e->h.flags = NSW_F_ASYNC | flags;
	e->h.verdict = verdict;
	e->h.rule = rule;
	open_object(c, key, file);
	open_finish(c, key, result, ring);
	end_call(key);
}

#endif
