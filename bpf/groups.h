/* SPDX-License-Identifier: GPL-2.0-only */
/* Who acts: the groups of executables that a process, and those above it, are in. */
#ifndef NSWARDEN_GROUPS_H
#define NSWARDEN_GROUPS_H

#include "verdict.h"

/* Groups that the executable of a task is in, as paths mean in `home`. */
__weak __noinline __u64 groups_of(__u64 key, __u64 of, __u64 home)
{
	struct task_struct *task = (struct task_struct *)of;
	struct walk_state *state = walk_of(key);
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);

	if (!exe || !state || !ask_query(key, home, 1 << NSW_CLASS_BY))
		return 0;
	ask_file(key, (__u64)BPF_CORE_READ(exe, f_path.mnt), (__u64)BPF_CORE_READ(exe, f_path.dentry), 0,
		 (__u64)BPF_CORE_READ(exe, f_path.dentry));
	return state->groups;
}

#define ANCESTORS 32

/* Those above, as far as they are of the same home; where what is known of one is of this set, it knows the rest. */
static __always_inline __u64 groups_above(__u64 key, __u64 home, __u32 generation)
{
	struct task_struct *task = current_task(), *parent;
	struct task_state *known;
	__u64 above = 0;
	int i;

	for (i = 0; i < ANCESTORS; i++) {
		parent = BPF_CORE_READ(task, real_parent);
		if (parent == task)
			break;
		known = state_of((__u64)parent);
		if (!known || known->label.home != home)
			break;
		if (known->generation == generation)
			return above | known->by | known->above;
		above |= groups_of(key, (__u64)parent, home);
		task = parent;
	}
	return above;
}

/*
 * What `by` and `ancestor` are judged by. Kept from one exec to the next and handed on at fork, so that neither an ancestor
 * that ends nor another exe link by prctl changes it; found out anew for a set that is new.
 */
__weak __noinline int know_groups(__u64 key, __u64 home, __u64 executed)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct task_state *task = state_of(key);
	__u32 slot = h ? h->set : 0;
	struct nsw_set *set;

	if (!task || !h || !(h->classes & 1 << NSW_CLASS_BY))
		return 0;
	set = bpf_map_lookup_elem(&sets, &slot);
	if (!set || (task->generation == set->generation && !executed))
		return 0;
	task->by = groups_of(key, key, home);
	if (task->generation != set->generation)
		task->above = groups_above(key, home, set->generation);
	task->generation = set->generation;
	return 0;
}

#endif
