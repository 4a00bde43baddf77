/* SPDX-License-Identifier: GPL-2.0-only */
/* Down again in the hash of a path that was climbed: takes a component off, and so meets that of each directory above. */
#ifndef NSWARDEN_LEVELS_H
#define NSWARDEN_LEVELS_H

#include "climb.h"

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

#define ABOVE_STEPS 8

/*
 * By some of the directories above a path whose components are all known. `hash`: of what is left of it where the last
 * `taken` of them are taken off. Returns that of what is left then.
 */
static __always_inline __u64 ask_above_steps(struct walk_state *state, __u64 key, const struct nsw_filter *filter, __u64 hash,
					     __u64 taken)
{
	__u64 others = other_levels(state), left = state->depth - taken;
	int i;

	keep(left); /* of a first round that is sure, the compiler would make a way into the middle of the loop: 6.1 takes none */
	for (i = 0; i < ABOVE_STEPS; i++) {
		if (!left)
			break;
		left--;
		hash = (hash - state->names[(taken + i) & (NAMES - 1)]) * NSW_UNFOLD;
		if (state->levels >> (left & 63) & 1 && (others >> (left & 63) & 1 || may_have(filter, NSW_KEY_BELOW, hash)))
			ask_level(key, hash, left, NSW_KEY_BELOW);
	}
	return hash;
}

/* A global function, and of few steps: the verifier follows each of them once for each way to it. */
__weak __noinline __u64 ask_above_chunk(__u64 key, __u64 hash, __u64 taken)
{
	struct walk_state *state = walk_of(key);

	return state ? ask_above_steps(state, key, filter_of(state->slot), hash, taken) : 0;
}

/* By all of them. `opened`: as of ask_file(). */
static __always_inline void ask_above(struct walk_state *state, __u64 key, const struct nsw_filter *filter,
				      const struct file *opened)
{
	__u64 hash = state->hash;
	int i;

#pragma unroll
	for (i = 0; i < NAMES; i += ABOVE_STEPS) {
		if (i >= state->depth)
			break;
		if (!i && opened)
			hash = ask_above_steps(state, key, filter, hash, 0);
		else
			hash = ask_above_chunk(key, hash, i);
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
	stand_at(state, state->mnt, state->leaf);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = ask_deep_chunk(key);
	return end != WALK_DONE || state->hash || state->left;
}

#endif
