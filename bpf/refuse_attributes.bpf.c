/* SPDX-License-Identifier: GPL-2.0-only */
/* Length, mode, owner, extended attributes and flags of files, by name and by inode. After refuse_file.bpf.c. */

SEC("?lsm/path_truncate")
int nsw_path_truncate(__u64 *ctx)
{
	__u64 path = number_at(ctx, 0);

	return judge_act(mnt_of(path), dentry_of(path), NSW_CLASS_MODIFY, BIT(MODIFY), EVENT_BIT(TRUNCATE) | EVENT_BIT(OPEN));
}

SEC("?lsm/path_chmod")
int nsw_path_chmod(__u64 *ctx)
{
	__u64 path = number_at(ctx, 0);

	return judge_act(mnt_of(path), dentry_of(path), NSW_CLASS_CHMOD, BIT(CHMOD), EVENT_BIT(CHMOD));
}

SEC("?lsm/path_chown")
int nsw_path_chown(__u64 *ctx)
{
	__u64 path = number_at(ctx, 0);

	return judge_act(mnt_of(path), dentry_of(path), NSW_CLASS_CHOWN, BIT(CHOWN), EVENT_BIT(CHOWN));
}

/* Each of these acts first gets leave to write to the mount. */
static __always_inline int note_mount(struct vfsmount *mnt)
{
	struct task_state *state = state_of((__u64)current_task());

	if (!state)
		return 0;
	state->write_mount = (__u64)mnt;
	if (!internal_mount(mnt))
		state->path_mount = (__u64)mnt;
	return 0;
}

SEC("?fentry/mnt_want_write")
int BPF_PROG(nsw_want_write, struct vfsmount *mnt)
{
	return note_mount((struct vfsmount *)(__u64)mnt);
}

SEC("?fentry/mnt_want_write_file")
int BPF_PROG(nsw_want_write_file, struct file *file)
{
	return note_mount(BPF_CORE_READ((struct file *)(__u64)file, f_path.mnt));
}

/* An act of which the hook has the dentry alone. overlayfs does it once more on its layer. */
static __always_inline int judge_dentry(__u64 dentry, __u32 class, __u64 events)
{
	struct task_state *state = state_of((__u64)current_task());

	if (!state || !dentry)
		return 0;
	if (!lies_there(dentry, state->path_mount))
		return judge_beneath(dentry, class, 1U << class, events);
	return judge_act(state->path_mount, dentry, class, 1U << class, events);
}

/* Where the dentry is among the arguments differs: set by the loader. */
const volatile __u32 setattr_dentry = 0;
const volatile __u32 setxattr_dentry = 0;
const volatile __u32 acl_dentry = 1;
const volatile __u32 chown_by_inode = 0; /* this kernel has no lsm/path_chown */

static __always_inline __u64 either(__u64 *ctx, __u32 second)
{
	return second ? number_at(ctx, 1) : number_at(ctx, 0);
}

#define ATTR_CHANGES (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE | ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TOUCH)

static __always_inline __u32 changed_class(__u32 valid)
{
	if (valid & ATTR_MODE)
		return NSW_CLASS_CHMOD;
	if (valid & (ATTR_UID | ATTR_GID))
		return NSW_CLASS_CHOWN;
	return valid & ATTR_SIZE ? NSW_CLASS_MODIFY : NSW_CLASS_TOUCH;
}

/* Times that the caller gives, or the current one; not those that come of reading and writing. */
SEC("?lsm/inode_setattr")
int nsw_inode_setattr(__u64 *ctx)
{
	__u64 dentry = either(ctx, setattr_dentry), attributes = setattr_dentry ? number_at(ctx, 2) : number_at(ctx, 1);
	__u32 valid = BPF_CORE_READ((struct iattr *)attributes, ia_valid);
	struct task_state *task = state_of((__u64)current_task());

	/* Mode, owner and size have hooks of their own, which are not asked beneath an overlay. */
	if (valid & ATTR_CHANGES && task && dentry && !lies_there(dentry, task->path_mount))
		return judge_beneath(dentry, changed_class(valid), 1U << changed_class(valid),
				     EVENT_BIT(CHMOD) | EVENT_BIT(CHOWN) | EVENT_BIT(TRUNCATE) | EVENT_BIT(OPEN) |
					     EVENT_BIT(UTIME));
	if (chown_by_inode && valid & (ATTR_UID | ATTR_GID))
		return judge_dentry(dentry, NSW_CLASS_CHOWN, EVENT_BIT(CHOWN));
	if (!(valid & (ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TOUCH)))
		return 0;
	return judge_dentry(dentry, NSW_CLASS_TOUCH, EVENT_BIT(UTIME));
}

SEC("?lsm/inode_setxattr")
int nsw_inode_setxattr(__u64 *ctx)
{
	return judge_dentry(either(ctx, setxattr_dentry), NSW_CLASS_XATTR, EVENT_BIT(XATTR));
}

SEC("?lsm/inode_removexattr")
int nsw_inode_removexattr(__u64 *ctx)
{
	return judge_dentry(either(ctx, setxattr_dentry), NSW_CLASS_XATTR, EVENT_BIT(XATTR));
}

SEC("?lsm/inode_set_acl")
int nsw_inode_set_acl(__u64 *ctx)
{
	return judge_dentry(either(ctx, acl_dentry), NSW_CLASS_XATTR, EVENT_BIT(XATTR));
}

SEC("?lsm/inode_remove_acl")
int nsw_inode_remove_acl(__u64 *ctx)
{
	return judge_dentry(either(ctx, acl_dentry), NSW_CLASS_XATTR, EVENT_BIT(XATTR));
}

/* chattr, by a descriptor that only reads. */
static __always_inline int judge_flags(struct file *file, __u32 command)
{
	if (!sets_flags(command) || BPF_CORE_READ(file, f_inode) != BPF_CORE_READ(file, f_path.dentry, d_inode))
		return 0;
	return judge_act((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry), NSW_CLASS_TOUCH,
			 BIT(TOUCH), 0);
}

SEC("?lsm/file_ioctl")
int BPF_PROG(nsw_file_ioctl, struct file *file, unsigned int command)
{
	return judge_flags(file, command);
}

/* By a 32-bit program, where that is a hook of its own. */
SEC("?lsm/file_ioctl_compat")
int BPF_PROG(nsw_file_ioctl_compat, struct file *file, unsigned int command)
{
	return judge_flags(file, command);
}

/* Likewise, and file_setattr(2), where the kernel has that. */
SEC("?lsm/inode_file_setattr")
int nsw_inode_file_setattr(__u64 *ctx)
{
	return judge_dentry(number_at(ctx, 0), NSW_CLASS_TOUCH, 0);
}
