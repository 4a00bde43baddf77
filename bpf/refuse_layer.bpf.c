/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verdicts on names beneath an overlay. The path_* hooks have judged the overlay's own; these are called for that one as
 * well, and pass it over.
 */
#include "layer.h"

static __always_inline int judge_name(__u64 dentry, __u32 class, __u32 asked, __u64 events)
{
	struct task_state *task = state_of((__u64)current_task());

	if (!task || !dentry || lies_there(dentry, task->path_mount))
		return 0;
	return judge_beneath(dentry, class, asked, events);
}

#define LAYER(name, hook, at, CLASS, also, events)                                                       \
	SEC("?lsm/" #hook)                                                                               \
	int name(__u64 *ctx)                                                                             \
	{                                                                                                \
		return judge_name(number_at(ctx, at), NSW_CLASS_##CLASS, BIT(CLASS) | (also), (events)); \
	}

LAYER(nsw_layer_create, inode_create, 1, CREATE, 0, EVENT_BIT(OPEN) | EVENT_BIT(MKNOD))
LAYER(nsw_layer_mkdir, inode_mkdir, 1, CREATE, 0, EVENT_BIT(MKDIR))
LAYER(nsw_layer_mknod, inode_mknod, 1, CREATE, 0, EVENT_BIT(MKNOD) | EVENT_BIT(UNLINK))
LAYER(nsw_layer_symlink, inode_symlink, 1, CREATE, 0, EVENT_BIT(SYMLINK))
LAYER(nsw_layer_unlink, inode_unlink, 1, DELETE, 0, EVENT_BIT(UNLINK))
LAYER(nsw_layer_rmdir, inode_rmdir, 1, DELETE, 0, EVENT_BIT(UNLINK))
LAYER(nsw_layer_link, inode_link, 0, LINK, 0, EVENT_BIT(LINK))
LAYER(nsw_layer_link_to, inode_link, 2, LINK, BIT(CREATE), EVENT_BIT(LINK))
LAYER(nsw_layer_rename, inode_rename, 1, RENAME, 0, EVENT_BIT(RENAME))
LAYER(nsw_layer_rename_to, inode_rename, 3, RENAME, 0, EVENT_BIT(RENAME))
