/* SPDX-License-Identifier: GPL-2.0-only */
/* Who acts: the groups of executables that a process, and those above it, are in. */
#ifndef NSWARDEN_GROUPS_H
#define NSWARDEN_GROUPS_H

#include "verdict.h"

/* Groups that the executable of a task is in, as paths mean in `home`. */
__weak __noinline __u64 groups_of(__u64 key, __u64 of, __u64 home)
{
	struct file *exe = BPF_CORE_READ((struct task_struct *)of, mm, exe_file);
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct task_state *task = state_of(key);
	__u64 dentry;

	if (!exe || !task || !h)
		return 0;
	dentry = (__u64)BPF_CORE_READ(exe, f_path.dentry);
	ask_about(&task->walk, (__u64)BPF_CORE_READ(exe, f_path.mnt), dentry, dentry);
	ask_file(&task->walk, begin_query(task, h, 1 << NSW_CLASS_BY), NULL, 0);
	return task->walk.groups;
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
		if (known->generation == generation && known->exec_id == BPF_CORE_READ(parent, self_exec_id) &&
		    !(known->exe & EXE_NEW))
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
__weak __noinline int know_groups(__u64 key, __u64 home)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct task_state *task = state_of(key);
	__u32 slot = h ? h->set : 0, generation;
	struct nsw_set *set;

	if (!task || !h || !(h->classes & 1 << NSW_CLASS_BY))
		return 0;
	set = bpf_map_lookup_elem(&sets, &slot);
	if (!set)
		return 0;
	generation = set->generation;
	if (task->generation == generation && !(task->exe & EXE_NEW))
		return 0;
	task->by = groups_of(key, key, home);
	if (task->generation != generation)
		task->above = groups_above(key, home, generation);
	task->generation = generation;
	task->exe &= ~EXE_NEW;
	return 0;
}

/*
 * The auxiliary vector says where the program's interpreter lies, AT_BASE. Without one the program is static, or it is a
 * dynamic loader that was asked to run another. `size`: bytes of a number.
 */
static __always_inline bool has_interpreter(__u64 vector, const int size)
{
	__u64 type = 0, value = 0;
	int i;

	for (i = 0; i < AUXV_PAIRS; i++) {
		if (bpf_probe_read_kernel(&type, size, (void *)(vector + 2 * i * size)) || !type)
			return false;
		if (type == AT_BASE)
			return !bpf_probe_read_kernel(&value, size, (void *)(vector + (2 * i + 1) * size)) && value;
	}
	return false;
}

/*
 * Takes in what its last exec made of the current task, unless that is known, or not done yet. A tracepoint does, and all
 * that judges: a tracing program is not run for a task that comes to it on the same CPU while another was preempted in it,
 * and nobody's verdict must rest on that. LSM programs are always run.
 */
__weak __noinline int take_in_exec(__u64 key)
{
	__u64 exec_id = BPF_CORE_READ(current_task(), self_exec_id), vector, first = 0;
	struct task_state *task = state_of(key);
	struct nsw_home *home;

	if (!task || task->exec_id == exec_id)
		return 0;
	home = bpf_map_lookup_elem(&homes, &task->label.home);
	vector = (__u64)BPF_CORE_READ(current_task(), mm) + bpf_core_field_offset(struct mm_struct, saved_auxv);
	if (!home || bpf_probe_read_kernel(&first, sizeof(first), (void *)vector) || !first)
		return 0; /* the kernel is still setting the program up */
	task->exec_id = exec_id;
	task->exe = EXE_NEW;
	/* A 32-bit program's numbers are of four bytes: the first value follows the first type at once. */
	if (home->classes & 1 << NSW_CLASS_EXEC && !(first >> 32 ? has_interpreter(vector, 4) : has_interpreter(vector, 8)))
		task->exe |= EXE_BARE;
	if (task->ending)
		home->phases |= task->ending; /* of process 1 alone: nobody else writes here meanwhile, but the engine */
	task->ending = 0;
	return 0;
}

/* One after the other, not one in the other: 5.10 lets eight functions call each other. */
static __always_inline void know_actor(__u64 home)
{
	take_in_exec((__u64)current_task());
	know_groups((__u64)current_task(), home);
}

static __always_inline __u64 own_exec_id(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf()->self_exec_id;
	return BPF_CORE_READ(current_task(), self_exec_id);
}

/* As know_actor(), without the calls where there is nothing to find out. */
static __always_inline void know_judged(const struct task_state *task, const struct nsw_home *home)
{
	if (task->exec_id != own_exec_id())
		take_in_exec((__u64)current_task());
	if (home->classes & 1 << NSW_CLASS_BY)
		know_groups((__u64)current_task(), task->label.home);
}

#endif
