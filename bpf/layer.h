/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Beneath an overlay. Its own paths are judged as all are; where a container has mounted it, what the kernel does on the layers
 * is, too: a layer may be a directory that a policy speaks of. The kernel comes to it by a mount of its own, which has no path,
 * so the inodes tell: the file's, and those of the directories above it. What lies beneath the container's root was put
 * there by the runtime, and is left out: it is nobody's in the container.
 */
#ifndef NSWARDEN_LAYER_H
#define NSWARDEN_LAYER_H

#include "file.h"
#include "refuse.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
/* From 6.8 on. */
struct backing_file {
	struct file file;
	struct path user_path;
};
#pragma clang attribute pop

/* An open beneath. Up to 6.7 it shows the path of the overlay's file and the inode of the layer's. */
static __always_inline bool opened_beneath(const struct file *file)
{
	if (file->f_inode != file->f_path.dentry->d_inode)
		return true;
	return file->f_mode & FMODE_BACKING && internal_mount((struct vfsmount *)(__u64)file->f_path.mnt);
}

/* The overlay's file, and a dentry of the layer's. */
struct beneath {
	__u64 mnt;
	__u64 dentry;
	__u64 layer;
};

static __always_inline void look_beneath(struct file *file, struct beneath *b)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct backing_file *backing = (void *)file;
	__u64 alias;

	if (inode == BPF_CORE_READ(file, f_path.dentry, d_inode)) {
		b->layer = (__u64)BPF_CORE_READ(file, f_path.dentry);
		if (!bpf_core_field_exists(backing->user_path))
			return;
		b->mnt = (__u64)BPF_CORE_READ(backing, user_path.mnt);
		b->dentry = (__u64)BPF_CORE_READ(backing, user_path.dentry);
		return;
	}
	b->mnt = (__u64)BPF_CORE_READ(file, f_path.mnt);
	b->dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	if (!bpf_core_field_exists(struct dentry, d_u.d_alias))
		return;
	alias = (__u64)BPF_CORE_READ(inode, i_dentry.first);
	b->layer = alias ? alias - bpf_core_field_offset(struct dentry, d_u.d_alias) : 0;
}

/* An overlay of the container's own, by a mount of it. */
static __always_inline bool own_overlay(const struct nsw_home *home, __u64 mnt)
{
	return !mnt || !home->root_dev || BPF_CORE_READ((struct vfsmount *)mnt, mnt_sb, s_dev) != home->root_dev;
}

/*
 * The answer for a file of a layer, which need not be there yet. No list is asked for leave: that was asked by the overlay's
 * path. A global function: verified once for a program.
 */
__weak __noinline __u64 judge_layer(__u64 layer, __u64 asked)
{
	struct dentry *d = (struct dentry *)layer;
	__u64 key = (__u64)current_task(), of;
	struct task_state *task = state_of(key);
	struct nsw_home *home;
	int i, end = WALK_ON;

	if (!task || !layer)
		return 0;
	of = task->label.home;
	home = bpf_map_lookup_elem(&homes, &of);
	asked &= home ? home->classes : 0;
	if (!asked)
		return 0;
	begin_query(task, home, asked | DENIES_ONLY);
	task->walk.dev = BPF_CORE_READ(d, d_sb, s_dev);
	if (task->walk.dev == home->root_dev) {
		task->walk.leaf = layer;
		ask_by_root(&task->walk, key, asked);
	}
	ask_inode(&task->walk, key, (__u64)BPF_CORE_READ(d, d_inode), NSW_KEY_PATH, NSW_OVERLAY_FILES);
	task->walk.dentry = layer;
	for (i = 0; i < CHUNKS && end == WALK_ON; i++)
		end = physical_chunk(key);
	return task->walk.hit_count || task->walk.mode ? decide(key, asked | DENIES_ONLY) : 0;
}

/* Of a layer's file. What a dynamic loader opens may be the program that it was asked to run. */
static __noinline int judge_opened_beneath(const struct subject *who, const struct nsw_home *home, struct file *file)
{
	__u32 flags = BPF_CORE_READ(file, f_flags), classes = open_classes(flags, BPF_CORE_READ(file, f_mode));
	struct beneath b = {};
	__u64 answer;

	look_beneath(file, &b);
	if (!own_overlay(home, b.mnt))
		return 0;
	if (exec_open(flags))
		classes = BIT(EXEC);
	else if (who->task->exe & EXE_BARE)
		classes |= BIT(EXEC);
	answer = final_answer(home, judge_layer(b.layer, classes), false);
	return refused(answer, WHAT(exec_open(flags) ? NSW_CLASS_EXEC : NSW_CLASS_READ, 0), b.mnt, b.dentry, EVENT_BIT(OPEN));
}

/* An act of which the hook has a dentry alone, which is not of the file system of the path that the caller came by. */
static __always_inline int judge_beneath(__u64 dentry, __u32 class, __u32 asked, __u64 events)
{
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	home = judged(s, &who, asked);
	if (!home || !own_overlay(home, who.task->path_mount))
		return 0;
	answer = final_answer(home, judge_layer(dentry, asked), false);
	return refused(answer, WHAT(class, 0), 0, 0, events) ? refuse() : 0;
}

static __always_inline bool lies_there(__u64 dentry, __u64 mnt)
{
	struct dentry *d = (struct dentry *)dentry;

	return mnt && BPF_CORE_READ((struct vfsmount *)mnt, mnt_sb) == BPF_CORE_READ(d, d_sb);
}

#endif
