/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the deny maps say of a file or an address. Pure look-up: no ring, no scratch, so that a verdict never depends on
 * whether it can be reported.
 */
#ifndef NSWARDEN_VERDICT_H
#define NSWARDEN_VERDICT_H

#include "path.h"

#define MAX_SETS 1024 /* slot 0 stands for none */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__type(value, struct nsw_set);
} sets SEC(".maps");

/* What one set of policies refuses; shared by all homes that are bound to it. Built whole, then bound. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct nsw_path_key));
			__uint(value_size, sizeof(struct nsw_verdict));
		});
} path_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct nsw_net_key));
			__uint(value_size, sizeof(struct nsw_net));
		});
} net_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct nsw_object_key);
	__type(value, struct nsw_verdict);
} overlay SEC(".maps");

/* An answer as the global functions return it: mode above rule, so that of two answers the enforcing one is greater. */
#define ANSWER(rule, mode, unresolved) ((__u64)(rule) | (__u64)(mode) << 32 | (__u64)(unresolved) << 40)
#define ANSWER_RULE(a) ((__u32)(a))
#define ANSWER_MODE(a) ((a) >> 32 & 3)
#define ANSWER_UNRESOLVED(a) ((a) >> 40 & 1)

/* Of two answers the enforcing one, then the first; unresolved if either is. A function of its own, so that its branch is not the walk's. */
__weak __noinline __u64 stronger(__u64 a, __u64 b)
{
	__u64 unresolved = (a | b) & ANSWER(0, 0, 1);

	return (ANSWER_MODE(b) > ANSWER_MODE(a) ? b : a) | unresolved;
}

static __always_inline __u64 read_verdict(const struct nsw_verdict *v, __u64 classes)
{
	__u64 answer = 0;
	int i;

	if (!v || (v->expires_ns && v->expires_ns < bpf_ktime_get_boot_ns()))
		return 0;
#pragma unroll
	for (i = 0; i < NSW_CLASS_COUNT; i++) {
		if (classes & 1 << i && v->by_class[i].rule)
			answer = stronger(answer, ANSWER(v->by_class[i].rule, v->by_class[i].mode, 0));
	}
	return answer;
}

/*
 * The look-ups are global functions with scalar arguments: verified once, and not again in each step of a walk. `home`
 * is 0 where the overlay has nothing of it, `slot` where no set is bound.
 */
__weak __noinline __u64 ask_path(__u64 slot, __u64 home, __u64 hash, __u64 kind, __u64 classes)
{
	struct nsw_object_key object = {.home = home, .id = hash, .kind = kind};
	struct nsw_path_key key = {.hash = hash, .kind = kind};
	__u32 index = slot;
	__u64 answer = 0;
	void *paths;

	paths = slot ? bpf_map_lookup_elem(&path_sets, &index) : NULL;
	if (paths)
		answer = read_verdict(bpf_map_lookup_elem(paths, &key), classes);
	if (home)
		answer = stronger(answer, read_verdict(bpf_map_lookup_elem(&overlay, &object), classes));
	return answer;
}

__weak __noinline __u64 ask_inode(__u64 home, __u64 dentry, __u64 kind, __u64 classes)
{
	struct nsw_object_key key = {.home = home, .kind = kind | NSW_KEY_INODE};
	struct dentry *d = (struct dentry *)dentry;
	struct inode *inode;

	if (!home)
		return 0;
	inode = BPF_CORE_READ(d, d_inode);
	key.id = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	return read_verdict(bpf_map_lookup_elem(&overlay, &key), classes);
}

/* Hash of one component. */
__weak __noinline __u64 name_hash(__u64 dentry, __u64 seed)
{
	struct dentry *d = (struct dentry *)dentry;
	__u64 h, word, len = BPF_CORE_READ(d, d_name.len), left;
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);
	int i;

	if (len > 255)
		return 0;
	h = seed ^ len;
	left = len;
	for (i = 0; i < 32; i++) {
		if (!left)
			break;
		word = 0;
		keep(left);
		if (left < 8) {
			bpf_probe_read_kernel(&word, left & 7, name + i * 8);
			return nsw_hash_word(h, word);
		}
		bpf_probe_read_kernel(&word, 8, name + i * 8);
		h = nsw_hash_word(h, word);
		left -= 8;
	}
	return h;
}

static __always_inline struct walk_state *walk_of(__u64 key)
{
	struct task_state *task = bpf_map_lookup_elem(&labels, &key);

	return task ? &task->walk : NULL;
}

static __always_inline void restart(struct walk_state *state, __u64 mnt, __u64 dentry)
{
	state->mount = (__u64)real_mount((struct vfsmount *)mnt);
	state->dentry = dentry;
}

static __always_inline void keep_place(struct walk_state *state, const struct walk *w)
{
	state->mount = (__u64)w->mount;
	state->dentry = (__u64)w->dentry;
}

/* First walk: hash and depth of the whole path. */
__weak __noinline int measure_chunk(__u64 key)
{
	struct walk_state *state = walk_of(key);
	struct walk w;
	enum step step;
	int i;

	if (!state)
		return WALK_LOST;
	w.mount = (struct mount *)state->mount;
	w.dentry = (struct dentry *)state->dentry;
	for (i = 0; i < CHUNK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step == STEP_NAME) {
			state->hash += name_hash((__u64)w.dentry, state->seed) * state->power;
			state->power *= NSW_FOLD;
			state->depth++;
			up(&w);
			continue;
		}
		keep_place(state, &w);
		return step == STEP_TOP ? WALK_DONE : WALK_LOST;
	}
	keep_place(state, &w);
	return WALK_ON;
}

/* Second walk: takes component after component off the hash again, and so meets that of each ancestor. */
__weak __noinline int ask_chunk(__u64 key)
{
	struct walk_state *state = walk_of(key);
	struct walk w;
	enum step step;
	int i;

	if (!state)
		return WALK_LOST;
	w.mount = (struct mount *)state->mount;
	w.dentry = (struct dentry *)state->dentry;
	for (i = 0; i < CHUNK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_NAME) {
			state->hash = (state->hash - name_hash((__u64)w.dentry, state->seed)) * NSW_UNFOLD;
			state->depth--;
			up(&w);
			if (state->depths >> (state->depth & 63) & 1)
				state->answer = stronger(state->answer, ask_path(state->slot, state->home, state->hash,
										 NSW_KEY_BELOW, state->classes));
		} else if (step != STEP_CROSSED) {
			return WALK_DONE;
		}
		/* The mount point as well as the root of the mount on it: they are two directories. */
		if (state->home)
			state->answer =
				stronger(state->answer, ask_inode(state->home, (__u64)w.dentry, NSW_KEY_BELOW, state->classes));
	}
	keep_place(state, &w);
	return WALK_ON;
}

/* Third walk, of directories alone, whatever is mounted where. */
__weak __noinline int physical_chunk(__u64 key)
{
	struct walk_state *state = walk_of(key);
	struct dentry *d, *parent;
	int i;

	if (!state)
		return WALK_LOST;
	d = (struct dentry *)state->dentry;
	for (i = 0; i < CHUNK_STEPS; i++) {
		parent = BPF_CORE_READ(d, d_parent);
		if (parent == d)
			return WALK_DONE;
		state->answer = stronger(state->answer, ask_inode(state->home, (__u64)parent, NSW_KEY_BELOW, state->classes));
		d = parent;
	}
	state->dentry = (__u64)d;
	return WALK_ON;
}

/*
 * Hash and depth of (mnt, dentry) into the task's walk state. Returns 1 if it has a path: one that ends at the root of a
 * mount namespace, and not in a detached mount, where no path of a policy leads.
 */
__weak __noinline int measure(__u64 key, __u64 mnt, __u64 dentry)
{
	struct walk_state *state = walk_of(key);
	struct nsw_settings *s = get_settings();
	struct mnt_namespace *ns;
	int i, end = WALK_ON;
	struct mount *top;

	if (!state || !s)
		return 0;
	state->seed = s->seed;
	state->hash = state->depth = 0;
	state->power = 1;
	restart(state, mnt, dentry);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = measure_chunk(key);
	if (end != WALK_DONE)
		return 0;
	top = (struct mount *)state->mount;
	ns = BPF_CORE_READ(top, mnt_ns);
	return ns && (__u64)ns != INTERNAL_NS && mntns_serial(ns);
}

/* Returns 1 if the path is another one than was measured: it was moved meanwhile. */
__weak __noinline int ask_ancestors(__u64 key, __u64 mnt, __u64 dentry)
{
	struct walk_state *state = walk_of(key);
	int i, end = WALK_ON;

	if (!state)
		return 1;
	restart(state, mnt, dentry);
	state->answer = stronger(state->answer, ask_path(state->slot, state->home, state->hash, NSW_KEY_PATH, state->classes));
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = ask_chunk(key);
	return end != WALK_DONE || state->hash || state->depth;
}

/*
 * Beyond the root of its mount: a bind mount of a subdirectory shows the file, but not the directories above it that a
 * policy names. Their inodes give them away.
 */
static __always_inline void ask_physical(struct walk_state *state, __u64 key, __u64 mnt, __u64 dentry)
{
	struct vfsmount *vfsmount = (struct vfsmount *)mnt;
	int i, end = WALK_ON;

	state->answer = stronger(state->answer, ask_inode(state->home, dentry, NSW_KEY_PATH, state->classes));
	state->dentry = (__u64)BPF_CORE_READ(vfsmount, mnt_root);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = physical_chunk(key);
}

/* Both walks, and once more if the path moved between them. */
static __always_inline void ask_walk(struct walk_state *state, __u64 key, __u64 mnt, __u64 dentry)
{
	int resolved = measure(key, mnt, dentry);

	if (ask_ancestors(key, mnt, dentry)) {
		resolved = measure(key, mnt, dentry);
		if (ask_ancestors(key, mnt, dentry))
			resolved = 0;
	}
	if (!resolved)
		state->answer |= ANSWER(0, 0, 1);
}

static __always_inline void open_query(struct walk_state *state, const struct nsw_home *h, __u64 home, __u64 classes)
{
	__u64 overlaid = h->overlay & 1;
	struct nsw_set *set;
	__u32 slot = h->set;

	state->answer = 0;
	state->classes = classes;
	state->home = overlaid ? home : 0;
	state->slot = slot;
	state->depths = 0 - overlaid; /* what the overlay names may be at any depth */
	state->names = overlaid;
	set = bpf_map_lookup_elem(&sets, &slot);
	if (!slot || !set)
		return;
	state->depths |= set->depths;
	state->names |= set->names;
}

/*
 * The answer for a file, for the current task. `asked`: bits of the classes of the act; STRICT: a file on an internal
 * mount is unresolved (a program in memory has no path that a policy could permit).
 */
#define STRICT (1U << 31)
__weak __noinline __u64 judge_file(__u64 mnt, __u64 dentry, __u64 home, __u64 asked)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	__u64 key = (__u64)current_task(), classes = asked & 15, answer, strict;
	struct walk_state *state = walk_of(key);

	if (!h || !state)
		return 0;
	open_query(state, h, home, classes);
	if (state->home)
		ask_physical(state, key, mnt, dentry);
	/* The path of a file on an internal mount means nothing: only its inode is asked. */
	if (!internal_mount((struct vfsmount *)mnt)) {
		ask_walk(state, key, mnt, dentry);
		if (state->names)
			state->answer =
				stronger(state->answer, ask_path(state->slot, state->home, name_hash(dentry, state->seed),
								 NSW_KEY_NAME, classes));
	} else if (asked & STRICT) {
		state->answer |= ANSWER(0, 0, 1);
	}
	answer = state->answer;
	if (!ANSWER_UNRESOLVED(answer) || !classes)
		return answer;
	/* What cannot be resolved could be anything, so also what a rule refuses. */
	strict = ANSWER(0, h->classes >> NSW_CLASS_ENFORCED & classes ? NSW_VERDICT_DENIED : NSW_VERDICT_AUDIT, 1);
	answer &= ~ANSWER(0, 0, 1);
	return ANSWER_MODE(strict) > ANSWER_MODE(answer) ? strict : answer;
}

#endif
