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

/*
 * A walk takes NSW_DEPTH_MAX components and 64 mounts crossed. It goes in chunks, each a call of a global function that
 * finds where the walk stands in a map: the verifier looks at one chunk once, and knows nothing of what it finds there.
 * As one loop, with the values in registers, a walk takes it a hundred thousand steps and every load a second.
 */
#define CHUNK_STEPS 16
#define CHUNKS ((NSW_DEPTH_MAX + 64) / CHUNK_STEPS)

/* What a chunk returns. */
enum {
	WALK_ON,
	WALK_DONE,
	WALK_OWN, /* done, at the root of the mount namespace of the task that acts */
	WALK_LOST,
};
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

/* enum nsw_exe_flag. `internal`: see internal_mount(). */
static __always_inline __u32 exe_flags_of(struct inode *inode, bool internal)
{
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	bool memory = magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC;
	void *upper = NULL;

	if (memory && internal)
		return NSW_EXE_MEMFD;
	if (!BPF_CORE_READ(inode, i_nlink))
		return NSW_EXE_UNLINKED;
	/* struct ovl_inode has no BTF in vmlinux; its __upperdentry has always stood right behind the inode. */
	if (magic == OVERLAYFS_MAGIC)
		bpf_probe_read_kernel(&upper, sizeof(upper), (char *)inode + bpf_core_type_size(struct inode));
	return upper ? NSW_EXE_UPPER : 0;
}

/* Hash of `len` bytes of the kernel's. 0 for what cannot be a name. */
__weak __noinline __u64 text_hash(__u64 from, __u64 len, __u64 seed)
{
	__u64 h = seed ^ len, word, left = len;
	int i;

	if (len > 255)
		return 0;
	for (i = 0; i < 32; i++) {
		if (!left)
			break;
		word = 0;
		keep(left);
		if (left < 8) {
			bpf_probe_read_kernel(&word, left & 7, (void *)(from + i * 8));
			return nsw_hash_word(h, word);
		}
		bpf_probe_read_kernel(&word, 8, (void *)(from + i * 8));
		h = nsw_hash_word(h, word);
		left -= 8;
	}
	return h;
}

__weak __noinline __u64 name_hash(__u64 dentry, __u64 seed)
{
	struct dentry *d = (struct dentry *)dentry;

	return text_hash((__u64)BPF_CORE_READ(d, d_name.name), BPF_CORE_READ(d, d_name.len), seed);
}

/* What the text functions return: bytes written, and whether something was left out. */
#define TEXT_CUT (1ULL << 32)
#define TEXT_LENGTH(text) ((text)&0xffff)

/*
 * Appends a path to `rec`, leaf first: appending needs no knowledge of the length, and the engine turns it around. A name
 * is read by its length and not as a string: bpf_probe_read_kernel_str may, on 5.8 to 6.1, stop all kprobe programs of the
 * CPU for good when it faults.
 */
static __always_inline int append_chunk(__u8 *rec, __u64 limit, struct call_head *head)
{
	struct walk w = {.mount = (struct mount *)head->mount, .dentry = (struct dentry *)head->dentry};
	__u64 len, pos = head->used;
	struct dentry *d;
	enum step step;
	int i;

	for (i = 0; i < CHUNK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step == STEP_TOP)
			return WALK_DONE;
		d = w.dentry;
		len = BPF_CORE_READ(d, d_name.len);
		/* A root that is in no tree: a file in memory has a name yet ("memfd:x"), the others "/" or none. */
		if (step == STEP_LOST && len < 2)
			return WALK_DONE;
		pos = *(volatile __u32 *)&head->used;
		keep(pos);
		keep(len);
		if (len > 255 || pos >= limit - 256)
			return WALK_LOST;
		bpf_probe_read_kernel(rec + pos, len, BPF_CORE_READ(d, d_name.name));
		pos += len;
		keep(pos);
		if (pos >= limit)
			return WALK_LOST;
		rec[pos] = '/';
		head->used = pos + 1;
		if (step == STEP_LOST)
			return WALK_DONE;
		up(&w);
	}
	head->mount = (__u64)w.mount;
	head->dentry = (__u64)w.dentry;
	return WALK_ON;
}

/* Weak, so that clang concludes nothing from their bodies that the verifier would not know. */
__weak __noinline int append_small(__u64 key)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);

	return c ? append_chunk(c->rec, sizeof(c->rec), &c->head) : WALK_LOST;
}

__weak __noinline int append_large(__u64 key)
{
	struct call_large *c = bpf_map_lookup_elem(&inflight_large, &key);

	return c ? append_chunk(c->rec, sizeof(c->rec), &c->head) : WALK_LOST;
}

static __always_inline void start_text(struct call_head *head, __u64 mnt, __u64 dentry)
{
	head->mount = (__u64)real_mount((struct vfsmount *)mnt);
	head->dentry = dentry;
}

static __always_inline __u64 text_written(const struct call_head *head, __u64 start, int end)
{
	__u64 length = head->used - start;

	if (length > NSW_TEXT_MAX)
		return NSW_TEXT_MAX | TEXT_CUT;
	return (length & 0xffff) | (end == WALK_DONE ? 0 : TEXT_CUT);
}

/* Append the path of (mnt, dentry) to the entry of that key. */
__weak __noinline __u64 path_small(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);
	int i, end = WALK_ON;
	__u64 start;

	if (!c)
		return TEXT_CUT;
	start = c->head.used;
	start_text(&c->head, mnt, dentry);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = append_small(key);
	return text_written(&c->head, start, end);
}

__weak __noinline __u64 path_large(__u64 key, __u64 mnt, __u64 dentry)
{
	struct call_large *c = bpf_map_lookup_elem(&inflight_large, &key);
	int i, end = WALK_ON;
	__u64 start;

	if (!c)
		return TEXT_CUT;
	start = c->head.used;
	start_text(&c->head, mnt, dentry);
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = append_large(key);
	return text_written(&c->head, start, end);
}

#endif
