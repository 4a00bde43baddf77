/* SPDX-License-Identifier: GPL-2.0-only */
/* Up the path of a file: what its hash is, and what is said of the inodes of the directories that are passed. */
#ifndef NSWARDEN_CLIMB_H
#define NSWARDEN_CLIMB_H

#include "clause.h"

static __always_inline void ask_inode(const struct walk_state *state, __u64 key, __u64 inode, __u64 kind, __u32 has)
{
	struct inode *i = (struct inode *)inode;
	__u64 number, found;

	if (!inode || !(state->overlay & (has | NSW_OVERLAY_PUSHES)))
		return;
	number = BPF_CORE_READ(i, i_ino);
	found = state->overlay & has
			? find_overlay(state->home, number, state->dev, (__u64)state->slot << 16 | kind | NSW_KEY_INODE)
			: 0;
	if (found)
		collect(key, found);
	if (state->overlay & NSW_OVERLAY_PUSHES)
		ask_pushes(key, number, state->dev, kind | NSW_KEY_INODE);
}

#define CLIMB_STEPS 8 /* of a chunk */
#define CLIMB_AT_ONCE 8 /* of climb_once(): most paths are not deeper */
#define CLIMB_KNOWN 8 /* of climb_known() */
#define CLIMB_CHUNKS (CHUNKS * CHUNK_STEPS / CLIMB_STEPS)

static __always_inline bool asks_folders(const struct walk_state *state)
{
	return state->overlay & (NSW_OVERLAY_FOLDERS | NSW_OVERLAY_PUSHES);
}

/*
 * True where nothing is to come but the root of the acting task's own mount namespace. What is mounted on that is such a case,
 * but for the directory below the mount, which is one, too.
 */
static __always_inline bool ends_here(const struct walk_state *state)
{
	const struct mount *root = own_root();

	if (!root)
		return false;
	if (state->mount == (__u64)root)
		return true;
	return !asks_folders(state) && state->at.parent == (__u64)root && state->at.point == (__u64)root->mnt.mnt_root;
}

/* The mount point as well as the root of the mount on it: they are two directories. */
static __always_inline int climb_steps(struct walk_state *state, __u64 key, __u64 seed, const int steps)
{
	__u64 parent;
	int i;

	for (i = 0; i < steps; i++) {
		if (state->dentry != state->at.root || asks_folders(state))
			see(&state->seen, state->dentry);
		if (state->depth && asks_folders(state))
			ask_inode(state, key, inode_of(&state->seen, state->dentry), NSW_KEY_BELOW, NSW_OVERLAY_FOLDERS);
		if (state->dentry == state->at.root) {
			if (ends_here(state))
				return WALK_OWN;
			if (cross(state) == STEP_TOP)
				return WALK_DONE;
			continue;
		}
		parent = parent_of(&state->seen, state->dentry);
		if (parent == state->dentry)
			return WALK_LOST;
		take_name(state, seen_hash(&state->seen, state->dentry, seed), parent);
	}
	return WALK_ON;
}

__weak __noinline int climb_chunk(__u64 key)
{
	struct walk_state *state = walk_of(key);
	struct nsw_settings *s = get_settings();

	return state && s ? climb_steps(state, key, s->seed, CLIMB_STEPS) : WALK_LOST;
}

/* As if nothing were mounted: from there up to the container's root, where it lies below that. */
static __always_inline void stand_alone(struct walk_state *state, __u64 dentry)
{
	struct dentry *d = (struct dentry *)dentry;

	state->mount = state->at.parent = state->dentry = dentry; /* there is no other one to cross to */
	state->at.root = state->root;
	if (state->overlay & NSW_OVERLAY_INODES)
		state->dev = BPF_CORE_READ(d, d_sb, s_dev);
}

static __always_inline void stand_at(struct walk_state *state, __u64 mnt, __u64 dentry)
{
	if (mnt)
		stand_on(state, real_mount((struct vfsmount *)mnt), dentry);
	else
		stand_alone(state, dentry);
}

static __always_inline void start_climb(struct walk_state *state, __u64 mnt, __u64 dentry)
{
	state->hash = state->depth = 0;
	state->named = dentry;
	state->power = 1;
	stand_at(state, mnt, dentry);
}

/* True where a climb has ended at the root of a mount namespace, and not in a detached mount, where no path of a policy leads. */
static __always_inline bool has_path(const struct walk_state *state, int end)
{
	struct mount *top = (struct mount *)state->mount;
	struct mnt_namespace *ns;

	if (end != WALK_DONE)
		return end == WALK_OWN;
	ns = BPF_CORE_READ(top, mnt_ns);
	return ns && (__u64)ns != INTERNAL_NS && mntns_serial(ns);
}

/* Hash, depth and names of (mnt, dentry) into the task's walk state. `mnt` 0: see stand_alone(). Returns 1 if it has a path. */
static __always_inline int climb(struct walk_state *state, __u64 key, __u64 mnt, __u64 dentry)
{
	int i, end = WALK_ON;

	start_climb(state, mnt, dentry);
	for (i = 0; i < CLIMB_CHUNKS && end == WALK_ON; i++)
		end = climb_chunk(key);
	return mnt ? has_path(state, end) : end == WALK_DONE;
}

/* Changes with each rename on the machine. Not found: as if one were always under way. */
extern const void rename_lock __ksym __weak;

static __always_inline __u32 renames(void)
{
	__u32 sequence = 1;

	if (&rename_lock)
		bpf_probe_read_kernel(&sequence, sizeof(sequence), &rename_lock);
	return sequence;
}

/* The first steps: as far as the root of the mount, or that many. Of what is met no inodes are asked. */
static __noinline int climb_known(struct walk_state *state, const struct file *opened, __u64 seed)
{
	const struct dentry *d = opened->f_path.dentry, *root = opened->f_path.mnt->mnt_root, *parent;
	int i;

	for (i = 0; i < CLIMB_KNOWN; i++) {
		parent = d->d_parent;
		if (d == root || d == parent)
			break;
		take_name(state, known_hash(state, d, seed), (__u64)parent);
		d = parent;
	}
	return i;
}

/*
 * Climbs a path that is not deep, in one go. Returns 0 where that is not the end of it: climb_still() begins anew. Not
 * inline, so that what the caller has on the stack and what is needed here do not add up below all that is called.
 */
static __noinline int climb_once(struct walk_state *state, const struct file *opened, __u64 key, __u64 seed)
{
	__u32 before = renames();

	if (before & 1)
		return 0;
	start_climb(state, state->mnt, state->leaf);
	if (!asks_folders(state))
		climb_known(state, opened, seed);
	return has_path(state, climb_steps(state, key, seed, CLIMB_AT_ONCE)) && renames() == before;
}

#define CLIMBS 4

/* Climbs until nothing was renamed meanwhile, or what was is not of this path. */
__weak __noinline int climb_still(__u64 key, __u64 mnt, __u64 dentry)
{
	struct walk_state *state = walk_of(key);
	__u64 last = 0;
	__u32 before;
	int i;

	if (!state)
		return 0;
	for (i = 0; i < CLIMBS; i++) {
		before = renames();
		if (!climb(state, key, mnt, dentry))
			return 0;
		if (!(before & 1) && renames() == before)
			return 1;
		if (i && last == state->hash)
			return 1;
		last = state->hash;
	}
	state->lost = 1;
	return 0;
}

#endif
