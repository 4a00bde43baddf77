/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts on paths: what the events have in common whose struct begins with a path and the caller's text of it (PATH path,
 * STR raw), and for acts on two with a second pair. An entry begins such an act, a hook that has the kernel's object fills
 * in the paths, the return adds the texts and sends.
 */
#ifndef NSWARDEN_PATHS_H
#define NSWARDEN_PATHS_H

#include "door.h"

#define AT_FDCWD -100

struct paths {
	struct nsw_header h;
	struct nsw_str path;
	struct nsw_str raw;
	struct nsw_str to;
	struct nsw_str to_raw;
};

enum which {
	PATH_ONE, /* path, raw */
	PATH_TWO, /* to, to_raw */
};

/* What the text functions return: a nsw_str, | TEXT_CUT. */
#define TEXT_AT(off, len) ((__u64)(off) | (__u64)(len) << 16)

static __always_inline struct nsw_str text_at(__u64 text)
{
	struct nsw_str s = {.off = text & 0xffff, .len = text >> 16 & 0xffff};

	return s;
}

/* Moves the record under way to the large map, with `used` bytes of it. */
static __always_inline struct call_large *grow(struct call *c, __u64 key, __u32 used)
{
	struct subject who = {.home = c->head.home, .flags = c->head.flags};
	struct call_large *l = start_large(key, &who, c->head.type, c->head.syscall);

	if (!l)
		return NULL;
	bpf_probe_read_kernel(l->rec, sizeof(c->rec), c->rec);
	l->head.used = used;
	c->head.used = used;
	c->head.state |= CALL_LARGE;
	return l;
}

static __always_inline __u64 large_path(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call_large *l = find_large(key);
	__u64 start, text;

	if (!l)
		return TEXT_CUT;
	start = l->head.used;
	text = path_large(key, mnt, dentry);
	return TEXT_AT(start, TEXT_LENGTH(text)) | (text & TEXT_CUT ? TEXT_CUT : 0);
}

/* Appends a path to the act under that key, in the large map where it has no room in the small one. */
__weak __noinline __u64 put_path(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);
	__u64 start, text;

	if (!c)
		return TEXT_CUT;
	if (c->head.state & CALL_LARGE)
		return large_path(key, mnt, dentry);
	start = c->head.used;
	text = path_small(key, mnt, dentry);
	if (!(text & TEXT_CUT))
		return TEXT_AT(start, TEXT_LENGTH(text));
	if (!grow(c, key, start))
		return TEXT_CUT;
	return large_path(key, mnt, dentry);
}

static __always_inline long read_text(void *to, __u32 max, __u64 from, bool user)
{
	return user ? bpf_probe_read_user_str(to, max, (void *)from) : bpf_probe_read_kernel_str(to, max, (void *)from);
}

static __always_inline __u64 large_text(__u64 key, __u64 from, bool user)
{
	struct call_large *l = find_large(key);
	__u64 pos;
	long n;

	if (!l)
		return TEXT_CUT;
	pos = l->head.used;
	keep(pos);
	if (pos > sizeof(l->rec) - NSW_TEXT_MAX)
		return TEXT_CUT;
	n = read_text(l->rec + pos, NSW_TEXT_MAX, from, user);
	if (n <= 1)
		return 0;
	l->head.used = pos + n - 1;
	return TEXT_AT(pos, n - 1) | (n == NSW_TEXT_MAX ? TEXT_CUT : 0);
}

#define TEXT_SMALL 256

static __always_inline __u64 append_text(__u64 key, __u64 from, bool user)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);
	__u64 pos;
	long n;

	if (!c || !from)
		return 0;
	if (c->head.state & CALL_LARGE)
		return large_text(key, from, user);
	pos = c->head.used;
	keep(pos);
	if (pos <= sizeof(c->rec) - TEXT_SMALL) {
		n = read_text(c->rec + pos, TEXT_SMALL, from, user);
		if (n <= 1)
			return 0;
		if (n < TEXT_SMALL) {
			c->head.used = pos + n - 1;
			return TEXT_AT(pos, n - 1);
		}
	}
	if (!grow(c, key, pos))
		return TEXT_CUT;
	return large_text(key, from, user);
}

/* Append a text from the caller's memory, from the kernel's: one that is there and ended, so that it cannot fault. */
__weak __noinline __u64 put_user_text(__u64 key, __u64 from)
{
	return append_text(key, from, true);
}

__weak __noinline __u64 put_kernel_text(__u64 key, __u64 from)
{
	return append_text(key, from, false);
}

static __always_inline void set_text(struct call *c, struct nsw_str *to, __u64 text)
{
	struct nsw_header *h = (void *)c->rec;

	*to = text_at(text);
	if (text & TEXT_CUT)
		h->flags |= NSW_F_TRUNCATED;
}

/* ---- the entry ------------------------------------------------------------------------------------------------- */

/* A text's argument, and that of the directory that it is relative to; NONE: there is no such argument. */
#define NONE -1

/* Set by the loader: there are programs on the functions that have the objects, whatever sees the calls enter. */
const volatile __u32 objects_seen = 0;

static __always_inline void path_argument(struct call *c, const struct door *d, int folder, int path)
{
	c->head.fd = folder == NONE ? AT_FDCWD : (__u32)arg(d, folder);
	c->head.user = path == NONE ? 0 : arg(d, path);
	if (d->tracepoint && !objects_seen)
		c->head.state |= CALL_TRACEPOINT;
}

static __always_inline void second_argument(struct call *c, const struct door *d, int folder, int path)
{
	c->head.length = folder == NONE ? AT_FDCWD : (__u32)arg(d, folder);
	c->head.argv = arg(d, path);
}

/* ---- the hook in between --------------------------------------------------------------------------------------- */

static __always_inline struct call *begin_aside(__u64 key, const struct subject *who, __u32 type, __u32 size)
{
	struct call *c = start_call(key, who, type, NSW_SYSCALL_NONE);
	struct nsw_header *h;

	if (!c)
		return NULL;
	h = (void *)c->rec;
	h->flags = NSW_F_ASYNC | NSW_F_NO_RESULT;
	c->head.used = size;
	return c;
}

/*
 * The act of that type that a hook is about and that has no object yet; NULL if there is none. `aside`: the size of the
 * event's struct where the act can come in without a system call of its own, 0 where it cannot. Within a call of another
 * type it is part of that: bind(2) makes a file, open(2) truncates one.
 */
static __always_inline struct call *hooked(__u32 type, __u32 aside, __u64 *key)
{
	struct nsw_settings *s = get_settings();
	struct subject who;
	struct call *c;

	if (!s || !watched(s, type, &who))
		return NULL;
	*key = (__u64)current_task();
	c = bpf_map_lookup_elem(&inflight, key);
	if (c)
		return c->head.type == type && !(c->head.state & CALL_OBJECT) ? c : NULL;
	if (!aside)
		return NULL;
	*key |= ASIDE;
	return begin_aside(*key, &who, type, aside);
}

static __always_inline void path_object(struct call *c, __u64 key, enum which which, __u64 mnt, __u64 dentry)
{
	struct paths *p = (void *)c->rec;

	set_text(c, which == PATH_ONE ? &p->path : &p->to, put_path(key, mnt, dentry));
	c->head.state |= CALL_OBJECT;
}

static __always_inline void path_object_of(struct call *c, __u64 key, enum which which, const struct path *path)
{
	path_object(c, key, which, (__u64)BPF_CORE_READ(path, mnt), (__u64)BPF_CORE_READ(path, dentry));
}

/* ---- the return ------------------------------------------------------------------------------------------------ */

/*
 * Without a probe on a hook the caller's text is all that there is. It is put down with the directory that it is relative
 * to; the decoder joins them.
 */
static __always_inline void user_object(struct call *c, __u64 key, enum which which, __s32 folder, __u64 text)
{
	struct fs_struct *fs = BPF_CORE_READ(current_task(), fs);
	struct paths *p = (void *)c->rec;
	struct file *file;
	char first = 0;

	bpf_probe_read_user(&first, 1, (void *)text);
	if (text)
		p->h.flags |= NSW_F_USER_OBJECT;
	if (first == '/') {
		path_object(c, key, which, (__u64)BPF_CORE_READ(fs, root.mnt), (__u64)BPF_CORE_READ(fs, root.dentry));
	} else if (folder == AT_FDCWD) {
		path_object(c, key, which, (__u64)BPF_CORE_READ(fs, pwd.mnt), (__u64)BPF_CORE_READ(fs, pwd.dentry));
	} else {
		file = file_of(folder);
		if (file)
			path_object(c, key, which, (__u64)BPF_CORE_READ(file, f_path.mnt),
				    (__u64)BPF_CORE_READ(file, f_path.dentry));
	}
}

static __always_inline void user_objects(struct call *c, __u64 key, bool two)
{
	user_object(c, key, PATH_ONE, (__s32)c->head.fd, c->head.user);
	if (two)
		user_object(c, key, PATH_TWO, (__s32)c->head.length, c->head.argv);
}

static __always_inline void missing_object(struct call *c, __u64 key, bool two)
{
	struct paths *p = (void *)c->rec;

	if (c->head.state & CALL_TRACEPOINT)
		user_objects(c, key, two);
	else
		p->h.flags |= NSW_F_NO_OBJECT;
}

/* For acts after which the root is another: what the texts are relative to is put down at the entry. */
static __always_inline void before_root_changes(struct call *c, bool two)
{
	if (c->head.state & CALL_TRACEPOINT)
		user_objects(c, (__u64)current_task(), two);
}

/* `size`: of the event's struct, which is written over what grow() copied of it. */
static __always_inline int send_paths(struct call *c, __u64 key, __u64 size, __s64 result, __u32 ring)
{
	struct call_large *l;
	int failed = -1;

	finish_header((struct nsw_header *)c->rec, &c->head, result);
	if (!(c->head.state & CALL_LARGE))
		return emit_small(c, ring);
	l = find_large(key);
	if (!l)
		return failed;
	bpf_probe_read_kernel(l->rec, size, c->rec);
	failed = emit_large(l, ring);
	end_large(key);
	return failed;
}

static __always_inline void user_texts(struct call *c, __u64 key, bool two)
{
	struct paths *p = (void *)c->rec;

	set_text(c, &p->raw, put_user_text(key, c->head.user));
	if (two)
		set_text(c, &p->to_raw, put_user_text(key, c->head.argv));
}

static __always_inline int finish_paths(__u32 type, __u64 size, bool two, __s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = returns(type);

	if (!c)
		return 0;
	if (!(c->head.state & CALL_OBJECT))
		missing_object(c, key, two);
	if (!(c->head.state & CALL_RING))
		user_texts(c, key, two);
	send_paths(c, key, size, result, NSW_RING_FILES);
	end_call(key);
	return 0;
}

/* The whole of a return. */
#define EXIT_ONE(NAME, name)                                                            \
	static __always_inline int exit_##name(__s64 result)                            \
	{                                                                               \
		return finish_paths(NSW_EVENT_##NAME, EVENT_SIZE(name), false, result); \
	}
#define EXIT_TWO(NAME, name)                                                           \
	static __always_inline int exit_##name(__s64 result)                           \
	{                                                                              \
		return finish_paths(NSW_EVENT_##NAME, EVENT_SIZE(name), true, result); \
	}

/* At the end of a hook: sends what came in aside. */
static __always_inline int hook_done(struct call *c, __u64 key, __u64 size)
{
	if (!(key & ASIDE))
		return 0;
	send_paths(c, key, size, 0, NSW_RING_FILES);
	end_call(key);
	return 0;
}

#define EVENT_SIZE(event) sizeof(struct nsw_event_##event)

/* The event's struct begins as `struct paths` does. */
#define HAS_PATH(event)                                                                                \
	_Static_assert(offsetof(struct nsw_event_##event, path) == offsetof(struct paths, path) &&     \
			       offsetof(struct nsw_event_##event, raw) == offsetof(struct paths, raw), \
		       #event);
#define HAS_TWO_PATHS(event, second)                                                                               \
	HAS_PATH(event)                                                                                            \
	_Static_assert(offsetof(struct nsw_event_##event, second) == offsetof(struct paths, to) &&                 \
			       offsetof(struct nsw_event_##event, second##_raw) == offsetof(struct paths, to_raw), \
		       #event);

#endif
