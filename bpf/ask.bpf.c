/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that the engine runs itself (bpf_prog_test_run): what the kernel sees, and what it would answer. */
#include "abi_bind.h"
#include "net_verdict.h"

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
	/* The engine has no label, but needs a place for the walk: an entry that belongs to no task. */
	__u64 fd = ctx[0], key = (__u64)current_task() | 1;
	struct file *file = file_of(fd);
	struct walk_state *state;
	struct dentry *dentry;
	struct resolved *r;
	__u32 zero = 0;

	r = bpf_map_lookup_elem(&answer, &zero);
	if (!r)
		return 1;
	if (!file || bpf_map_update_elem(&labels, &key, (void *)&blank, BPF_ANY))
		return 1;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	r->resolved = climb_still(key, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)dentry);
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
 * counted meanwhile. Arguments: home, flags to set, flags to clear, how it is bound (enum nsw_bind), and where it is: set, classes,
 * enforced, overlay, phases, target depths.
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
	if (bind == NSW_BIND_SWITCH) {
		/* Whoever looks in between must find the old set or the new one, and what is said of either. */
		home->target_depths |= ctx[9];
		home->overlay |= ctx[7];
		home->classes |= ctx[5];
		home->enforced |= ctx[6];
		home->phases |= ctx[8];
		if (home->set != ctx[4]) {
			home->set = ctx[4];
			home->phases = ctx[8]; /* of the new set's policies */
		}
	} else if (bind == NSW_BIND_NARROW) {
		home->classes = ctx[5];
		home->enforced = ctx[6];
		home->overlay = ctx[7];
		home->target_depths = ctx[9];
	}
	home->flags = (home->flags & ~(__u32)ctx[2]) | (__u32)ctx[1];
	judged_classes |= home->flags & NSW_HOME_QUARANTINED ? ~0U : home->classes;
	__sync_fetch_and_add(&homes_epoch, 1);
	return 0;
}

/* Run by the engine: {home, events that its policies do not want}. A home that is not known here wants everything. */
SEC("?raw_tp")
int nsw_home_wants(__u64 *ctx)
{
	__u64 id = ctx[0];
	struct nsw_home *home = bpf_map_lookup_elem(&homes, &id);

	if (!home || home->unwanted == ctx[1])
		return 0;
	home->unpaired = home->unwanted | ctx[1];
	home->unwanted = ctx[1];
	return 0;
}

/*
 * What the answer would be, were the caller a process of that home: by the very code that answers the hooks. The caller gets
 * a label for as long as it is asked. Arguments: home, classes, label flags, and a descriptor ...
 */
struct asked {
	__u64 answer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct asked);
} verdict SEC(".maps");

static __always_inline struct task_state *borrow_label(__u64 home, __u64 flags)
{
	struct task_state *state;

	if (label_of(current_task()))
		return NULL;
	state = make_state(current_task());
	if (!state)
		return NULL;
	state->label.home = home;
	state->label.flags = flags;
	know_groups((__u64)current_task(), home);
	return state;
}

static __always_inline int give_back(__u64 answer)
{
	__u64 key = (__u64)current_task();
	struct asked result = {.answer = answer};
	__u32 zero = 0;

	bpf_map_delete_elem(&labels, &key);
	return bpf_map_update_elem(&verdict, &zero, &result, BPF_ANY) ? 1 : 0;
}

SEC("?raw_tp")
int nsw_judge_file(__u64 *ctx)
{
	__u64 home = ctx[0], classes = ctx[1];
	struct file *file = file_of(ctx[3]);
	struct task_state *task;

	task = file ? borrow_label(home, ctx[2]) : NULL;
	if (!task)
		return 1;
	return give_back(
		judge_file(task, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry), classes));
}

/* ... or an address: two halves, port << 8 | protocol ... */
SEC("?raw_tp")
int nsw_judge_address(__u64 *ctx)
{
	__u64 home = ctx[0], classes = ctx[1];

	if (!borrow_label(home, ctx[2]))
		return 1;
	return give_back(judge_address(home, ctx[3], ctx[4], ctx[5], classes));
}

/* ... or a key without a path: kind, hash. */
SEC("?raw_tp")
int nsw_judge_key(__u64 *ctx)
{
	__u64 key = (__u64)current_task(), home = ctx[0], classes = ctx[1];

	if (!borrow_label(home, ctx[2]))
		return 1;
	if (!ask_query(key, home, classes))
		return give_back(0);
	ask_key(key, ctx[3], ctx[4]);
	return give_back(decide(key, 0));
}
