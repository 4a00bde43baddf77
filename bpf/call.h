/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entries of calls under way, from entry to return, and the sending of what was gathered. A call that the sensor saw
 * enter is found under its task; an act without an entry (io_uring, 32-bit, sensor not running) is gathered "aside".
 */
#ifndef NSWARDEN_CALL_H
#define NSWARDEN_CALL_H

#include "path.h"

#define ASIDE 1 /* task addresses are even */

static __always_inline struct call *find_call(__u64 key, __u32 type)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);

	return c && c->head.type == type ? c : NULL;
}

static __always_inline struct call_large *find_large(__u64 key)
{
	return bpf_map_lookup_elem(&inflight_large, &key);
}

static __always_inline void start_head(struct call_head *head, const struct subject *who, __u32 type, __u32 syscall)
{
	head->home = who->home;
	head->flags = who->flags;
	head->type = type;
	head->syscall = syscall;
}

#define MISSED_TOLD (1U << 31) /* in nsw_label.missed: a probe in between has told of the act */

/*
 * The entry of a call found no room. Whether that costs the act is known when the call ends: the probe on the object may
 * still tell of it. What has no label to note it in, and what is gathered aside, is lost at once.
 */
static __always_inline void no_room(__u64 key, __u32 type)
{
	struct nsw_label *label = key & ASIDE ? NULL : label_of(current_task());

	if (!label || (label->missed && !(label->missed & MISSED_TOLD)))
		count(type, NSW_COUNT_NO_SCRATCH);
	if (label)
		label->missed = type;
}

static __always_inline void told_aside(__u32 type)
{
	struct nsw_label *label = label_of(current_task());

	if (label && label->missed == type)
		label->missed |= MISSED_TOLD;
}

/* At the end of a call without an entry: true where there was no room for it; then the ledger has it now. */
static __always_inline bool missed_entry(__u32 type)
{
	struct nsw_label *label = label_of(current_task());

	if (!label || (label->missed & ~MISSED_TOLD) != type)
		return false;
	if (!(label->missed & MISSED_TOLD))
		count(type, NSW_COUNT_NO_SCRATCH);
	label->missed = 0;
	return true;
}

/* The call that begins is left out: its return without an entry is no loss. False where there is nowhere to note that. */
static __always_inline bool leave_out(__u32 type)
{
	struct nsw_label *label = label_of(current_task());

	if (!label)
		return false;
	if (label->missed && !(label->missed & MISSED_TOLD))
		count(label->missed, NSW_COUNT_NO_SCRATCH);
	label->missed = type | MISSED_TOLD;
	return true;
}

static __always_inline struct call *start_call(__u64 key, const struct subject *who, __u32 type, __u32 syscall)
{
	struct call *c = bpf_map_lookup_elem(&inflight, &key);

	if (c)
		drop_call(&c->head, c->rec);
	if (bpf_map_update_elem(&inflight, &key, (void *)&blank, BPF_ANY)) {
		no_room(key, type);
		return NULL;
	}
	c = bpf_map_lookup_elem(&inflight, &key);
	if (c)
		start_head(&c->head, who, type, syscall);
	return c;
}

/* NULL if there is no room; nothing is counted. */
static __always_inline struct call_large *make_large(__u64 key, const struct subject *who, __u32 type, __u32 syscall)
{
	struct call_large *c = find_large(key);

	if (c)
		drop_call(&c->head, c->rec);
	if (bpf_map_update_elem(&inflight_large, &key, (void *)&blank, BPF_ANY))
		return NULL;
	c = find_large(key);
	if (c)
		start_head(&c->head, who, type, syscall);
	return c;
}

static __always_inline struct call_large *start_large(__u64 key, const struct subject *who, __u32 type, __u32 syscall)
{
	struct call_large *c = make_large(key, who, type, syscall);

	if (!c)
		no_room(key, type);
	return c;
}

static __always_inline void end_call(__u64 key)
{
	bpf_map_delete_elem(&inflight, &key);
}

static __always_inline void end_large(__u64 key)
{
	bpf_map_delete_elem(&inflight_large, &key);
}

/* Completes the header. `h` may hold verdict, rule and flags already. */
static __always_inline void finish_header(struct nsw_header *h, const struct call_head *head, __s64 result)
{
	fill_header(h, current_task(), head->type);
	h->home = head->home;
	h->syscall = head->syscall;
	h->result = result;
	h->flags |= head->flags;
}

static __always_inline int emit_small(struct call *c, __u32 ring)
{
	__u64 size = c->head.used;

	keep(size);
	if (size > sizeof(c->rec))
		size = sizeof(c->rec);
	return emit(ring, (struct nsw_header *)c->rec, size, c->head.type);
}

static __always_inline int emit_large(struct call_large *c, __u32 ring)
{
	__u64 size = c->head.used;

	keep(size);
	if (size > sizeof(c->rec))
		size = sizeof(c->rec);
	return emit(ring, (struct nsw_header *)c->rec, size, c->head.type);
}

/*
 * The i-th element of an array of pointers in the caller's memory. Without a branch: in a loop clang turns one into a
 * jump that the verifier takes for a loop without end.
 */
static __always_inline __u64 user_pointer(__u64 array, int i, __u32 state)
{
	__u64 size = 8 - 4 * !!(state & CALL_COMPAT), pointer[2] = {};

	keep(size);
	size &= 15;
	bpf_probe_read_user(pointer, size, (void *)(array + i * size));
	return pointer[0];
}

/* Reads a string of the user's into `rec` at `pos`, as much as there is room for. */
static __always_inline void read_user_text(struct nsw_header *h, __u8 *rec, __u64 limit, __u32 *used, struct nsw_str *text,
					   __u64 max, const void *from)
{
	__u64 pos = *used;
	long n;

	keep(pos);
	if (pos > limit - max)
		return;
	n = bpf_probe_read_user_str(rec + pos, max, from);
	if (n <= 1)
		return;
	if (n == max)
		h->flags |= NSW_F_TRUNCATED;
	text->off = pos;
	text->len = n - 1;
	*used = pos + n - 1;
}

#endif
