/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What containers may not do to the engine, whatever their privileges and without any policy: to its process, to its BPF
 * objects, to its files. What is its own is in one map, `own`, which the engine fills. All of it is as strong as the
 * kernel is against a container: who may load modules, or BPF programs of his own, needs none of these doors.
 *
 * Nobody else is refused anything: neither a process of the host nor a service of it with a mount namespace of its own.
 */
#include "refuse.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* An inode of procfs. */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct bpf_map {
	u32 id;
};

struct bpf_prog_aux {
	u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NSW_OWN_ROWS);
	__type(key, struct nsw_own_key);
	__type(value, struct nsw_own);
} own SEC(".maps");

static __always_inline __u32 guards_of(__u64 id, __u32 dev, __u32 kind)
{
	struct nsw_own_key key = {.id = id, .dev = dev, .kind = kind};
	struct nsw_own *row = bpf_map_lookup_elem(&own, &key);

	return row ? row->guards : 0;
}

/* A home alone does not tell: see above. An engine in a container is nobody's danger. */
static __always_inline bool by_container(const struct nsw_settings *s, struct subject *who)
{
	struct nsw_home *home;

	if (!s || !own_state(s, who))
		return false;
	home = bpf_map_lookup_elem(&homes, &who->home);
	return home && home->flags & NSW_HOME_CONTAINER && bpf_get_current_pid_tgid() >> 32 != s->engine;
}

/* The end of each of these programs, for what is refused; while the engine is disarmed it is told of alone. */
static __always_inline int refuse_own(__u64 what, __u64 dentry, __u64 events)
{
	__u32 mode = disarmed() ? NSW_VERDICT_AUDIT : NSW_VERDICT_DENIED;

	return refused(ANSWER(NSW_RULE_OWN, mode, 0), what, 0, dentry, events) ? refuse() : 0;
}

/* ---- its process -------------------------------------------------------------------------------------------------- */

static __always_inline bool is_engine(const struct nsw_settings *s, __u64 task)
{
	struct task_struct *target = (struct task_struct *)task;

	return s && s->engine && BPF_CORE_READ(target, tgid) == s->engine;
}

static __always_inline int guard_process(__u64 task, __u64 what, __u64 events)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	return is_engine(s, task) && by_container(s, &who) ? refuse_own(what, 0, events) : 0;
}

/* However it is sent; signal 0 only asks whether there is such a process. */
SEC("?lsm/task_kill")
int nsw_guard_kill(__u64 *ctx)
{
	if (!(__u32)ctx[2])
		return 0;
	return guard_process(number_at(ctx, 0), WHAT(NSW_CLASS_OPERATION, NSW_OPERATION_KILL), EVENT_BIT(KILL));
}

/*
 * The signal of a file (F_SETOWN, F_SETSIG) comes in the name of whoever wakes the file, or of nobody. The engine asks for
 * none: none is delivered to it, and nobody can be blamed in a record.
 */
SEC("?lsm/file_send_sigiotask")
int nsw_guard_sigio(__u64 *ctx)
{
	if (!is_engine(get_settings(), number_at(ctx, 0)) || disarmed())
		return 0;
	count_untold(NSW_RULE_OWN);
	count(NSW_EVENT_REFUSAL, NSW_COUNT_DENIED);
	return refuse();
}

/* Its memory, descriptors, environment, namespaces, too. What is only left out of a line of /proc (ps) is not told of. */
SEC("?lsm/ptrace_access_check")
int nsw_guard_ptrace(__u64 *ctx)
{
	struct nsw_settings *s = get_settings();
	__u32 mode = ctx[1];
	struct subject who;

	if (!is_engine(s, number_at(ctx, 0)) || !by_container(s, &who))
		return 0;
	if (mode & PTRACE_MODE_NOAUDIT)
		return disarmed() ? 0 : refuse();
	return refuse_own(WHAT(NSW_CLASS_OPERATION, NSW_OPERATION_PTRACE), 0,
			  EVENT_BIT(PTRACE) | EVENT_BIT(OPEN) | EVENT_BIT(NAMESPACE));
}

#define GUARD_TASK(hook, capability)                                                                      \
	SEC("?lsm/task_" #hook)                                                                           \
	int nsw_guard_##hook(__u64 *ctx)                                                                  \
	{                                                                                                 \
		return guard_process(number_at(ctx, 0), WHAT(NSW_CLASS_CAPABILITY, CAP_##capability), 0); \
	}
GUARD_TASK(setnice, SYS_NICE)
GUARD_TASK(setioprio, SYS_NICE)
GUARD_TASK(setscheduler, SYS_NICE)
GUARD_TASK(movememory, SYS_NICE)
GUARD_TASK(setrlimit, SYS_RESOURCE)

/* ---- its BPF objects ---------------------------------------------------------------------------------------------- */

/* Called for each descriptor of a map or program that is made. All that the engine gets one of is its own. */
static __always_inline int guard_object(__u32 id, __u32 kind)
{
	struct nsw_own_key key = {.id = id, .kind = kind};
	struct nsw_own value = {.guards = NSW_OWN_ITSELF};
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!s)
		return 0;
	if (s->engine && bpf_get_current_pid_tgid() >> 32 == s->engine) {
		value.life = s->life;
		bpf_map_update_elem(&own, &key, &value, BPF_ANY);
		return 0;
	}
	if (!guards_of(id, 0, kind) || !by_container(s, &who))
		return 0;
	return refuse_own(WHAT(NSW_CLASS_OPERATION, NSW_OPERATION_BPF), 0, EVENT_BIT(BPF));
}

SEC("?lsm/bpf_map")
int nsw_guard_map(__u64 *ctx)
{
	struct bpf_map *map = (struct bpf_map *)number_at(ctx, 0);

	return guard_object(BPF_CORE_READ(map, id), NSW_OWN_MAP);
}

SEC("?lsm/bpf_prog")
int nsw_guard_program(__u64 *ctx)
{
	struct bpf_prog *program = (struct bpf_prog *)number_at(ctx, 0);

	return guard_object(BPF_CORE_READ(program, aux, id), NSW_OWN_PROGRAM);
}

/* Links have no such hook. By a pin one can be had, but there is nothing that the kernel does with these on demand. */
SEC("?lsm/bpf")
int nsw_guard_bpf_link(__u64 *ctx)
{
	struct nsw_settings *s = get_settings();
	struct subject who;
	__u32 id = 0;

	if ((__u32)ctx[0] != BPF_LINK_GET_FD_BY_ID || !by_container(s, &who))
		return 0;
	bpf_probe_read_kernel(&id, sizeof(id), (void *)number_at(ctx, 1)); /* link_id is the first of its attributes */
	if (!guards_of(id, 0, NSW_OWN_LINK))
		return 0;
	return refuse_own(WHAT(NSW_CLASS_OPERATION, NSW_OPERATION_BPF), 0, EVENT_BIT(BPF));
}

/* ---- its files ---------------------------------------------------------------------------------------------------- */

static __always_inline __u32 guards_of_file(struct inode *inode)
{
	return guards_of(BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(inode, i_sb, s_dev), NSW_OWN_INODE);
}

/* `inside`: NSW_OWN_FILES or NSW_OWN_NAMES, whatever of its folder's is touched. Called for containers alone. */
static __always_inline bool own_file(__u64 at, __u32 inside)
{
	struct dentry *dentry = (struct dentry *)at;

	return guards_of_file(BPF_CORE_READ(dentry, d_inode)) & NSW_OWN_ITSELF ||
	       guards_of_file(BPF_CORE_READ(dentry, d_parent, d_inode)) & inside;
}

/*
 * What every of these hooks comes to, as true or false: the verifier of 6.12 sees no errno in what a function returns.
 * `other`: a second file of the act, or 0.
 */
__weak __noinline int guarded(__u64 dentry, __u64 other, __u32 inside, __u32 class, __u64 events)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!by_container(s, &who) || !(own_file(dentry, inside) || (other && own_file(other, inside))))
		return 0;
	return refuse_own(WHAT(class, 0), dentry, events) != 0;
}

static __always_inline int guard_file(__u64 dentry, __u64 other, __u32 inside, __u32 class, __u64 events)
{
	return guarded(dentry, other, inside, class, events) ? refuse() : 0;
}

/* A file in the engine's folder of /proc, or in that of one of its threads: oom_score_adj, clear_refs, comm ... */
static __always_inline bool of_engine_in_proc(const struct nsw_settings *s, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct proc_inode *entry;
	struct hlist_node *link;
	struct pid *pid;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return false;
	entry = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	pid = BPF_CORE_READ(entry, pid);
	link = pid ? BPF_CORE_READ(pid, tasks[0].first) : NULL; /* 0: of each thread */
	return link && is_engine(s, (__u64)link - bpf_core_field_offset(struct task_struct, pid_links));
}

static __always_inline __u64 dentry_at(__u64 file)
{
	return (__u64)BPF_CORE_READ((struct file *)file, f_path.dentry);
}

static __always_inline int guard_opened(__u64 file)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!by_container(s, &who))
		return 0;
	if (!own_file(dentry_at(file), NSW_OWN_FILES) && !of_engine_in_proc(s, (struct file *)file))
		return 0;
	return refuse_own(WHAT(NSW_CLASS_MODIFY, 0), dentry_at(file), EVENT_BIT(OPEN));
}

/* The one hook here that fires all the time: what is not opened to be written to leaves at once. */
SEC("?lsm/file_open")
int BPF_PROG(nsw_guard_open, struct file *file)
{
	return file->f_mode & FMODE_WRITE ? guard_opened(number_at(ctx, 0)) : 0;
}

/* Who holds a lock on the history, or on the one that there is one engine, keeps the engine from working. */
SEC("?lsm/file_lock")
int nsw_guard_lock(__u64 *ctx)
{
	return guard_file(dentry_at(number_at(ctx, 0)), 0, NSW_OWN_FILES, NSW_CLASS_MODIFY, 0);
}

/* chattr: it needs no descriptor to write to. */
SEC("?lsm/file_ioctl")
int nsw_guard_ioctl(__u64 *ctx)
{
	__u32 command = ctx[1];

	return sets_flags(command) ? guard_file(dentry_at(number_at(ctx, 0)), 0, NSW_OWN_FILES, NSW_CLASS_XATTR, 0) : 0;
}

SEC("?lsm/file_ioctl_compat")
int nsw_guard_ioctl_compat(__u64 *ctx)
{
	__u32 command = ctx[1];

	return sets_flags(command) ? guard_file(dentry_at(number_at(ctx, 0)), 0, NSW_OWN_FILES, NSW_CLASS_XATTR, 0) : 0;
}

/* The same by file_setattr(2). */
SEC("?lsm/inode_file_setattr")
int nsw_guard_setflags(__u64 *ctx)
{
	return guard_file(number_at(ctx, 0), 0, NSW_OWN_FILES, NSW_CLASS_XATTR, 0);
}

/* The inode_* hooks: every kernel has them, the path_* ones not. All begin with the folder, or with what they are about. */
#define GUARD_NAME(hook, dentry, other, CLASS, events)                                      \
	SEC("?lsm/inode_" #hook)                                                            \
	int nsw_guard_##hook(__u64 *ctx)                                                    \
	{                                                                                   \
		return guard_file(dentry, other, NSW_OWN_NAMES, NSW_CLASS_##CLASS, events); \
	}
GUARD_NAME(create, number_at(ctx, 1), 0, CREATE, EVENT_BIT(OPEN) | EVENT_BIT(MKNOD))
GUARD_NAME(mknod, number_at(ctx, 1), 0, CREATE, EVENT_BIT(MKNOD) | EVENT_BIT(BIND))
GUARD_NAME(mkdir, number_at(ctx, 1), 0, CREATE, EVENT_BIT(MKDIR))
GUARD_NAME(symlink, number_at(ctx, 1), 0, CREATE, EVENT_BIT(SYMLINK))
GUARD_NAME(unlink, number_at(ctx, 1), 0, DELETE, EVENT_BIT(UNLINK))
GUARD_NAME(rmdir, number_at(ctx, 1), 0, DELETE, EVENT_BIT(UNLINK))
GUARD_NAME(link, number_at(ctx, 0), number_at(ctx, 2), LINK, EVENT_BIT(LINK))
GUARD_NAME(rename, number_at(ctx, 1), number_at(ctx, 3), RENAME, EVENT_BIT(RENAME))

#define GUARD_ATTRIBUTE(hook, position, CLASS, events)                                                 \
	SEC("?lsm/inode_" #hook)                                                                       \
	int nsw_guard_##hook(__u64 *ctx)                                                               \
	{                                                                                              \
		return guard_file(either(ctx, position), 0, NSW_OWN_FILES, NSW_CLASS_##CLASS, events); \
	}
GUARD_ATTRIBUTE(setattr, setattr_dentry, TOUCH,
		EVENT_BIT(CHMOD) | EVENT_BIT(CHOWN) | EVENT_BIT(UTIME) | EVENT_BIT(TRUNCATE) | EVENT_BIT(OPEN))
GUARD_ATTRIBUTE(setxattr, setxattr_dentry, XATTR, EVENT_BIT(XATTR))
GUARD_ATTRIBUTE(removexattr, setxattr_dentry, XATTR, EVENT_BIT(XATTR))
GUARD_ATTRIBUTE(set_acl, acl_dentry, XATTR, EVENT_BIT(XATTR))
GUARD_ATTRIBUTE(remove_acl, acl_dentry, XATTR, EVENT_BIT(XATTR))

/* Its control socket: whoever is root may command it there. */
SEC("?lsm/unix_stream_connect")
int nsw_guard_connect(__u64 *ctx)
{
	struct unix_sock *listener = (struct unix_sock *)number_at(ctx, 1);
	__u64 dentry = (__u64)BPF_CORE_READ(listener, path.dentry);

	return dentry ? guard_file(dentry, 0, NSW_OWN_FILES, NSW_CLASS_CONNECT, EVENT_BIT(CONNECT)) : 0;
}

/* ---- what they are mounted on ------------------------------------------------------------------------------------- */

/* Where the host has them; what is mounted in a container's own namespace is of no matter. */
static __always_inline int guard_place(__u64 at, __u64 events)
{
	struct nsw_settings *s = get_settings();
	struct dentry *dentry = (struct dentry *)at;
	struct subject who;

	if (!by_container(s, &who) || who.mntns != s->host_mntns)
		return 0;
	if (!(guards_of_file(BPF_CORE_READ(dentry, d_inode)) & NSW_OWN_PLACE))
		return 0;
	return refuse_own(WHAT(NSW_CLASS_OPERATION, NSW_OPERATION_MOUNT), at, events);
}

SEC("?lsm/sb_mount")
int nsw_guard_mount(__u64 *ctx)
{
	return ctx[3] & MS_NO_PLACE ? 0 : guard_place(dentry_of(number_at(ctx, 1)), EVENT_BIT(MOUNT));
}

SEC("?lsm/move_mount")
int nsw_guard_move(__u64 *ctx)
{
	return guard_place(dentry_of(number_at(ctx, 1)), EVENT_BIT(MOVE_MOUNT));
}

/* The last mount of the file system that they are pinned in takes the pins with it. */
SEC("?lsm/sb_umount")
int nsw_guard_umount(__u64 *ctx)
{
	struct vfsmount *mnt = (struct vfsmount *)number_at(ctx, 0);

	return guard_place((__u64)BPF_CORE_READ(mnt, mnt_root), EVENT_BIT(UMOUNT));
}
