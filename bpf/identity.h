/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which container a task belongs to. A task carries a label, its home: the mount namespace in which its first ancestor
 * was executed inside a container. The label is inherited at fork and never lost by unshare, setns, chroot or a move of
 * cgroup; the current namespace only seeds it.
 */
#ifndef NSWARDEN_IDENTITY_H
#define NSWARDEN_IDENTITY_H

#include "emit.h"

#define HOME_FINAL (NSW_HOME_CONTAINER | NSW_HOME_BOUND)

/* Who acts. home 0: the host, or an unlabelled task on its way into a container. */
struct subject {
	__u64 home;
	__u32 flags;
	__u32 mntns;
	struct task_state *task; /* filled in by judged() alone */
};

static __always_inline __u32 mntns_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* The mount namespace of the task that acts, without a call for each step where the kernel takes that. */
static __always_inline __u32 own_mntns(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf()->nsproxy->mnt_ns->ns.inum;
	return mntns_of(current_task());
}

/* The first mount of that namespace, which all others hang below; NULL where this kernel does not tell without a call. */
static __always_inline const struct mount *own_root(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf()->nsproxy->mnt_ns->root;
	return NULL;
}

/* The kernel's serial number of a mount namespace; 0 for an anonymous one (open_tree, fsmount). */
static __always_inline __u64 mntns_serial(struct mnt_namespace *ns)
{
	struct mnt_namespace___seq *old = (void *)ns;
	struct ns_common___id *common = (void *)ns + bpf_core_field_offset(struct mnt_namespace, ns);

	if (bpf_core_field_exists(common->ns_id))
		return BPF_CORE_READ(common, ns_id);
	return BPF_CORE_READ(old, seq);
}

static __always_inline __u64 home_of(struct task_struct *task)
{
	struct mnt_namespace *ns = BPF_CORE_READ(task, nsproxy, mnt_ns);

	return nsw_home_id(BPF_CORE_READ(ns, ns.inum), mntns_serial(ns));
}

static __always_inline struct nsw_label *label_of(struct task_struct *task)
{
	__u64 key = (__u64)task;

	return bpf_map_lookup_elem(&labels, &key);
}

/*
 * True where `task` is labelled. The one comparison by which a host process leaves: as long as no container's process
 * has entered the host's namespace, the namespace alone tells.
 */
static __always_inline bool labelled(const struct nsw_settings *s, struct task_struct *task, struct subject *who)
{
	struct nsw_label *label;

	who->home = 0;
	who->flags = 0;
	who->mntns = mntns_of(task);
	if (who->mntns == s->host_mntns && !s->escaped)
		return false;
	label = label_of(task);
	if (!label)
		return false;
	who->home = label->home;
	who->flags = label->flags;
	return true;
}

/*
 * True where acts of this kind by the current task may have to be reported: for a probe on the return of one that has
 * begun. Whether one that begins is to be reported, watched() knows.
 */
static __always_inline bool followed(const struct nsw_settings *s, __u32 event, struct subject *who)
{
	bool ours = labelled(s, current_task(), who);

	if (!(s->wanted & (1ULL << event)))
		return false;
	if (ours)
		return true;
	return s->watch_host && who->mntns == s->host_mntns && bpf_get_current_pid_tgid() >> 32 != s->engine;
}

/* The home whose policies leave out some of what is wanted elsewhere; NULL where this event is wanted of every container. */
static __always_inline struct nsw_home *choosy_home(const struct nsw_settings *s, __u32 event, const struct subject *who)
{
	if (!who->home || s->everywhere & (1ULL << event))
		return NULL;
	return bpf_map_lookup_elem(&homes, &who->home);
}

/* True where an act of this kind by the current task is to be reported. */
static __always_inline bool watched(const struct nsw_settings *s, __u32 event, struct subject *who)
{
	struct nsw_home *home;

	if (!followed(s, event, who))
		return false;
	home = choosy_home(s, event, who);
	return !home || !(home->unwanted & (1ULL << event));
}

static __always_inline void count_task(__u64 id, int by)
{
	struct nsw_home *home = bpf_map_lookup_elem(&homes, &id);
	struct nsw_settings *s = get_settings();

	if (!home || !s)
		return;
	__sync_fetch_and_add(&home->tasks, by);
	if (!*(volatile __u32 *)&home->tasks)
		__sync_fetch_and_add(&s->emptied, 1);
}

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

/* Up to 6.14. */
struct kernfs_node___old {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *node_above(struct kernfs_node *node)
{
	struct kernfs_node___old *old = (void *)node;

	if (bpf_core_field_exists(old->parent))
		return BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(node, __parent);
}

/*
 * Of the unified hierarchy, or of the first controller's where that is deeper: with cgroup v1 a runtime inside of a container
 * knows the latter alone.
 */
static __always_inline struct kernfs_node *cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp), *first = BPF_CORE_READ(set, subsys[0], cgroup);

	if (first && BPF_CORE_READ(first, level) > BPF_CORE_READ(unified, level))
		unified = first;
	return BPF_CORE_READ(unified, kn);
}

#define CGROUP_DEPTH 10
#define CGROUP_NAME 128 /* runtimes give shorter ones */
#define CGROUP_LAST 511 /* where the last of them may begin; a mask, as NAME - 1 is */
#define CGROUP_TEXT (CGROUP_LAST + 1 + CGROUP_NAME)

struct home_record {
	struct nsw_event_home e;
	char cgroup[CGROUP_TEXT];
};

/* Leaf first, each name with a slash behind it. Returns its length. */
static __always_inline __u64 cgroup_path(struct task_struct *task, char *text)
{
	struct kernfs_node *node = cgroup_of(task), *above;
	__u64 pos = 0;
	long n;
	int i;

	for (i = 0; i < CGROUP_DEPTH; i++) {
		above = node_above(node);
		if (!above || pos > CGROUP_LAST)
			break;
		/* What clang knows of the bounds, the verifier must see. */
		keep(pos);
		pos &= CGROUP_LAST;
		n = bpf_probe_read_kernel_str(text + pos, CGROUP_NAME, BPF_CORE_READ(node, name));
		if (n <= 1)
			break;
		keep(n);
		text[pos + ((n - 1) & (CGROUP_NAME - 1))] = '/';
		pos += n;
		node = above;
	}
	return pos;
}

/* With its cgroup, which tells the container: when the record is read the process may be gone, and /proc knows nothing. */
static __always_inline void report_home(struct task_struct *task, __u64 id, const struct nsw_home *home)
{
	struct home_record *r = bpf_ringbuf_reserve(&ring_events, sizeof(*r), 0);

	if (!r) {
		count(NSW_EVENT_HOME, NSW_COUNT_RING_FULL);
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
	fill_header(&r->e.h, task, NSW_EVENT_HOME);
	r->e.h.size = sizeof(*r);
	r->e.h.home = id;
	/* Also where it is told by one who came in, or by who made it and stayed outside of its PID namespace. */
	r->e.h.pidns = home->pidns ?: r->e.h.pidns;
	r->e.parent = home->parent;
	r->e.init_ns = home->init_ns;
	r->e.serial = mntns_serial(BPF_CORE_READ(task, nsproxy, mnt_ns));
	r->e.cgroup.off = sizeof(r->e);
	r->e.cgroup.len = cgroup_path(task, r->cgroup);
	bpf_ringbuf_submit(r, 0);
	count(NSW_EVENT_HOME, NSW_COUNT_EMITTED);
}

/*
 * The PID namespace that tells whether a home is a container's. Whoever makes one stays outside of it (unshare --fork), and
 * may be the first that is seen there: then that of its children tells.
 */
static __always_inline struct pid_namespace *pid_namespace_below(const struct nsw_settings *s, struct task_struct *task)
{
	struct pid_namespace *own = pid_namespace_of(task), *below = BPF_CORE_READ(task, nsproxy, pid_ns_for_children);

	return below && BPF_CORE_READ(own, ns.inum) == s->host_pidns ? below : own;
}

/*
 * When the init process of a home started: process 1 of its PID namespace, where it lives in the same mount namespace. With the
 * host's process ids, or another container's, it is whoever is the first to execute something there; of a runtime's hook,
 * which that one runs before, the parent. 0: not known, the first that is seen is any of those that run already.
 */
static __always_inline __u64 init_of(struct task_struct *task, struct pid_namespace *pids, __u64 id, bool running)
{
	struct task_struct *first = BPF_CORE_READ(pids, child_reaper), *parent = BPF_CORE_READ(task, real_parent);

	if (first && home_of(first) == id)
		return start_of(first);
	if (running)
		return 0;
	return start_of(home_of(parent) == id ? parent : task);
}

/* `init_ns`: when the home's first process started. One whose parent that is, is a hook of the runtime. */
static __always_inline __u32 came_in(struct task_struct *task, __u64 init_ns)
{
	if (start_of(task) == init_ns)
		return NSW_LABEL_FIRST;
	return start_of(BPF_CORE_READ(task, real_parent)) == init_ns ? 0 : NSW_F_JOINED;
}

#define NO_HOME ~0U

/*
 * Makes the home unless it is there. Returns the label's flags for a task that comes into it by an exec: the first, or joined;
 * NO_HOME where there is no room for one more.
 */
static __always_inline __u32 enter_home(const struct nsw_settings *s, struct task_struct *task, __u64 id, __u64 parent,
					bool running)
{
	struct nsw_home *known, fresh = {.parent = parent, .told = s->life};
	struct pid_namespace *pids = pid_namespace_below(s, task);

	fresh.since_ns = bpf_ktime_get_boot_ns();
	fresh.init_ns = init_of(task, pids, id, running);
	fresh.pidns = BPF_CORE_READ(pids, ns.inum);
	fresh.root_dev = BPF_CORE_READ(task, fs, root.mnt, mnt_sb, s_dev);
	fresh.root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
	fresh.root_mount = (__u64)BPF_CORE_READ(task, fs, root.mnt);
	if (fresh.pidns != s->host_pidns)
		fresh.flags = NSW_HOME_CONTAINER;
	if (!bpf_map_update_elem(&homes, &id, &fresh, BPF_NOEXIST)) {
		report_home(task, id, &fresh);
		/* The first process may have gone on into this namespace by itself: then one from outside is no first. */
		return fresh.init_ns ? came_in(task, fresh.init_ns) : NSW_LABEL_FIRST;
	}
	known = bpf_map_lookup_elem(&homes, &id);
	if (!known)
		return NO_HOME;
	/* The engine cannot tell; and a runtime's hook may run before the root is in place. */
	if (!known->root_dev || start_of(task) == known->init_ns) {
		known->root_dev = fresh.root_dev;
		known->root = fresh.root;
		known->root_mount = fresh.root_mount;
	}
	/* The engine may have made it ahead of its first process: then nobody lives there yet. */
	if (!known->init_ns)
		known->init_ns = known->tasks ? 0 : fresh.init_ns;
	if (!known->tasks)
		return fresh.init_ns ? came_in(task, fresh.init_ns) : NSW_LABEL_FIRST;
	/* Where a runtime's hook was first, it may be on the books still when the next one comes, or the container's first process. */
	return came_in(task, known->init_ns);
}

/* Gives a task a state, unless it has one. Too large for the stack: what is new is copied from `blank`. */
static __always_inline struct task_state *make_state(struct task_struct *task)
{
	__u64 key = (__u64)task;

	bpf_map_update_elem(&labels, &key, (void *)&blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&labels, &key);
}

/* How it came in is only seen of an exec. Of what runs already: as its parent, where that is of the same home. */
static __always_inline __u32 flags_of_running(struct task_struct *task, __u64 id, __u32 flags)
{
	struct nsw_label *parent = label_of(BPF_CORE_READ(task, real_parent));

	return flags && parent && parent->home == id ? parent->flags & ~NSW_LABEL_FIRST : flags;
}

/*
 * Labels a task that executes a program in a foreign mount namespace. Seeded by the exec and not by the namespace's
 * making: a runtime sets the container up in it first, and that is not the container's doing. A label whose home is no
 * container (a service of the host with a private mount namespace, such as dockerd) is provisional. Idempotent.
 * Returns 1 if the task got a label, -1 if it found no room. `running`: it is not executing anything now.
 */
static __always_inline int seed(const struct nsw_settings *s, struct task_struct *task, bool running)
{
	__u64 id, parent = 0;
	struct task_state *state;
	struct nsw_label *old;
	struct nsw_home *home;
	__u32 flags;

	if (mntns_of(task) == s->host_mntns)
		return 0;
	id = home_of(task);
	old = label_of(task);
	if (old) {
		parent = old->home;
		if (parent == id)
			return 0;
		home = bpf_map_lookup_elem(&homes, &parent);
		if (!home || home->flags & HOME_FINAL)
			return 0;
	}
	flags = enter_home(s, task, id, parent, running);
	state = flags == NO_HOME ? NULL : make_state(task);
	if (!state) {
		count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
		return -1;
	}
	state->label.flags = running ? flags_of_running(task, id, flags) : flags;
	state->label.home = id;
	state->exec_id = BPF_CORE_READ(task, self_exec_id); /* an exec under way counts it up */
	state->generation = state->epoch = 0;
	state->by = state->above = 0;
	if (parent)
		count_task(parent, -1);
	count_task(id, 1);
	return 1;
}

/* The child's label is its parent's, and what is known of who is above. Returns non-zero if it found no room. */
static __always_inline int inherit(const struct nsw_settings *s, struct task_struct *child, __u64 flags)
{
	struct task_state *mine = bpf_map_lookup_elem(&labels, &(__u64){(__u64)current_task()}), *its;
	struct subject who;

	if (!labelled(s, current_task(), &who) || !mine)
		return 0;
	if (label_of(child))
		return 0; /* lsm/task_alloc was first */
	its = make_state(child);
	if (!its) {
		count(NSW_EVENT_NONE, NSW_COUNT_NO_LABEL);
		return -EAGAIN;
	}
	its->label.flags = who.flags & ~(NSW_LABEL_FIRST | NSW_LABEL_ENDED);
	its->by = mine->by;
	its->above = mine->above | (flags & CLONE_THREAD ? 0 : mine->by);
	its->generation = mine->generation;
	its->exe = mine->exe;
	its->exec_id = mine->exec_id;
	its->classes = mine->classes;
	its->epoch = mine->epoch;
	its->label.home = who.home;
	count_task(who.home, 1);
	return 0;
}

#endif
