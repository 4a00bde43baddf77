/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the policies say of a file. It is found by the hash of its path and of each directory above, by its names, and by its
 * inode and those of the directories above: by whatever door it is reached, one of them tells.
 */
#ifndef NSWARDEN_VERDICT_H
#define NSWARDEN_VERDICT_H

#include "climb.h"

/* ---- down again in the hash: takes a component off, and so meets that of each ancestor ----------------------------- */

static __always_inline void ask_holes(struct walk_state *state, __u64 key, __u64 hash, __u64 depth, __u64 kind)
{
	struct nsw_set *set;
	__u64 found, name;
	__u32 slot, i;

	slot = state->slot;
	set = bpf_map_lookup_elem(&sets, &slot);
	if (!set)
		return;
	for (i = 0; i < NSW_SHAPES; i++) {
		const struct nsw_hole *shape = &set->shape[i];

		if (i >= set->shapes)
			break;
		if (shape->depth != depth)
			continue;
		name = state->names[(state->depth - 1 - shape->position) & (NAMES - 1)];
		found = find_clauses(slot, kind | i << NSW_KEY_SHAPE, hash - name * shape->power);
		if (found)
			collect(key, found);
	}
}

/* By a hash that is of `depth` components. `kind`: PATH or BELOW. */
__weak __noinline int ask_level(__u64 key, __u64 hash, __u64 depth, __u64 kind)
{
	struct walk_state *state = walk_of(key);
	__u64 found;

	if (!state)
		return 0;
	if (kind == NSW_KEY_PATH || state->depths >> (depth & 63) & 1) {
		found = find_clauses(state->slot, kind, hash);
		if (found)
			collect(key, found);
	}
	if (kind == NSW_KEY_PATH ? state->overlay & NSW_OVERLAY_TARGETS : state->target_depths >> (depth & 63) & 1) {
		found = find_overlay(state->home, hash, 0, (__u64)state->slot << 16 | kind);
		if (found)
			collect(key, found);
	}
	if (depth < 64 && state->hole_depths >> (depth & 63) & 1)
		ask_holes(state, key, hash, depth, kind == NSW_KEY_PATH ? NSW_KEY_HOLE : NSW_KEY_HOLE_BELOW);
	if (state->overlay & NSW_OVERLAY_PUSHES)
		ask_pushes(key, hash, 0, kind);
	return 0;
}

/* Whether anything at all is to be asked of what is below a directory that deep. */
static __always_inline bool asks_below(const struct walk_state *state, __u64 depth)
{
	return state->levels >> (depth & 63) & 1;
}

/* Where more is to be asked than the set's keys without a hole: bits as of `levels`. */
static __always_inline __u64 other_levels(const struct walk_state *state)
{
	return state->hole_depths | state->target_depths | (state->overlay & NSW_OVERLAY_PUSHES ? ~0ULL : 0);
}

/* By the directories above a path whose components are all known. */
static __always_inline void ask_above(struct walk_state *state, __u64 key, const struct nsw_filter *filter)
{
	__u64 hash = state->hash, others = other_levels(state), levels = state->levels, level;
	int i;

	if (!state->depth)
		return;
	level = 1ULL << ((state->depth - 1) & 63); /* the bit of how many are left */
	for (i = 0; i < NAMES && level; i++, level >>= 1) {
		hash = (hash - state->names[i]) * NSW_UNFOLD;
		if (levels & level && (others & level || may_have(filter, NSW_KEY_BELOW, hash)))
			ask_level(key, hash, state->depth - 1 - i, NSW_KEY_BELOW);
	}
}

/* By the path itself. */
static __always_inline void ask_path(struct walk_state *state, __u64 key, const struct nsw_filter *filter)
{
	bool others = state->overlay & NSW_OVERLAY_TARGETS || other_levels(state) >> (state->depth & 63) & 1;

	if (others || may_have(filter, NSW_KEY_PATH, state->hash))
		ask_level(key, state->hash, state->depth, NSW_KEY_PATH);
}

/* Of a deeper one the components are read again. */
__weak __noinline int ask_deep_chunk(__u64 key)
{
	struct walk_state *state = walk_of(key);
	struct nsw_settings *s = get_settings();
	struct dentry *d;
	__u64 parent;
	int i;

	if (!state || !s)
		return WALK_LOST;
	for (i = 0; i < CHUNK_STEPS; i++) {
		if (state->dentry == state->at.root) {
			if (cross(state) == STEP_TOP)
				return WALK_DONE;
			continue;
		}
		d = (struct dentry *)state->dentry;
		parent = (__u64)BPF_CORE_READ(d, d_parent);
		if (!state->left || parent == state->dentry)
			return WALK_LOST;
		state->hash = (state->hash - name_hash(state->dentry, s->seed)) * NSW_UNFOLD;
		state->left--;
		state->dentry = parent;
		if (asks_below(state, state->left))
			ask_level(key, state->hash, state->left, NSW_KEY_BELOW);
	}
	return WALK_ON;
}

/* Returns 1 if the path is another one than was climbed: it was moved meanwhile. */
static __always_inline int ask_deep(struct walk_state *state, __u64 key)
{
	int i, end = WALK_ON;

	state->left = state->depth;
	stand_on(state, real_mount((struct vfsmount *)state->mnt), state->leaf);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = ask_deep_chunk(key);
	return end != WALK_DONE || state->hash || state->left;
}

/* ---- the file itself ----------------------------------------------------------------------------------------------- */

static __always_inline void ask_suffixes(struct walk_state *state, const struct nsw_set *set, __u64 key, __u64 dentry,
					 __u64 seed)
{
	struct dentry *d = (struct dentry *)dentry;
	__u64 name = (__u64)BPF_CORE_READ(d, d_name.name), length = BPF_CORE_READ(d, d_name.len), end, found;
	int i;

	for (i = 0; i < NSW_SUFFIXES; i++) {
		if (i >= set->suffixes)
			break;
		end = set->suffix[i];
		if (length < end)
			continue;
		found = find_clauses(state->slot, NSW_KEY_SUFFIX, text_hash(name + length - end, end, seed));
		if (found)
			collect(key, found);
	}
}

/* By the last component alone. Of a mounted file that is its mount point's name, and its own. */
__weak __noinline int ask_name(__u64 key, __u64 dentry)
{
	struct walk_state *state = walk_of(key);
	struct nsw_settings *s = get_settings();
	__u64 hash, found;
	struct nsw_set *set;
	__u32 slot;

	if (!state || !s)
		return 0;
	slot = state->slot;
	set = slot ? bpf_map_lookup_elem(&sets, &slot) : NULL;
	if (!(set && set->names) && !(state->overlay & NSW_OVERLAY_PUSHES) && !(set && set->suffixes))
		return 0;
	hash = name_hash(dentry, s->seed);
	found = set && set->names ? find_clauses(slot, NSW_KEY_NAME, hash) : 0;
	if (found)
		collect(key, found);
	if (state->overlay & NSW_OVERLAY_PUSHES)
		ask_pushes(key, hash, 0, NSW_KEY_NAME);
	if (set && set->suffixes)
		ask_suffixes(state, set, key, dentry, s->seed);
	return 0;
}

/* By the names of a file whose path is climbed. */
static __always_inline void ask_names(struct walk_state *state, __u64 key, const struct nsw_set *set,
				      const struct nsw_filter *filter)
{
	bool others = state->overlay & NSW_OVERLAY_PUSHES || (set && set->suffixes);

	if (others || (set && set->names && may_have(filter, NSW_KEY_NAME, state->names[0])))
		ask_name(key, state->named);
	if (state->named != state->leaf)
		ask_name(key, state->leaf);
}

/*
 * Beyond the root of its mount: a bind mount of a subdirectory shows the file, but not the directories above it that a
 * policy names. Their inodes give them away.
 */
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
		ask_inode(state, key, (__u64)BPF_CORE_READ(parent, d_inode), NSW_KEY_BELOW, NSW_OVERLAY_FOLDERS);
		d = parent;
	}
	state->dentry = (__u64)d;
	return WALK_ON;
}

static __always_inline void ask_inodes(struct walk_state *state, __u64 key)
{
	struct dentry *d = (struct dentry *)state->as;
	int i, end = WALK_ON;

	stand_on(state, real_mount((struct vfsmount *)state->mnt), state->leaf);
	ask_inode(state, key, (__u64)BPF_CORE_READ(d, d_inode), NSW_KEY_PATH, NSW_OVERLAY_FILES);
	if (!(state->overlay & (NSW_OVERLAY_FOLDERS | NSW_OVERLAY_PUSHES)))
		return;
	state->dentry = state->at.root;
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = physical_chunk(key);
}

static __always_inline void ask_origin(struct walk_state *state, __u64 key, __u32 origin, bool is)
{
	if (is && state->origins & 1U << origin)
		ask_key(key, NSW_KEY_ORIGIN, origin);
}

/* Where a program comes from. */
__weak __noinline int ask_origins(__u64 key, __u64 mnt, __u64 dentry)
{
	struct inode *inode = BPF_CORE_READ((struct dentry *)dentry, d_inode);
	bool internal = internal_mount((struct vfsmount *)mnt);
	struct walk_state *state = walk_of(key);
	__u32 flags;

	if (!state)
		return 0;
	flags = exe_flags_of(inode, internal);
	ask_origin(state, key, NSW_ORIGIN_MEMFD, flags & NSW_EXE_MEMFD);
	ask_origin(state, key, NSW_ORIGIN_UNLINKED, flags & NSW_EXE_UNLINKED);
	ask_origin(state, key, NSW_ORIGIN_UPPER, flags & NSW_EXE_UPPER);
	ask_origin(state, key, NSW_ORIGIN_TMPFS, !internal && BPF_CORE_READ(inode, i_sb, s_magic) == TMPFS_MAGIC);
	return 0;
}

/*
 * Asks for all that a file can be found under, of `set`. begin_query() came before. Returns 1 if it could not be resolved.
 * The path of a file on an internal mount means nothing: only its inode is asked, and where it comes from.
 */
static __always_inline int ask_file(struct walk_state *state, const struct nsw_set *set, const struct file *opened, __u64 asked)
{
	const struct nsw_filter *filter = filter_of(state->slot);
	struct nsw_settings *s = get_settings();
	__u64 key = (__u64)current_task();

	if (!s)
		return 1;
	if (state->overlay)
		ask_inodes(state, key);
	if (state->origins && asked & 1 << NSW_CLASS_EXEC)
		ask_origins(key, state->mnt, state->as);
	/* A climb asks for inodes on its way; where none are asked, it tells itself of what is none of a container's mounts. */
	if (state->overlay && internal_mount((struct vfsmount *)state->mnt))
		return asked & STRICT && !state->hit_count;
	if (!climb_once(state, opened, key, s->seed)) {
		if (internal_mount((struct vfsmount *)state->mnt))
			return asked & STRICT && !state->hit_count;
		if (!climb_still(key, state->mnt, state->leaf))
			return 1;
	}
	if (state->depth > NAMES)
		filter = NULL; /* the first names have made way for the last */
	ask_path(state, key, filter);
	ask_names(state, key, set, filter);
	if (state->depth > NAMES)
		return ask_deep(state, key);
	ask_above(state, key, filter);
	return 0;
}

/* ---- the verdict --------------------------------------------------------------------------------------------------- */

/* What cannot be resolved could be anything, so also what a rule refuses. */
static __always_inline __u64 unresolved(const struct nsw_home *h, __u64 answer, __u64 asked)
{
	__u64 strict, classes = h->classes & asked & ~NO_ACT;

	if (!classes)
		return answer;
	strict = ANSWER(0, h->enforced & classes ? NSW_VERDICT_DENIED : NSW_VERDICT_AUDIT, 1);
	return ANSWER_MODE(strict) > ANSWER_MODE(answer) ? strict : answer;
}

/* Nothing speaks of what was asked, and no list is to be asked for leave. */
static __always_inline bool undisputed(const struct walk_state *state, const struct nsw_set *set, __u64 asked)
{
	return !state->hit_count && !state->mode && (!set || !set->allows || asked & DENIES_ONLY);
}

/*
 * The answer for the file walk.leaf of the current task, whose groups are known. No global function: those cannot have the
 * pointers, and to look each up again costs more than the rest. `opened`: the file, where the verifier knows it as one; else NULL.
 */
static __noinline __u64 judge_known(struct task_state *task, const struct nsw_home *h, const struct file *opened, __u64 asked)
{
	struct walk_state *state = &task->walk;
	const struct nsw_set *set;
	__u64 answer;
	int lost;

	if (!(h->classes & asked & ~NO_CLASS))
		return 0;
	set = begin_query(task, h, asked);
	lost = ask_file(state, set, opened, asked);
	answer = undisputed(state, set, asked) ? 0 : decide((__u64)current_task(), asked);
	return lost || state->lost ? unresolved(h, answer, asked) : answer;
}

static __always_inline void ask_about(struct walk_state *state, __u64 mnt, __u64 dentry, __u64 as)
{
	state->mnt = mnt;
	state->leaf = dentry;
	state->as = as;
}

/*
 * The answer for a file. `asked`: bits of the classes of the act, | STRICT, DENIES_ONLY. `as`: the dentry whose inode it
 * has, or is going to have.
 */
static __always_inline __u64 judge_as(struct task_state *task, const struct nsw_home *h, __u64 mnt, __u64 dentry, __u64 asked,
				      __u64 as)
{
	ask_about(&task->walk, mnt, dentry, as);
	return judge_known(task, h, NULL, asked);
}

static __always_inline __u64 judge_file(struct task_state *task, const struct nsw_home *h, __u64 mnt, __u64 dentry, __u64 asked)
{
	return judge_as(task, h, mnt, dentry, asked, dentry);
}

static __always_inline __u64 judge_opened(struct task_state *task, const struct nsw_home *h, const struct file *opened,
					  __u64 asked)
{
	__u64 dentry = (__u64)opened->f_path.dentry;

	ask_about(&task->walk, (__u64)opened->f_path.mnt, dentry, dentry);
	return judge_known(task, h, opened, asked);
}

#endif
