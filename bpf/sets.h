/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of the sets of clauses, and of what holds for one container; and how the clauses under a key are found in them. */
#ifndef NSWARDEN_SETS_H
#define NSWARDEN_SETS_H

#include "walk.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NSW_SET_SLOTS);
	__type(key, __u32);
	__type(value, struct nsw_set);
} sets SEC(".maps");

/* A set belongs to a combination of policies; all homes that are bound to it share it. Built whole, then bound. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NSW_SET_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_INNER_MAP);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct nsw_clause));
		});
} clause_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NSW_SET_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct nsw_path_key));
			__uint(value_size, sizeof(struct nsw_clauses));
		});
} path_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NSW_SET_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct nsw_filter));
		});
} filter_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NSW_SET_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct nsw_net_key));
			__uint(value_size, sizeof(struct nsw_clauses));
		});
} net_sets SEC(".maps");

/* Filled by the engine alone, so an element may be made when it is needed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 524288);
	__type(key, struct nsw_object_key);
	__type(value, struct nsw_clauses);
} overlay SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct nsw_object_key);
	__type(value, struct nsw_pushes);
} pushes SEC(".maps");

#define FOUND_FIRST(found) ((__u32)(found))
#define FOUND_COUNT(found) ((found) >> 32)

static __always_inline const struct nsw_filter *filter_of(__u32 slot)
{
	void *filter = slot ? bpf_map_lookup_elem(&filter_sets, &slot) : NULL;
	__u32 zero = 0;

	return filter ? bpf_map_lookup_elem(filter, &zero) : NULL;
}

/* False only where the set has no such key. Without a filter it may have any. */
static __always_inline bool may_have(const struct nsw_filter *filter, __u32 kind, __u64 hash)
{
	return !filter || nsw_filter_has(filter, kind, hash);
}

/* The clauses under a key of the set, as FOUND_*; 0 if there are none. */
__weak __noinline __u64 find_clauses(__u64 slot, __u64 kind, __u64 hash)
{
	struct nsw_path_key key = {.hash = hash, .kind = kind};
	struct nsw_clauses *found;
	__u32 index = slot;
	void *keys;

	if (!may_have(filter_of(slot), kind, hash))
		return 0;
	keys = slot ? bpf_map_lookup_elem(&path_sets, &index) : NULL;
	found = keys ? bpf_map_lookup_elem(keys, &key) : NULL;
	return found ? (__u64)found->count << 32 | found->first : 0;
}

/* The clauses of the set that speak of an inode or a path of one container. `place`: slot << 16 | kind. */
__weak __noinline __u64 find_overlay(__u64 home, __u64 id, __u64 dev, __u64 place)
{
	struct nsw_object_key key = {.home = home, .id = id, .dev = dev, .slot = place >> 16, .kind = place};
	struct nsw_clauses *found = bpf_map_lookup_elem(&overlay, &key);

	return found ? (__u64)found->count << 32 | found->first : 0;
}

#endif
