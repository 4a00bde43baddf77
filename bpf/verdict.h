/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the policies say of a file. It is found by the hash of its path and of each directory above, by its names, and by its
 * inode and those of the directories above: by whatever door it is reached, one of them tells.
 */
#ifndef NSWARDEN_VERDICT_H
#define NSWARDEN_VERDICT_H

#include "levels.h"

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

static __always_inline void ask_inodes(struct walk_state *state, __u64 key, __u64 asked)
{
	struct dentry *d = (struct dentry *)state->as;
	int i, end = WALK_ON;

	stand_on(state, real_mount((struct vfsmount *)state->mnt), state->leaf);
	ask_inode(state, key, (__u64)BPF_CORE_READ(d, d_inode), NSW_KEY_PATH, NSW_OVERLAY_FILES);
	if (!(state->overlay & (NSW_OVERLAY_FOLDERS | NSW_OVERLAY_PUSHES)))
		return;
	if (asked & INSIDE)
		ask_inode(state, key, (__u64)BPF_CORE_READ(d, d_inode), NSW_KEY_BELOW, NSW_OVERLAY_FOLDERS);
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
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	bool internal = internal_mount((struct vfsmount *)mnt);
	struct walk_state *state = walk_of(key);
	__u32 flags;

	if (!state)
		return 0;
	flags = exe_flags_of(inode, internal);
	ask_origin(state, key, NSW_ORIGIN_MEMFD, flags & NSW_EXE_MEMFD);
	ask_origin(state, key, NSW_ORIGIN_UNLINKED, flags & NSW_EXE_UNLINKED);
	ask_origin(state, key, NSW_ORIGIN_UPPER, flags & NSW_EXE_UPPER);
	ask_origin(state, key, NSW_ORIGIN_TMPFS, !internal && (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC));
	return 0;
}

/* By the path that was climbed. Returns 1 if it is another one by now. */
static __always_inline int ask_climbed(struct walk_state *state, __u64 key, const struct nsw_set *set,
				       const struct file *opened, __u64 asked)
{
	const struct nsw_filter *filter = filter_of(state->slot);

	if (state->depth > NAMES)
		filter = NULL; /* the first names have made way for the last */
	ask_path(state, key, filter);
	if (asked & INSIDE)
		ask_level(key, state->hash, state->depth, NSW_KEY_BELOW);
	ask_names(state, key, set, filter);
	if (state->depth > NAMES)
		return ask_deep(state, key);
	if (state->levels)
		ask_above(state, key, filter, opened);
	return 0;
}

/*
 * By the path that walk.leaf has from the container's root on, whatever mount shows it elsewhere: of what a policy names with an
 * open component, or was not there when it came in force, no inodes are known. Of a layer, too. `asked`: as of ask_file().
 */
static __always_inline int ask_by_root(struct walk_state *state, __u64 key, __u64 asked)
{
	struct nsw_set *set;
	__u32 slot;

	state->mnt = 0;
	if (!climb_still(key, 0, state->leaf))
		return 0;
	slot = state->slot;
	set = slot ? bpf_map_lookup_elem(&sets, &slot) : NULL;
	return ask_climbed(state, key, set, NULL, asked);
}

/* Not by what is its root: a bind mount of the container's root has the same, and is elsewhere. */
static __always_inline bool by_another_mount(const struct nsw_home *h, __u64 mount, const struct file *opened)
{
	struct vfsmount *mnt = (struct vfsmount *)mount;

	if (opened)
		return (__u64)opened->f_path.mnt != h->root_mount && opened->f_path.mnt->mnt_sb->s_dev == h->root_dev;
	return mount != h->root_mount && BPF_CORE_READ(mnt, mnt_sb, s_dev) == h->root_dev;
}

/*
 * Asks for all that a file can be found under, of `set`. begin_query() came before. Returns 1 if it could not be resolved.
 * The path of a file on an internal mount means nothing: only its inode is asked, and where it comes from. `opened`: the file,
 * where the verifier knows it as one; else NULL.
 */
static __always_inline int ask_file(struct walk_state *state, const struct nsw_set *set, const struct file *opened, __u64 asked)
{
	struct nsw_settings *s = get_settings();
	__u64 key = (__u64)current_task();

	if (!s)
		return 1;
	if (state->overlay)
		ask_inodes(state, key, asked);
	if (state->origins && asked & 1 << NSW_CLASS_EXEC)
		ask_origins(key, state->mnt, state->as);
	/* A climb asks for inodes on its way; where none are asked, it tells itself of what is none of a container's mounts. */
	if (state->overlay && internal_mount((struct vfsmount *)state->mnt))
		return asked & STRICT && !state->hit_count;
	if (!opened || !climb_once(state, opened, key, s->seed)) {
		if (internal_mount((struct vfsmount *)state->mnt))
			return asked & STRICT && !state->hit_count;
		if (!climb_still(key, state->mnt, state->leaf))
			return 1;
	}
	return ask_climbed(state, key, set, opened, asked);
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

static __always_inline void ask_about(struct walk_state *state, __u64 mnt, __u64 dentry, __u64 as)
{
	state->mnt = mnt;
	state->leaf = dentry;
	state->as = as;
}

/* The answer for the file walk.leaf of the current task, whose groups are known. */
static __always_inline __u64 judge(struct task_state *task, const struct nsw_home *h, const struct file *opened, __u64 asked)
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

/* A global function, whose pointers are its own: it is verified once, and not again for each file of an act. */
__weak __noinline __u64 judge_leaf(__u64 home, __u64 asked)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct task_state *task = state_of((__u64)current_task());

	return h && task ? judge(task, h, NULL, asked) : 0;
}

/*
 * The answer for a file that a mount shows elsewhere than where it lies below the container's root. No list is asked for leave,
 * which was asked by the mount's path. A global function: verified once for a program.
 */
__weak __noinline __u64 judge_by_root(__u64 mnt, __u64 leaf, __u64 asked)
{
	__u64 key = (__u64)current_task(), of, answer;
	struct task_state *task = state_of(key);
	struct nsw_home *h;
	__u32 ended;
	int lost;

	if (!task)
		return 0;
	of = task->label.home;
	h = bpf_map_lookup_elem(&homes, &of);
	if (!h || !(h->classes & asked & ~NO_CLASS) || !by_another_mount(h, mnt, NULL))
		return 0;
	ended = task->walk.ended;
	begin_query(task, h, asked | DENIES_ONLY);
	task->walk.leaf = leaf;
	lost = ask_by_root(&task->walk, key, asked);
	answer = task->walk.hit_count || task->walk.mode ? decide(key, DENIES_ONLY) : 0;
	task->walk.ended |= ended;
	return lost || task->walk.lost ? unresolved(h, answer, asked) : answer;
}

/*
 * The answer for a file. `asked`: bits of the classes of the act, | STRICT, DENIES_ONLY. `as`: the dentry whose inode it
 * has, or is going to have.
 */
static __always_inline __u64 judge_as(struct task_state *task, __u64 mnt, __u64 dentry, __u64 asked, __u64 as)
{
	ask_about(&task->walk, mnt, dentry, as);
	return stronger(judge_leaf(task->label.home, asked), judge_by_root(mnt, dentry, asked));
}

static __always_inline __u64 judge_file(struct task_state *task, __u64 mnt, __u64 dentry, __u64 asked)
{
	return judge_as(task, mnt, dentry, asked, dentry);
}

/* For an open, of which there are more than of all else: what was looked up is handed on, and the path climbed in one go. */
static __noinline __u64 judge_opened(struct task_state *task, const struct nsw_home *h, const struct file *opened, __u64 asked)
{
	__u64 dentry = (__u64)opened->f_path.dentry;

	ask_about(&task->walk, (__u64)opened->f_path.mnt, dentry, dentry);
	return judge(task, h, opened, asked);
}

#endif
