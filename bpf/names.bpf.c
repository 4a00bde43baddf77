/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What makes, changes and takes away names: rename, link, symlink, unlink, mkdir, mknod. The objects come from the
 * security_path_* hooks, which are called once for an act and not again for what overlayfs does inside.
 */
#include "paths.h"

HAS_TWO_PATHS(rename, to)
HAS_TWO_PATHS(link, to)
HAS_PATH(symlink)
HAS_PATH(unlink)
HAS_PATH(mkdir)
HAS_PATH(mknod)

static __always_inline int enter_rename(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_RENAME, EVENT_SIZE(rename));
	bool at = d->syscall != NSW_SYSCALL_rename;
	struct nsw_event_rename *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	second_argument(c, d, at ? 2 : NONE, at ? 3 : 1);
	if (d->syscall == NSW_SYSCALL_renameat2)
		e->flags = arg(d, 4);
	return 0;
}
EXIT_TWO(RENAME, rename)

int PROBE(nsw_object_rename, security_path_rename, const struct path *from, struct dentry *old, const struct path *to,
	  struct dentry *fresh)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_RENAME, EVENT_SIZE(rename), &key);

	if (!c)
		return 0;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(from, mnt), (__u64)old);
	path_object(c, key, PATH_TWO, (__u64)BPF_CORE_READ(to, mnt), (__u64)fresh);
	return hook_done(c, key, EVENT_SIZE(rename));
}

static __always_inline int enter_link(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_LINK, EVENT_SIZE(link));
	bool at = d->syscall == NSW_SYSCALL_linkat;
	struct nsw_event_link *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	second_argument(c, d, at ? 2 : NONE, at ? 3 : 1);
	if (at)
		e->flags = arg(d, 4);
	return 0;
}
EXIT_TWO(LINK, link)

/* A hard link does not leave its mount: that of the new name is that of the old one. */
int PROBE(nsw_object_link, security_path_link, struct dentry *old, const struct path *folder, struct dentry *fresh)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_LINK, EVENT_SIZE(link), &key);

	if (!c)
		return 0;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(folder, mnt), (__u64)old);
	path_object(c, key, PATH_TWO, (__u64)BPF_CORE_READ(folder, mnt), (__u64)fresh);
	return hook_done(c, key, EVENT_SIZE(link));
}

static __always_inline int enter_symlink(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_SYMLINK, EVENT_SIZE(symlink));
	bool at = d->syscall == NSW_SYSCALL_symlinkat;

	if (!c)
		return 0;
	path_argument(c, d, at ? 1 : NONE, at ? 2 : 1);
	c->head.argv = arg(d, 0);
	return 0;
}

static __always_inline int exit_symlink(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_SYMLINK);
	struct nsw_event_symlink *e;

	if (c && !(c->head.state & (CALL_OBJECT | CALL_RING))) {
		e = (void *)c->rec;
		set_text(c, &e->target, put_user_text(key, c->head.argv));
	}
	return finish_paths(NSW_EVENT_SYMLINK, EVENT_SIZE(symlink), false, result);
}

int PROBE(nsw_object_symlink, security_path_symlink, const struct path *folder, struct dentry *fresh, const char *target)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_SYMLINK, EVENT_SIZE(symlink), &key);
	struct nsw_event_symlink *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(folder, mnt), (__u64)fresh);
	set_text(c, &e->target, put_kernel_text(key, (__u64)target));
	return hook_done(c, key, EVENT_SIZE(symlink));
}

static __always_inline int enter_unlink(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_UNLINK, EVENT_SIZE(unlink));
	bool at = d->syscall == NSW_SYSCALL_unlinkat;
	struct nsw_event_unlink *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	if (at)
		e->flags = arg(d, 2);
	else if (d->syscall == NSW_SYSCALL_rmdir)
		e->flags = AT_REMOVEDIR;
	return 0;
}
EXIT_ONE(UNLINK, unlink)

static __always_inline int unlink_object(const struct path *folder, struct dentry *dentry, __u32 flags)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_UNLINK, EVENT_SIZE(unlink), &key);
	struct nsw_event_unlink *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags |= flags;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(folder, mnt), (__u64)dentry);
	return hook_done(c, key, EVENT_SIZE(unlink));
}

int PROBE(nsw_object_unlink, security_path_unlink, const struct path *folder, struct dentry *dentry)
{
	return unlink_object(folder, dentry, 0);
}

int PROBE(nsw_object_unlink_dir, security_path_rmdir, const struct path *folder, struct dentry *dentry)
{
	return unlink_object(folder, dentry, AT_REMOVEDIR);
}

static __always_inline int enter_mkdir(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_MKDIR, EVENT_SIZE(mkdir));
	bool at = d->syscall == NSW_SYSCALL_mkdirat;
	struct nsw_event_mkdir *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	e->mode = arg(d, at ? 2 : 1);
	return 0;
}
EXIT_ONE(MKDIR, mkdir)

int PROBE(nsw_object_mkdir, security_path_mkdir, const struct path *folder, struct dentry *dentry, unsigned short mode)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_MKDIR, EVENT_SIZE(mkdir), &key);
	struct nsw_event_mkdir *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (key & ASIDE)
		e->mode = mode;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(folder, mnt), (__u64)dentry);
	return hook_done(c, key, EVENT_SIZE(mkdir));
}

static __always_inline int enter_mknod(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_MKNOD, EVENT_SIZE(mknod));
	bool at = d->syscall == NSW_SYSCALL_mknodat;
	struct nsw_event_mknod *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	e->mode = arg(d, at ? 2 : 1);
	e->device = arg(d, at ? 3 : 2);
	return 0;
}
EXIT_ONE(MKNOD, mknod)

int PROBE(nsw_object_mknod, security_path_mknod, const struct path *folder, struct dentry *dentry)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_MKNOD, 0, &key);

	if (c)
		path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(folder, mnt), (__u64)dentry);
	return 0;
}
