/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs that keep the labels, and two that the engine runs itself. */
#include "identity.h"
#include "verdict.h"

SEC("?lsm/task_alloc")
int BPF_PROG(nsw_task_alloc, struct task_struct *child, unsigned long flags, int ret)
{
	struct nsw_settings *s = get_settings();
	int failed = -EAGAIN;

	if (ret || !s || !inherit(s, child))
		return ret;
	/* A process that nobody could judge must not come to be. */
	keep(failed);
	return failed;
}

/* Covers what lsm/task_alloc does not: no LSM, and the workers of io_uring on every kernel. */
SEC("?tp_btf/task_newtask")
int BPF_PROG(nsw_inherit, struct task_struct *child, u64 flags)
{
	struct nsw_settings *s = get_settings();

	if (s)
		inherit(s, (struct task_struct *)(__u64)child);
	return 0;
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(nsw_free, struct task_struct *task)
{
	forget(task);
	return 0;
}

/* A fork that failed after task_alloc never gets as far as sched_process_free. */
SEC("?lsm/task_free")
int BPF_PROG(nsw_task_free, struct task_struct *task)
{
	forget(task);
	return 0;
}

SEC("?lsm/bprm_creds_for_exec")
int BPF_PROG(nsw_seed, struct linux_binprm *bprm, int ret)
{
	struct nsw_settings *s = get_settings();

	if (s && !ret)
		seed(s, current_task());
	return ret;
}

/* The fallback of all the others: late, the program is running already, but everywhere. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(nsw_seed_late, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct nsw_settings *s = get_settings();

	if (s)
		seed(s, current_task());
	return 0;
}

/*
 * A container's process enters the host's mount namespace (setns, nsenter -t 1): from now on the namespace alone does
 * not tell who is of the host.
 */
SEC("?fentry/switch_task_namespaces")
int BPF_PROG(nsw_switch, struct task_struct *task, struct nsproxy *fresh)
{
	struct nsw_settings *s = get_settings();

	if (!s || !fresh || s->escaped || !label_of(task))
		return 0;
	if (BPF_CORE_READ(fresh, mnt_ns, ns.inum) == s->host_mntns)
		s->escaped = 1;
	return 0;
}

/* Labels what runs already. Writes a byte for each task that it labelled: the engine repeats it until there is none. */
SEC("?iter/task")
int nsw_label_running(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nsw_settings *s = get_settings();
	__u8 one = 1;

	if (!s || !task)
		return 0;
	task = (struct task_struct *)(__u64)task;
	if (!BPF_CORE_READ(task, nsproxy) || !BPF_CORE_READ(task, mm) || label_of(task))
		return 0;
	if (seed(s, task))
		bpf_seq_write(ctx->meta->seq, &one, 1);
	return 0;
}

/*
 * Run by the engine once: the host's namespaces are those of process 1, whose /proc entry even root may not be allowed
 * to follow (a sandboxed host). The engine descends from it.
 */
SEC("?raw_tp")
int nsw_find_host(__u64 *ctx)
{
	struct task_struct *task = current_task();
	struct nsw_settings *s = get_settings();
	int i;

	if (!s)
		return 1;
	for (i = 0; i < 128; i++) {
		if (BPF_CORE_READ(task, tgid) == 1) {
			s->host_mntns = mntns_of(task);
			s->host_pidns = pidns_of(task);
			return 0;
		}
		task = BPF_CORE_READ(task, real_parent);
	}
	return 1;
}

/* What the kernel sees behind a descriptor of the engine: see engine/kernel/resolve.h. */
struct resolved {
	__u64 ino;
	__u64 hash;
	__u32 dev;
	__u32 depth;
	__u32 resolved;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resolved);
} answer SEC(".maps");

/* Run by the engine alone (bpf_prog_test_run): stat's device is not the kernel's on every file system. */
SEC("?raw_tp")
int nsw_resolve(__u64 *ctx)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	/* The engine has no label, but needs a place for the walk: an entry that belongs to no task. */
	__u64 fd = ctx[0], key = (__u64)current_task() | 1;
	struct task_state none = {};
	struct file *file = NULL;
	struct walk_state *state;
	struct dentry *dentry;
	struct resolved *r;
	__u32 zero = 0;

	r = bpf_map_lookup_elem(&answer, &zero);
	if (!r || fd >= BPF_CORE_READ(table, max_fds))
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	if (!file || bpf_map_update_elem(&labels, &key, &none, BPF_ANY))
		return 1;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	r->resolved = measure(key, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)dentry);
	r->ino = BPF_CORE_READ(dentry, d_inode, i_ino);
	r->dev = BPF_CORE_READ(dentry, d_inode, i_sb, s_dev);
	state = walk_of(key);
	if (state) {
		r->hash = state->hash;
		r->depth = state->depth;
	}
	bpf_map_delete_elem(&labels, &key);
	return 0;
}

/*
 * Run by the engine alone: changes a home field by field, since writing the whole value back would undo what the kernel
 * counted meanwhile. Arguments: home, flags to set, flags to clear, and if `bind`: set, classes, overlay.
 */
SEC("?raw_tp")
int nsw_set_home(__u64 *ctx)
{
	__u64 id = ctx[0], bind = ctx[3];
	struct nsw_home fresh = {}, *home;

	bpf_map_update_elem(&homes, &id, &fresh, BPF_NOEXIST);
	home = bpf_map_lookup_elem(&homes, &id);
	if (!home)
		return 1;
	if (bind) {
		/* Whoever looks in between must find the old set or the new one, judged for all classes of both. */
		home->classes |= ctx[5];
		home->overlay |= ctx[6];
		home->set = ctx[4];
		home->classes = ctx[5];
		home->overlay = ctx[6];
	}
	home->flags = (home->flags & ~(__u32)ctx[2]) | (__u32)ctx[1];
	return 0;
}
