/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the deny maps say of a file or an address. Pure look-up: no ring, no scratch, so that a verdict never depends on
 * whether it can be reported.
 */
#ifndef NSWARDEN_VERDICT_H
#define NSWARDEN_VERDICT_H

#include "path.h"

#define MAX_SETS 1024 /* slot 0 stands for none */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__type(value, struct nsw_set);
} sets SEC(".maps");

/* What one set of policies refuses; shared by all homes that are bound to it. Built whole, then bound. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 1);
		__uint(key_size, sizeof(struct nsw_path_key));
		__uint(value_size, sizeof(struct nsw_verdict));
	});
} path_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SETS);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__uint(max_entries, 1);
		__uint(key_size, sizeof(struct nsw_net_key));
		__uint(value_size, sizeof(struct nsw_net));
	});
} net_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct nsw_object_key);
	__type(value, struct nsw_verdict);
} overlay SEC(".maps");

/* An answer as the global functions return it: mode above rule, so that of two answers the enforcing one is greater. */
#define ANSWER(rule, mode, unresolved) ((__u64)(rule) | (__u64)(mode) << 32 | (__u64)(unresolved) << 40)
#define ANSWER_RULE(a) ((__u32)(a))
#define ANSWER_MODE(a) ((a) >> 32 & 3)
#define ANSWER_UNRESOLVED(a) ((a) >> 40 & 1)

/*
 * Zero, but the verifier does not know it. What a walk carries from step to step must start unknown: as a constant, or
 * within bounds, the value would be another in each step, and no two states of the walk alike.
 */
static volatile __u64 unknown_zero;

/* Of two answers the enforcing one, then the first. A function of its own, so that its branch is not the walk's. */
__weak __noinline __u64 stronger(__u64 a, __u64 b)
{
	return ANSWER_MODE(b) > ANSWER_MODE(a) ? b : a;
}

static __always_inline __u64 read_verdict(const struct nsw_verdict *v, __u64 classes)
{
	__u64 answer = 0;
	int i;

	if (!v || (v->expires_ns && v->expires_ns < bpf_ktime_get_boot_ns()))
		return 0;
#pragma unroll
	for (i = 0; i < NSW_CLASS_COUNT; i++) {
		if (classes & 1 << i && v->by_class[i].rule)
			answer = stronger(answer, ANSWER(v->by_class[i].rule, v->by_class[i].mode, 0));
	}
	return answer;
}

/*
 * The look-ups are global functions with scalar arguments: verified once, and not again in each step of a walk. `home`
 * is 0 where the overlay has nothing of it, `slot` where no set is bound.
 */
__weak __noinline __u64 ask_path(__u64 slot, __u64 home, __u64 hash, __u64 kind, __u64 classes)
{
	struct nsw_object_key object = {.home = home, .id = hash, .kind = kind};
	struct nsw_path_key key = {.hash = hash, .kind = kind};
	__u32 index = slot;
	__u64 answer = 0;
	void *paths;

	paths = slot ? bpf_map_lookup_elem(&path_sets, &index) : NULL;
	if (paths)
		answer = read_verdict(bpf_map_lookup_elem(paths, &key), classes);
	if (home)
		answer = stronger(answer, read_verdict(bpf_map_lookup_elem(&overlay, &object), classes));
	return answer;
}

__weak __noinline __u64 ask_inode(__u64 home, __u64 dentry, __u64 kind, __u64 classes)
{
	struct nsw_object_key key = {.home = home, .kind = kind | NSW_KEY_INODE};
	struct dentry *d = (struct dentry *)dentry;
	struct inode *inode;

	if (!home)
		return 0;
	inode = BPF_CORE_READ(d, d_inode);
	key.id = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	return read_verdict(bpf_map_lookup_elem(&overlay, &key), classes);
}

/* Hash of one component. */
__weak __noinline __u64 name_hash(__u64 dentry, __u64 seed)
{
	struct dentry *d = (struct dentry *)dentry;
	__u64 h, word, len = BPF_CORE_READ(d, d_name.len), left;
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);
	int i;

	if (len > 255)
		return 0;
	h = seed ^ len;
	left = len;
	for (i = 0; i < 32; i++) {
		if (!left)
			break;
		word = 0;
		keep(left);
		if (left < 8) {
			bpf_probe_read_kernel(&word, left & 7, name + i * 8);
			return nsw_hash_word(h, word);
		}
		bpf_probe_read_kernel(&word, 8, name + i * 8);
		h = nsw_hash_word(h, word);
		left -= 8;
	}
	return h;
}

/*
 * The walks are global functions, too, for the same reason; so each finds out for itself what it needs of the home.
 *
 * First walk: the hash of the whole path.
 */
__weak __noinline __u64 path_hash(__u64 mnt, __u64 dentry, __u64 seed)
{
	struct walk w = {.mount = real_mount((struct vfsmount *)mnt), .dentry = (struct dentry *)dentry};
	__u64 power = 1 + unknown_zero, hash = unknown_zero;
	enum step step;
	int i;

	for (i = 0; i < WALK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step != STEP_NAME)
			break;
		hash += name_hash((__u64)w.dentry, seed) * power;
		power *= NSW_FOLD;
		up(&w);
	}
	return hash;
}

/* Components of the path, and whether it ends at the root of a mount namespace at all. */
#define PATH_RESOLVED (1ULL << 32)
__weak __noinline __u64 path_depth(__u64 mnt, __u64 dentry)
{
	struct walk w = {.mount = real_mount((struct vfsmount *)mnt), .dentry = (struct dentry *)dentry};
	__u64 depth = unknown_zero;
	struct mnt_namespace *ns;
	struct mount *top;
	enum step step;
	int i;

	for (i = 0; i < WALK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_CROSSED)
			continue;
		if (step == STEP_LOST)
			break;
		if (step == STEP_TOP) {
			/* Detached mounts hang in no namespace, or in an anonymous one: no path of a policy leads there. */
			top = w.mount;
			ns = BPF_CORE_READ(top, mnt_ns);
			if (ns && (__u64)ns != INTERNAL_NS && mntns_serial(ns))
				depth |= PATH_RESOLVED;
			return depth;
		}
		depth++;
		up(&w);
	}
	return 0;
}

/* What is asked, and of what. */
struct query {
	__u64 slot;
	__u64 home; /* 0: the overlay has nothing of it */
	__u64 seed;
	__u64 depths;
	__u64 names;
};

/* Without branches where it can be: each would double the walk for the verifier. */
static __always_inline void open_query(struct query *q, __u64 home)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct nsw_settings *s = get_settings();
	struct nsw_set *set;
	__u64 overlaid;
	__u32 slot;

	q->slot = q->home = q->seed = q->depths = q->names = unknown_zero;
	if (!h || !s)
		return;
	slot = h->set;
	overlaid = h->overlay & 1;
	set = bpf_map_lookup_elem(&sets, &slot);
	if (!set)
		return;
	q->seed = s->seed;
	q->home = home * overlaid;
	q->slot = slot;
	q->depths = set->depths | (0 - overlaid); /* what the overlay names may be at any depth */
	q->names = set->names | overlaid;
}

/* Second walk: meets the hash of each ancestor. Unresolved: the path is another than in the first one. */
__weak __noinline __u64 ask_ancestors(__u64 mnt, __u64 dentry, __u64 home, __u64 hash, __u64 depth_classes)
{
	struct walk w = {.mount = real_mount((struct vfsmount *)mnt), .dentry = (struct dentry *)dentry};
	__u64 depth = (depth_classes >> 8) + unknown_zero, classes = depth_classes & 15, answer;
	struct query q = {};
	enum step step;
	int i;

	open_query(&q, home);
	answer = ask_path(q.slot, q.home, hash, NSW_KEY_PATH, classes);
	if (q.names)
		answer = stronger(answer, ask_path(q.slot, q.home, name_hash(dentry, q.seed), NSW_KEY_NAME, classes));
	for (i = 0; i < WALK_STEPS; i++) {
		step = look(&w);
		if (step == STEP_NAME) {
			hash = (hash - name_hash((__u64)w.dentry, q.seed)) * NSW_UNFOLD;
			depth--;
			up(&w);
			if (q.depths >> (depth & 63) & 1)
				answer = stronger(answer, ask_path(q.slot, q.home, hash, NSW_KEY_BELOW, classes));
		} else if (step != STEP_CROSSED) {
			break;
		}
		/* The mount point as well as the root of the mount on it: they are two directories. */
		answer = stronger(answer, ask_inode(q.home, (__u64)w.dentry, NSW_KEY_BELOW, classes));
	}
	if (hash || depth)
		answer |= ANSWER(0, 0, 1);
	return answer;
}

/*
 * Beyond the root of its mount: a bind mount of a subdirectory shows the file, but not the directories above it that a
 * policy names. Their inodes give them away.
 */
__weak __noinline __u64 ask_physical(__u64 mnt, __u64 dentry, __u64 home, __u64 classes)
{
	struct vfsmount *vfsmount = (struct vfsmount *)mnt;
	struct dentry *d = BPF_CORE_READ(vfsmount, mnt_root), *parent;
	__u64 answer = ask_inode(home, dentry, NSW_KEY_PATH, classes);
	int i;

	for (i = 0; i < NSW_DEPTH_MAX; i++) {
		parent = BPF_CORE_READ(d, d_parent);
		if (parent == d)
			break;
		answer = stronger(answer, ask_inode(home, (__u64)parent, NSW_KEY_BELOW, classes));
		d = parent;
	}
	return answer;
}

/* Both walks, and once more if the path moved between them. */
static __always_inline __u64 ask_walk(__u64 mnt, __u64 dentry, __u64 home, __u64 seed, __u64 classes)
{
	__u64 depth = path_depth(mnt, dentry), answer;

	answer = ask_ancestors(mnt, dentry, home, path_hash(mnt, dentry, seed), (__u64)(__u32)depth << 8 | classes);
	if (ANSWER_UNRESOLVED(answer)) {
		depth = path_depth(mnt, dentry);
		answer = stronger(ask_ancestors(mnt, dentry, home, path_hash(mnt, dentry, seed),
						(__u64)(__u32)depth << 8 | classes),
				  answer & ~ANSWER(0, 0, 1));
	}
	return depth & PATH_RESOLVED ? answer : answer | ANSWER(0, 0, 1);
}

/*
 * The answer for a file. `classes`: bits of the classes of the act; STRICT: a file on an internal mount is unresolved
 * (a program in memory has no path that a policy could permit).
 */
#define STRICT (1U << 31)
__weak __noinline __u64 judge_file(__u64 mnt, __u64 dentry, __u64 home, __u64 asked)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct nsw_settings *s = get_settings();
	__u64 answer = 0, classes = asked & 15;
	__u32 enforced;

	if (!h || !s)
		return 0;
	enforced = h->classes >> NSW_CLASS_ENFORCED & classes;
	if (h->overlay & 1)
		answer = ask_physical(mnt, dentry, home, classes);
	/* The path of a file on an internal mount means nothing: only its inode is asked. */
	if (!internal_mount((struct vfsmount *)mnt))
		answer = stronger(ask_walk(mnt, dentry, home, s->seed, classes), answer);
	else if (asked & STRICT)
		answer |= ANSWER(0, 0, 1);
	/* What cannot be resolved could be anything, so also what a rule refuses. */
	if (ANSWER_UNRESOLVED(answer) && classes)
		return stronger(answer & ~ANSWER(0, 0, 1), ANSWER(0, enforced ? NSW_VERDICT_DENIED : NSW_VERDICT_AUDIT, 1));
	return answer;
}

/* The answer for an address. `port_protocol`: port << 8 | protocol. */
static __always_inline __u64 judge_address(struct nsw_home *h, const struct nsw_addr *remote, __u32 port, __u32 protocol)
{
	struct nsw_net_key key = {.prefix = 128, .addr = *remote};
	__u32 slot = h->set, mode = 0, rule = 0, n;
	struct nsw_net *net;
	void *trie;
	int i;

	if (!slot)
		return 0;
	trie = bpf_map_lookup_elem(&net_sets, &slot);
	if (!trie)
		return 0;
	net = bpf_map_lookup_elem(trie, &key);
	if (!net)
		return 0;
	n = net->count;
	for (i = 0; i < NSW_NET_RULES; i++) {
		const struct nsw_net_rule *r = &net->rules[i];

		if (i >= n)
			break;
		if (port < r->port_low || port > r->port_high || (r->protocol && r->protocol != protocol))
			continue;
		if (r->mode <= mode)
			continue;
		mode = r->mode;
		rule = r->rule;
	}
	return ANSWER(rule, mode, 0);
}

#endif
