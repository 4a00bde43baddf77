/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of clauses, and what they say once the keys of an object are known: who is a hit, what is void, who speaks.
 * Pure look-up: no ring, no room to be found, so that a verdict never depends on whether it can be reported.
 */
#ifndef NSWARDEN_CLAUSE_H
#define NSWARDEN_CLAUSE_H

#include "sets.h"

/*
 * What lets most acts end at once: bits of the classes that any home was ever judged for, and a number that counts up
 * whenever a home changes, so that what tasks remember of theirs holds no longer. Both are nsw_set_home()'s.
 */
__u32 judged_classes;
__u32 homes_epoch;

/* An answer as the global functions return it: who speaks, how, and what is to be done beside refusing. */
#define ANSWER(rule, mode, unresolved) ((__u64)(rule) | (__u64)(mode) << 32 | (__u64)(unresolved) << 40)
#define ANSWER_KILL (1ULL << 41)
#define ANSWER_KILLED (1ULL << 42) /* NSW_F_KILLED */
#define ANSWER_RULE(a) ((__u32)(a))
#define ANSWER_MODE(a) ((a) >> 32 & 3)
#define ANSWER_UNRESOLVED(a) ((a) >> 40 & 1)

/* Of two answers about one act. */
static __always_inline __u64 stronger(__u64 a, __u64 b)
{
	return ANSWER_MODE(b) > ANSWER_MODE(a) ? b : a;
}

static __always_inline bool in_group(__u64 groups, __u32 group)
{
	return !group || groups >> (group & 63) & 1;
}

/* Who acts, and when. */
static __always_inline bool holds(const struct task_state *task, const struct nsw_clause *c)
{
	const struct walk_state *state = &task->walk;
	__u32 phase = state->phase;

	if (!phase)
		phase = state->running >> (c->policy & 31) & 1 ? NSW_WHEN_RUNNING : NSW_WHEN_STARTUP;
	if (c->when && !(c->when & phase))
		return false;
	return in_group(task->by, c->by) && in_group(task->above, c->ancestor);
}

static __always_inline bool speaks_of(const struct walk_state *state, const struct nsw_clause *c)
{
	if (!(c->classes & state->asked))
		return false;
	if (state->port < c->port_low || state->port > c->port_high)
		return false;
	return !c->protocol || c->protocol == state->protocol;
}

static __always_inline void add_hole(struct walk_state *state, __u32 entry)
{
	__u32 n = state->hole_count;

	if (n >= NSW_HOLES) {
		state->lost = 1;
		return;
	}
	state->holes[n & (NSW_HOLES - 1)] = entry;
	state->hole_count = n + 1;
}

/* A clause that several keys of one object lead to is one hit. */
static __always_inline void add_hit(struct walk_state *state, __u32 index)
{
	__u32 n = state->hit_count;
	int i;

	for (i = 0; i < NSW_HITS; i++) {
		if (i >= n)
			break;
		if (state->hits[i] == index)
			return;
	}
	if (n >= NSW_HITS) {
		state->lost = 1;
		return;
	}
	state->hits[n & (NSW_HITS - 1)] = index;
	state->hit_count = n + 1;
}

static __always_inline struct nsw_clause *clause_at(__u32 slot, __u32 index)
{
	void *clauses = bpf_map_lookup_elem(&clause_sets, &slot);

	return clauses ? bpf_map_lookup_elem(clauses, &index) : NULL;
}

__weak __noinline int consider(__u64 key, __u64 index)
{
	struct task_state *task = state_of(key);
	struct nsw_clause *c;

	if (!task)
		return 0;
	c = clause_at(task->walk.slot, index);
	if (!c || !speaks_of(&task->walk, c) || !holds(task, c))
		return 0;
	if (c->kind == NSW_CLAUSE_BY)
		task->walk.groups |= 1ULL << (c->group & 63);
	else if (c->kind == NSW_CLAUSE_UNTIL)
		task->walk.ended |= 1U << (c->policy & 31);
	else if (c->kind == NSW_CLAUSE_EXCEPT)
		add_hole(&task->walk, c->entry);
	else
		add_hit(&task->walk, index);
	return 0;
}

/* All that was found under a key. */
__weak __noinline int collect(__u64 key, __u64 found)
{
	__u64 first = FOUND_FIRST(found), count = FOUND_COUNT(found);
	int i;

	for (i = 0; i < NSW_KEY_CLAUSES; i++) {
		if (i >= count)
			break;
		consider(key, first + i);
	}
	return 0;
}

/* A DENY that is not void. Of several the one of the stronger mode speaks, then the first of the plan; `order` 0 goes before. */
static __always_inline void speak(struct walk_state *state, __u32 rule, __u32 mode, __u32 action, __u32 order)
{
	if (mode < state->mode || (mode == state->mode && order >= state->speaker))
		return;
	state->rule = rule;
	state->mode = mode;
	state->action = action;
	state->speaker = order;
}

/* What was pushed for that object at run time. */
__weak __noinline int ask_pushes(__u64 key, __u64 id, __u64 dev, __u64 kind)
{
	struct walk_state *state = walk_of(key);
	struct nsw_object_key object = {.id = id, .dev = dev, .kind = kind};
	struct nsw_pushes *found;
	__u64 now;
	int i;

	if (!state)
		return 0;
	object.home = state->home;
	found = bpf_map_lookup_elem(&pushes, &object);
	if (!found)
		return 0;
	now = bpf_ktime_get_boot_ns();
	for (i = 0; i < NSW_PUSHES; i++) {
		const struct nsw_push *p = &found->push[i];

		if (p->rule && p->classes & state->asked && (!p->expires_ns || p->expires_ns > now))
			speak(state, p->rule, p->mode, p->action, 0);
	}
	return 0;
}

static __always_inline bool is_void(const struct walk_state *state, __u32 entry)
{
	__u32 n = state->hole_count;
	int i;

	for (i = 0; i < NSW_HOLES; i++) {
		if (i >= n)
			break;
		if (state->holes[i] == entry)
			return true;
	}
	return false;
}

__weak __noinline int weigh(__u64 key, __u64 index)
{
	struct walk_state *state = walk_of(key);
	struct nsw_clause *c;

	if (!state)
		return 0;
	c = clause_at(state->slot, index);
	if (!c || is_void(state, c->entry))
		return 0;
	if (c->kind == NSW_CLAUSE_ALLOW)
		state->allowed[c->group & (NSW_ALLOW_GROUPS - 1)] |= c->classes;
	else
		speak(state, c->rule, c->mode, c->action, c->entry + 1);
	return 0;
}

/* The absence from a list of what is allowed. */
static __always_inline __u64 absent(const struct walk_state *state, const struct nsw_set *set)
{
	__u32 n = set->allows, mode = 0, rule = 0;
	int i;

	for (i = 0; i < NSW_ALLOWS; i++) {
		const struct nsw_allow *a = &set->allow[i];

		if (i >= n)
			break;
		if (!(a->classes & state->asked & ~state->allowed[a->group & (NSW_ALLOW_GROUPS - 1)]) || a->mode <= mode)
			continue;
		mode = a->mode;
		rule = a->rule;
	}
	return ANSWER(rule, mode, 0);
}

#define STRICT (1U << 31) /* a file on an internal mount is unresolved: a program in memory has no path to permit */
#define DENIES_ONLY (1U << 30) /* what no list allows is permitted */
#define INSIDE (1U << 29) /* of a directory: also what holds for all that is in it */
#define NO_CLASS (STRICT | DENIES_ONLY | INSIDE)
#define NO_ACT (NO_CLASS | 1U << NSW_CLASS_BY | 1U << NSW_CLASS_UNTIL)

/* What the hits come to. `asked`: DENIES_ONLY, or nothing. */
__weak __noinline __u64 decide(__u64 key, __u64 asked)
{
	struct walk_state *state = walk_of(key);
	struct nsw_set *set;
	__u64 denied, missing = 0;
	__u32 slot;
	int i;

	if (!state)
		return 0;
	for (i = 0; i < NSW_HITS; i++) {
		if (i >= state->hit_count)
			break;
		weigh(key, state->hits[i]);
	}
	slot = state->slot;
	set = slot && !(asked & DENIES_ONLY) ? bpf_map_lookup_elem(&sets, &slot) : NULL;
	if (set && set->allows)
		missing = absent(state, set);
	denied = ANSWER(state->rule, state->mode, 0) | (state->action == NSW_ACTION_KILL ? ANSWER_KILL : 0);
	return ANSWER_MODE(missing) > ANSWER_MODE(denied) ? missing : denied;
}

/* Begins a question about an act of a task of home `h`, of these classes. Returns the set that it is asked of, if any. */
static __always_inline const struct nsw_set *begin_query(struct task_state *task, const struct nsw_home *h, __u64 asked)
{
	struct walk_state *state = &task->walk;
	const struct nsw_set *set;
	__u32 slot;

	state->home = task->label.home;
	state->root = h->root;
	state->asked = asked & ~NO_CLASS;
	state->slot = slot =
		*(volatile __u32 *)&h->set; /* before the rest, which is of the set before, too: see nsw_set_home() */
	state->overlay = *(volatile __u32 *)&h->overlay;
	state->phase = task->label.flags & NSW_F_JOINED ? NSW_WHEN_JOINED : 0;
	state->running = h->phases;
	state->depths = state->hole_depths = state->target_depths = state->groups = 0;
	state->ended = state->port = state->protocol = state->lost = state->origins = 0;
	state->hit_count = state->hole_count = state->speaker = state->rule = 0;
	state->mode = state->action = 0;
	state->levels = h->overlay & NSW_OVERLAY_PUSHES ? ~0ULL : 0;
	set = slot ? bpf_map_lookup_elem(&sets, &slot) : NULL;
	if (!set)
		return NULL;
	if (set->allows)
		__builtin_memset(state->allowed, 0, sizeof(state->allowed));
	state->target_depths = h->overlay & NSW_OVERLAY_TARGETS ? h->target_depths : 0;
	state->levels |= set->depths | set->hole_depths | state->target_depths;
	state->running |= set->running;
	state->origins = set->origins;
	state->depths = set->depths;
	state->hole_depths = set->hole_depths;
	return set;
}

/* As begin_query(), for the task of that key. Returns 0 if there is nothing to be asked. */
__weak __noinline int ask_query(__u64 key, __u64 home, __u64 asked)
{
	struct nsw_home *h = bpf_map_lookup_elem(&homes, &home);
	struct task_state *task = state_of(key);

	if (!h || !task)
		return 0;
	begin_query(task, h, asked);
	return 1;
}

/* For what has no path: a key by itself. */
__weak __noinline int ask_key(__u64 key, __u64 kind, __u64 hash)
{
	struct walk_state *state = walk_of(key);
	__u64 found;

	if (!state)
		return 0;
	found = find_clauses(state->slot, kind, hash);
	if (found)
		collect(key, found);
	if (state->overlay & NSW_OVERLAY_PUSHES)
		ask_pushes(key, hash, 0, kind);
	return 0;
}

#endif
