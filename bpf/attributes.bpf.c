/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands beside a file's content: chmod, chown, utimensat, truncate, setxattr. */
#include "narrow.h"
#include "paths.h"

HAS_PATH(chmod)
HAS_PATH(chown)
HAS_PATH(xattr)
HAS_PATH(truncate)
HAS_PATH(utime)

static __always_inline int enter_chmod(struct door *d)
{
	bool at = d->syscall == NSW_SYSCALL_fchmodat || d->syscall == NSW_SYSCALL_fchmodat2;
	struct call *c = begin_act(d, NSW_EVENT_CHMOD, EVENT_SIZE(chmod));
	struct nsw_event_chmod *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (d->syscall == NSW_SYSCALL_fchmod)
		path_argument(c, d, 0, NONE);
	else
		path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	e->mode = (__u16)arg(d, at ? 2 : 1);
	return 0;
}
EXIT_ONE(CHMOD, chmod)

int PROBE(nsw_object_chmod, security_path_chmod, const struct path *path)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_CHMOD, 0, &key);

	if (c)
		path_object_of(c, key, PATH_ONE, path);
	return 0;
}

static __always_inline int enter_chown(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_CHOWN, EVENT_SIZE(chown));
	bool at = d->syscall == NSW_SYSCALL_fchownat;
	struct nsw_event_chown *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (d->syscall == NSW_SYSCALL_fchown)
		path_argument(c, d, 0, NONE);
	else
		path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	e->uid = id_arg(d, at ? 2 : 1);
	e->gid = id_arg(d, at ? 3 : 2);
	return 0;
}
EXIT_ONE(CHOWN, chown)

int PROBE(nsw_object_chown, security_path_chown, const struct path *path)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_CHOWN, 0, &key);

	if (c)
		path_object_of(c, key, PATH_ONE, path);
	return 0;
}

static __always_inline int enter_utime(struct door *d)
{
	bool at = d->syscall == NSW_SYSCALL_utimensat || d->syscall == NSW_SYSCALL_futimesat;
	struct call *c = begin_act(d, NSW_EVENT_UTIME, EVENT_SIZE(utime));

	if (!c)
		return 0;
	path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	c->head.argv = arg(d, at ? 2 : 1);
	c->head.length = d->compat && d->compat != I386_UTIMENSAT64 ? 4 : 8;
	return 0;
}

static __always_inline __s64 user_time(const struct call *c, __u64 i)
{
	__s64 time = 0;
	__s32 narrow = 0;

	if (c->head.length == 8) {
		bpf_probe_read_user(&time, 8, (void *)(c->head.argv + 8 * i));
		return time;
	}
	bpf_probe_read_user(&narrow, 4, (void *)(c->head.argv + 4 * i));
	return narrow;
}

/* Without a hook: the caller's own times. Pairs of two numbers each, but for utime(2). */
static __always_inline int exit_utime(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_UTIME);
	struct nsw_event_utime *e;

	if (c && !(c->head.state & CALL_OBJECT) && c->head.argv) {
		e = (void *)c->rec;
		e->accessed = user_time(c, 0);
		e->modified = user_time(c, c->head.syscall == NSW_SYSCALL_utime ? 1 : 2);
	}
	return finish_paths(NSW_EVENT_UTIME, EVENT_SIZE(utime), false, result);
}

/* struct timespec64: a type of the kernel that is as it is on every 64-bit machine. */
struct time {
	__s64 seconds;
	__s64 nanoseconds;
};

int PROBE(nsw_object_utime, vfs_utimes, const struct path *path, const struct timespec64 *times)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_UTIME, 0, &key);
	struct nsw_event_utime *e;
	struct time both[2] = {};

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (times)
		bpf_probe_read_kernel(both, sizeof(both), times);
	e->accessed = both[0].seconds;
	e->modified = both[1].seconds;
	path_object_of(c, key, PATH_ONE, path);
	return 0;
}

static __always_inline int enter_truncate(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_TRUNCATE, EVENT_SIZE(truncate));
	struct nsw_event_truncate *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (d->syscall == NSW_SYSCALL_truncate)
		path_argument(c, d, NONE, 0);
	else
		path_argument(c, d, 0, NONE);
	if (d->syscall != NSW_SYSCALL_fallocate) {
		e->length = d->compat == I386_TRUNCATE64 || d->compat == I386_FTRUNCATE64 ? halves(d, 1) : arg(d, 1);
		return 0;
	}
	e->mode = arg(d, 1);
	/* Of 32-bit callers in two halves each. */
	e->offset = d->compat ? halves(d, 2) : arg(d, 2);
	e->length = d->compat ? halves(d, 4) : arg(d, 3);
	return 0;
}
EXIT_ONE(TRUNCATE, truncate)

static __always_inline int truncate_object(const struct path *path)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_TRUNCATE, 0, &key);

	if (c)
		path_object_of(c, key, PATH_ONE, path);
	return 0;
}

int PROBE(nsw_object_truncate, security_path_truncate, const struct path *path)
{
	return truncate_object(path);
}

/* ftruncate, where the kernel has it (6.2 on). */
int PROBE(nsw_object_truncate_file, security_file_truncate, struct file *file)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_TRUNCATE, 0, &key);

	if (c)
		path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(file, f_path.mnt),
			    (__u64)BPF_CORE_READ(file, f_path.dentry));
	return 0;
}

/* True where an act without a system call is overlayfs doing it once more, to its layer's file. Then the act is dropped. */
static __always_inline bool layer_aside(__u64 key, struct vfsmount *mnt)
{
	if (!(key & ASIDE) || !mnt || !internal_mount(mnt))
		return false;
	end_call(key);
	return true;
}

int PROBE(nsw_object_truncate_room, vfs_fallocate, struct file *file, int mode, __s64 offset, __s64 length)
{
	__u64 key;
	struct nsw_event_truncate *e;
	struct call *c;

	if (backing_file(file))
		return 0;
	c = hooked(NSW_EVENT_TRUNCATE, EVENT_SIZE(truncate), &key);
	if (!c || layer_aside(key, BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	e = (void *)c->rec;
	e->mode = mode;
	e->offset = offset;
	e->length = length;
	path_object(c, key, PATH_ONE, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry));
	return hook_done(c, key, EVENT_SIZE(truncate));
}

/* ---- extended attributes ----------------------------------------------------------------------------------------- */

static __always_inline bool by_descriptor(__u32 syscall)
{
	return syscall == NSW_SYSCALL_fsetxattr || syscall == NSW_SYSCALL_fremovexattr;
}

static __always_inline int enter_xattr(struct door *d)
{
	bool at = d->syscall == NSW_SYSCALL_setxattrat || d->syscall == NSW_SYSCALL_removexattrat;
	struct call *c = begin_act(d, NSW_EVENT_XATTR, EVENT_SIZE(xattr));
	struct nsw_event_xattr *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (by_descriptor(d->syscall))
		path_argument(c, d, 0, NONE);
	else
		path_argument(c, d, at ? 0 : NONE, at ? 1 : 0);
	c->head.argv = arg(d, at ? 3 : 1);
	if (d->syscall == NSW_SYSCALL_setxattr || d->syscall == NSW_SYSCALL_lsetxattr || d->syscall == NSW_SYSCALL_fsetxattr)
		e->flags = arg(d, 4);
	return 0;
}

static __always_inline int exit_xattr(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_XATTR);
	struct nsw_event_xattr *e;

	if (c && !(c->head.state & (CALL_OBJECT | CALL_RING))) {
		e = (void *)c->rec;
		set_text(c, &e->name, put_user_text(key, c->head.argv));
	}
	return finish_paths(NSW_EVENT_XATTR, EVENT_SIZE(xattr), false, result);
}

/*
 * The hooks of attributes have no mount, but the kernel asks just before for leave to write to it. io_uring has no entry
 * in which to keep that: it lies with the label.
 */
static __always_inline int xattr_mount(struct vfsmount *mnt)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct task_state *state;
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_XATTR, &who))
		return 0;
	c = bpf_map_lookup_elem(&inflight, &key);
	if (c) {
		if (c->head.type == NSW_EVENT_XATTR && !c->head.object)
			c->head.object = (__u64)mnt;
		return 0;
	}
	state = bpf_map_lookup_elem(&labels, &key);
	if (state)
		state->write_mount = (__u64)mnt;
	return 0;
}

int PROBE(nsw_object_xattr_leave, mnt_want_write, struct vfsmount *mnt)
{
	return xattr_mount(mnt);
}

int PROBE(nsw_object_xattr_leave_file, mnt_want_write_file, struct file *file)
{
	return xattr_mount(BPF_CORE_READ(file, f_path.mnt));
}

static __always_inline __u64 mount_of(const struct call *c, __u64 key)
{
	struct task_state *state;
	__u64 task = key & ~(__u64)ASIDE;

	if (c->head.object)
		return c->head.object;
	state = bpf_map_lookup_elem(&labels, &task);
	return state ? state->write_mount : 0;
}

static __always_inline bool lies_on(struct dentry *dentry, struct vfsmount *mnt)
{
	return BPF_CORE_READ(dentry, d_sb) == BPF_CORE_READ(mnt, mnt_sb);
}

/* Since 5.12 the hooks have one more argument, before the dentry: the dentry is the one that lies on the mount. */
static __always_inline int xattr_object(struct pt_regs *ctx)
{
	struct dentry *dentry = (void *)PT_REGS_PARM1(ctx);
	const char *name = (void *)PT_REGS_PARM2(ctx);
	struct nsw_event_xattr *e;
	struct call *c;
	__u64 key, mnt;

	c = hooked(NSW_EVENT_XATTR, EVENT_SIZE(xattr), &key);
	if (!c)
		return 0;
	e = (void *)c->rec;
	mnt = mount_of(c, key);
	if (layer_aside(key, (struct vfsmount *)mnt))
		return 0;
	if (!lies_on(dentry, (struct vfsmount *)mnt)) {
		dentry = (void *)PT_REGS_PARM2(ctx);
		name = (void *)PT_REGS_PARM3(ctx);
	}
	if (mnt && lies_on(dentry, (struct vfsmount *)mnt)) {
		path_object(c, key, PATH_ONE, mnt, (__u64)dentry);
		set_text(c, &e->name, put_kernel_text(key, (__u64)name));
	} else {
		e->h.flags |= NSW_F_NO_OBJECT;
	}
	return hook_done(c, key, EVENT_SIZE(xattr));
}

SEC("?kprobe/security_inode_setxattr")
int nsw_object_xattr_set(struct pt_regs *ctx)
{
	return xattr_object(ctx);
}

SEC("?kprobe/security_inode_removexattr")
int nsw_object_xattr_remove(struct pt_regs *ctx)
{
	return xattr_object(ctx);
}
