/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking from a file up to the root of its mount namespace, and writing what is met as text.
 *
 * bpf_d_path is no help: it is allowed in few programs, stops at the process's own root (in a chroot the path would be
 * shorter than the one that a policy names) and cannot tell what it met on the way.
 */
#ifndef NSWARDEN_PATH_H
#define NSWARDEN_PATH_H

#include "identity.h"

/* Steps of a walk: components, and mounts crossed. */
#define WALK_STEPS (NSW_DEPTH_MAX + 64)
#define INTERNAL_NS ((__u64)-22) /* MNT_NS_INTERNAL: ERR_PTR(-EINVAL) */

enum step {
	STEP_NAME, /* `dentry` is a component; up() goes on */
	STEP_CROSSED, /* was the root of a mount: now at its mount point */
	STEP_TOP, /* the root of the namespace, or of a mount that hangs nowhere */
	STEP_LOST, /* outside of the mount: its directory was moved away */
};

struct walk {
	struct mount *mount;
	struct dentry *dentry;
};

static __always_inline struct mount *real_mount(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* BPF_CORE_READ takes local variables only: an access to our own struct inside it would be relocated, too. */
static __always_inline enum step look(struct walk *w)
{
	struct dentry *dentry = w->dentry;
	struct mount *mount = w->mount, *parent;

	if (dentry != BPF_CORE_READ(mount, mnt.mnt_root))
		return BPF_CORE_READ(dentry, d_parent) == dentry ? STEP_LOST : STEP_NAME;
	parent = BPF_CORE_READ(mount, mnt_parent);
	if (parent == mount)
		return STEP_TOP;
	w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	w->mount = parent;
	return STEP_CROSSED;
}

static __always_inline void up(struct walk *w)
{
	struct dentry *dentry = w->dentry;

	w->dentry = BPF_CORE_READ(dentry, d_parent);
}

/* A mount of the kernel's own: pipes, memfd, the layers of an overlay. No container has a path to it. */
static __always_inline bool internal_mount(struct vfsmount *mnt)
{
	return (__u64)BPF_CORE_READ(real_mount(mnt), mnt_ns) == INTERNAL_NS;
}

/* What the text functions return: bytes written, and whether something was left out. */
#define TEXT_CUT (1ULL << 32)
#define TEXT_LENGTH(text) ((text) & 0xffff)

/*
 * Appends the path of (mnt, dentry) to `rec`, leaf first: appending needs no knowledge of the length, and the engine turns
 * it around. A name is read by its length and not as a string: bpf_probe_read_kernel_str may, on 5.8 to 6.1, stop all
 * kprobe programs of the CPU for good when it faults.
 *
 * `used` is kept in the map's memory, whose values the verifier does not follow: in a register its range would be another
 * in each round, and the walk too long to be verified.
 */
static __always_inline __u64 append_path(__u8 *rec, __u64 limit, volatile __u32 *used, struct vfsmount *mnt,
					 struct dentry *dentry)
{
	struct walk w = {.mount = real_mount(mnt), .dentry = dentry};
	__u64 start = *used, len, pos;
	struct dentry *d;
	enum step step;
	int i;

	for (i = 0; i < WALK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step != STEP_NAME)
			return (*used - start) & 0xffff;
		d = w.dentry;
		len = BPF_CORE_READ(d, d_name.len);
		pos = *used;
		keep(pos);
		keep(len);
		if (len > 255 || pos >= limit - 256 || pos - start > NSW_TEXT_MAX - 256)
			break;
		bpf_probe_read_kernel(rec + pos, len, BPF_CORE_READ(d, d_name.name));
		pos += len;
		keep(pos);
		if (pos >= limit)
			break;
		rec[pos] = '/';
		*used = pos + 1;
		up(&w);
	}
	return ((*used - start) & 0xffff) | TEXT_CUT;
}

/*
 * Append to the entry of that key. Global functions, so that the verifier looks at the walk once and not at each call;
 * weak, so that clang concludes nothing from their bodies that the verifier would not know.
 */
__weak __noinline __u64 path_small(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);

	if (!c)
		return TEXT_CUT;
	return append_path(c->rec, sizeof(c->rec), &c->head.used, (struct vfsmount *)mnt, (struct dentry *)dentry);
}

__weak __noinline __u64 path_large(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call_large *c = bpf_map_lookup_elem(&inflight_large, &key);

	if (!c)
		return TEXT_CUT;
	return append_path(c->rec, sizeof(c->rec), &c->head.used, (struct vfsmount *)mnt, (struct dentry *)dentry);
}

#endif
