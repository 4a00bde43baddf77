/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a file up to the root of its mount namespace, for a verdict: hash and depth of the path, the hash of each of its
 * components, and the inodes of the directories that are passed.
 *
 * The walk stands in the task's state. Each part is a global function with scalar arguments: verified once, and not again
 * wherever it is called.
 */
#ifndef NSWARDEN_WALK_H
#define NSWARDEN_WALK_H

#include "path.h"

static __always_inline __u64 short_name_at(void)
{
	struct dentry *d = NULL;
	struct dentry___new *fresh = NULL;

	if (bpf_core_field_exists(d->d_iname))
		return bpf_core_field_offset(struct dentry, d_iname);
	if (bpf_core_field_exists(fresh->d_shortname))
		return bpf_core_field_offset(struct dentry___new, d_shortname);
	return 0;
}

/* Whole words of it. */
static __always_inline __u64 short_name_size(void)
{
	struct dentry *d = NULL;
	struct dentry___new *fresh = NULL;

	if (bpf_core_field_exists(d->d_iname))
		return bpf_core_field_size(struct dentry, d_iname) & ~7ULL;
	if (bpf_core_field_exists(fresh->d_shortname))
		return bpf_core_field_size(struct dentry___new, d_shortname) & ~7ULL;
	return 0;
}

/* Where this kernel's struct is ordered as all known ones are. Constants once it is loaded. */
static __always_inline bool one_read(void)
{
	__u64 base = bpf_core_field_offset(struct dentry, d_parent), name = short_name_at();

	return name > base && name - base <= SEEN_BYTES - SHORT_NAME && !((name - base) & 7) &&
	       bpf_core_field_offset(struct dentry, d_name.len) - base < SEEN_BYTES - 8 &&
	       bpf_core_field_offset(struct dentry, d_name.name) - base < SEEN_BYTES - 8 &&
	       bpf_core_field_offset(struct dentry, d_inode) - base < SEEN_BYTES - 8;
}

#define SEEN_BASE bpf_core_field_offset(struct dentry, d_parent)
#define SEEN(type, seen, field) (*(type *)((char *)(seen)->block + (bpf_core_field_offset(struct dentry, field) - SEEN_BASE)))

static __always_inline void see(struct seen *seen, __u64 dentry)
{
	bpf_probe_read_kernel(seen->block, sizeof(seen->block), (void *)(dentry + SEEN_BASE));
}

static __always_inline __u64 parent_of(const struct seen *seen, __u64 dentry)
{
	struct dentry *d = (struct dentry *)dentry;

	return one_read() ? SEEN(__u64, seen, d_parent) : (__u64)BPF_CORE_READ(d, d_parent);
}

static __always_inline __u64 inode_of(const struct seen *seen, __u64 dentry)
{
	struct dentry *d = (struct dentry *)dentry;

	return one_read() ? SEEN(__u64, seen, d_inode) : (__u64)BPF_CORE_READ(d, d_inode);
}

/* As text_hash(), of a name in memory that can be read at once, `size` bytes; what lies behind its end is not part of it. */
static __always_inline __u64 short_hash(const char *name, __u64 length, __u64 seed, __u64 size)
{
	__u64 h = seed ^ length, word, left;
	int i;

#pragma unroll
	for (i = 0; i < SHORT_NAME / 8; i++) {
		if (i * 8 >= size || length <= i * 8)
			break;
		word = *(const __u64 *)(name + i * 8);
		left = length - i * 8;
		if (left < 8)
			word &= (1ULL << (left & 7) * 8) - 1;
		h = nsw_hash_word(h, word);
	}
	return h;
}

static __always_inline __u64 seen_hash(const struct seen *seen, __u64 dentry, __u64 seed)
{
	__u64 length, at = short_name_at();

	if (!one_read())
		return name_hash(dentry, seed);
	length = SEEN(__u32, seen, d_name.len);
	if (SEEN(__u64, seen, d_name.name) != dentry + at || length > SHORT_NAME)
		return name_hash(dentry, seed);
	return short_hash((const char *)seen->block + (at - SEEN_BASE), length, seed, SHORT_NAME);
}

static __always_inline struct task_state *state_of(__u64 key)
{
	return bpf_map_lookup_elem(&labels, &key);
}

static __always_inline struct walk_state *walk_of(__u64 key)
{
	struct task_state *task = state_of(key);

	return task ? &task->walk : NULL;
}

/* As one_read(), of struct mount. */
static __always_inline bool one_mount_read(void)
{
	__u64 base = bpf_core_field_offset(struct mount, mnt_parent);

	return bpf_core_field_offset(struct mount, mnt_mountpoint) == base + offsetof(struct mounted, point) &&
	       bpf_core_field_offset(struct mount, mnt.mnt_root) == base + offsetof(struct mounted, root);
}

static __always_inline void stand_on(struct walk_state *state, struct mount *mount, __u64 dentry)
{
	struct mounted *at = &state->at;

	state->mount = (__u64)mount;
	state->dentry = dentry;
	if (one_mount_read()) {
		bpf_probe_read_kernel(at, sizeof(*at), (char *)mount + bpf_core_field_offset(struct mount, mnt_parent));
	} else {
		at->parent = (__u64)BPF_CORE_READ(mount, mnt_parent);
		at->point = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		at->root = (__u64)BPF_CORE_READ(mount, mnt.mnt_root);
	}
	if (state->overlay & NSW_OVERLAY_INODES)
		state->dev = BPF_CORE_READ(mount, mnt.mnt_sb, s_dev);
}

/* From the root of a mount to where it is mounted. */
static __always_inline enum step cross(struct walk_state *state)
{
	if (state->at.parent == state->mount)
		return STEP_TOP;
	stand_on(state, (struct mount *)state->at.parent, state->at.point);
	return STEP_CROSSED;
}

/* The name where the walk stands, which goes on above it. */
static __always_inline void take_name(struct walk_state *state, __u64 hash, __u64 parent)
{
	if (!state->depth)
		state->named = state->dentry;
	state->names[state->depth & (NAMES - 1)] = hash;
	state->hash += hash * state->power;
	state->power *= NSW_FOLD;
	state->depth++;
	state->dentry = parent;
}

/*
 * That of a dentry whose type the verifier knows: what is read of it are loads of the processor, and no calls. The number is
 * read again, for a global function: the verifier would not let it have a pointer.
 */
static __always_inline __u64 known_hash(const struct walk_state *state, const struct dentry *d, __u64 seed)
{
	__u64 length = d->d_name.len, size = short_name_size();
	const char *name = (const char *)d + short_name_at();

	if (length > size || (const char *)d->d_name.name != name)
		return name_hash(*(volatile const __u64 *)&state->dentry, seed);
	return short_hash(name, length, seed, size);
}

#endif
