/* SPDX-License-Identifier: GPL-2.0-only */
/* What changes the tree of mounts, and the root: mount, umount2, move_mount, fsmount, open_tree, pivot_root, chroot. */
#include "paths.h"

HAS_TWO_PATHS(mount, source)
HAS_PATH(umount)
HAS_TWO_PATHS(move_mount, to)
HAS_PATH(open_tree)
HAS_TWO_PATHS(pivot_root, to)
HAS_PATH(chroot)
HAS_PATH(shared_map)

static __always_inline int enter_mount(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_MOUNT, EVENT_SIZE(mount));
	struct nsw_event_mount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, NONE, 1);
	second_argument(c, d, NONE, 0);
	c->head.object = arg(d, 2);
	e->flags = arg(d, 3);
	return 0;
}

/* The source is a path for some types only: as the caller's text it stays what it is. */
static __always_inline int exit_mount(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_MOUNT);
	struct nsw_event_mount *e;

	if (c) {
		e = (void *)c->rec;
		if (!e->type.len)
			set_text(c, &e->type, put_user_text(key, c->head.object));
		if (!e->source_raw.len)
			set_text(c, &e->source_raw, put_user_text(key, c->head.argv));
	}
	return finish_paths(NSW_EVENT_MOUNT, EVENT_SIZE(mount), false, result);
}

int PROBE(nsw_object_mount, security_sb_mount, const char *source, const struct path *path, const char *type)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_MOUNT, 0, &key);
	struct nsw_event_mount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_object_of(c, key, PATH_ONE, path);
	set_text(c, &e->source_raw, put_kernel_text(key, (__u64)source));
	set_text(c, &e->type, put_kernel_text(key, (__u64)type));
	return 0;
}

/* What is bound or opened as a copy; the mounts below it follow, and the copies that propagation makes. */
static __always_inline __u64 cloned(struct mount *old)
{
	return (__u64)old + bpf_core_field_offset(struct mount, mnt);
}

int PROBE(nsw_object_mount_clone, clone_mnt, struct mount *old, struct dentry *root)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_MOUNT);
	struct nsw_event_mount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (!e->source.off)
		path_object(c, key, PATH_TWO, cloned(old), (__u64)root);
	return 0;
}

int PROBE(nsw_object_open_tree_clone, clone_mnt, struct mount *old, struct dentry *root)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_OPEN_TREE);

	if (c && !(c->head.state & CALL_OBJECT))
		path_object(c, key, PATH_ONE, cloned(old), (__u64)root);
	return 0;
}

static __always_inline int enter_umount(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_UMOUNT, EVENT_SIZE(umount));
	struct nsw_event_umount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, NONE, 0);
	e->flags = d->compat == I386_UMOUNT ? 0 : arg(d, 1);
	return 0;
}

static __always_inline int exit_umount(__s64 result)
{
	return finish_paths(NSW_EVENT_UMOUNT, EVENT_SIZE(umount), false, result);
}

int PROBE(nsw_object_umount, security_sb_umount, struct vfsmount *mnt)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_UMOUNT, 0, &key);

	if (c)
		path_object(c, key, PATH_ONE, (__u64)mnt, (__u64)BPF_CORE_READ(mnt, mnt_root));
	return 0;
}

static __always_inline int enter_move_mount(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_MOVE_MOUNT, EVENT_SIZE(move_mount));
	struct nsw_event_move_mount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, 0, 1);
	second_argument(c, d, 2, 3);
	e->flags = arg(d, 4);
	return 0;
}

static __always_inline int exit_move_mount(__s64 result)
{
	return finish_paths(NSW_EVENT_MOVE_MOUNT, EVENT_SIZE(move_mount), true, result);
}

int PROBE(nsw_object_move_mount, security_move_mount, const struct path *from, const struct path *to)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_MOVE_MOUNT, 0, &key);

	if (!c)
		return 0;
	path_object_of(c, key, PATH_ONE, from);
	path_object_of(c, key, PATH_TWO, to);
	return 0;
}

static __always_inline int enter_fsmount(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_FSMOUNT, EVENT_SIZE(fsmount));
	struct nsw_event_fsmount *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = arg(d, 1);
	e->attributes = arg(d, 2);
	return 0;
}

/* What was mounted is told by the descriptor that came of it. */
static __always_inline int exit_fsmount(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_FSMOUNT);
	struct file *file = result < 0 ? NULL : file_of(result);
	struct nsw_event_fsmount *e;
	struct super_block *sb;

	if (c && file) {
		e = (void *)c->rec;
		sb = BPF_CORE_READ(file, f_path.mnt, mnt_sb);
		set_text(c, &e->type, put_kernel_text(key, (__u64)BPF_CORE_READ(sb, s_type, name)));
		set_text(c, &e->source, put_kernel_text(key, (__u64)sb + bpf_core_field_offset(struct super_block, s_id)));
	}
	return finish_act(NSW_EVENT_FSMOUNT, result, NSW_RING_FILES);
}

static __always_inline int enter_open_tree(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_OPEN_TREE, EVENT_SIZE(open_tree));
	struct nsw_event_open_tree *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	path_argument(c, d, 0, 1);
	e->flags = arg(d, 2);
	return 0;
}

static __always_inline int exit_open_tree(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_OPEN_TREE);
	struct file *file = result < 0 ? NULL : file_of(result);
	struct nsw_event_open_tree *e;

	if (c && file && !(c->head.state & CALL_OBJECT)) {
		e = (void *)c->rec;
		/* The descriptor of a copy does not tell what it is a copy of. */
		if (!(e->flags & OPEN_TREE_CLONE))
			path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(file, f_path.mnt),
				    (__u64)BPF_CORE_READ(file, f_path.dentry));
	}
	return finish_paths(NSW_EVENT_OPEN_TREE, EVENT_SIZE(open_tree), false, result);
}

static __always_inline int enter_pivot_root(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_PIVOT_ROOT, EVENT_SIZE(pivot_root));

	if (!c)
		return 0;
	path_argument(c, d, NONE, 0);
	second_argument(c, d, NONE, 1);
	before_root_changes(c, true);
	return 0;
}

static __always_inline int exit_pivot_root(__s64 result)
{
	return finish_paths(NSW_EVENT_PIVOT_ROOT, EVENT_SIZE(pivot_root), true, result);
}

int PROBE(nsw_object_pivot_root, security_sb_pivotroot, const struct path *put_old, const struct path *fresh)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_PIVOT_ROOT, 0, &key);

	if (!c)
		return 0;
	path_object_of(c, key, PATH_ONE, fresh);
	path_object_of(c, key, PATH_TWO, put_old);
	return 0;
}

static __always_inline int enter_chroot(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_CHROOT, EVENT_SIZE(chroot));

	if (!c)
		return 0;
	path_argument(c, d, NONE, 0);
	before_root_changes(c, false);
	return 0;
}

static __always_inline int exit_chroot(__s64 result)
{
	return finish_paths(NSW_EVENT_CHROOT, EVENT_SIZE(chroot), false, result);
}

int PROBE(nsw_object_chroot, security_path_chroot, const struct path *path)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_CHROOT, 0, &key);

	if (c)
		path_object_of(c, key, PATH_ONE, path);
	return 0;
}

/*
 * Reported from the hook, without a result: mmap is too common a call for an entry and a return. What the kernel maps of
 * its own (an anonymous shared memory, the queues of io_uring) is no file.
 */
int PROBE(nsw_object_shared_map, security_mmap_file, struct file *file, unsigned long protection, unsigned long flags)
{
	__u64 key = (__u64)current_task() | ASIDE;
	struct nsw_settings *s = get_settings();
	struct nsw_event_shared_map *e;
	struct subject who;
	struct call *c;

	if (!file || !(flags & MAP_SHARED) || !(protection & PROT_WRITE))
		return 0;
	if (!s || !watched(s, NSW_EVENT_SHARED_MAP, &who) || internal_mount(BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	c = begin_aside(key, &who, NSW_EVENT_SHARED_MAP, EVENT_SIZE(shared_map));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->h.flags = NSW_F_NO_RESULT;
	e->protection = protection;
	e->flags = flags;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry));
	return hook_done(c, key, EVENT_SIZE(shared_map));
}
