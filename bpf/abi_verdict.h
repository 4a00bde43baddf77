/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The part of abi.h that is about verdicts: clauses, the keys that they are found under, sets, and what one container has. */
#ifndef NSWARDEN_ABI_VERDICT_H
#define NSWARDEN_ABI_VERDICT_H

/*
 * What an entry can speak of: the rows of deny.def. BY and UNTIL are no acts: they are asked of an executable, to know which
 * groups it is in and whether a startup is over.
 */
enum nsw_class {
#define CLASS(NAME, ...) NSW_CLASS_##NAME,
#include "deny.def"
	NSW_CLASS_BY,
	NSW_CLASS_UNTIL,
	NSW_CLASS_COUNT
};
#define NSW_CLASSES_WRITE (((1U << (NSW_CLASS_TOUCH + 1)) - 1) & ~((1U << NSW_CLASS_MODIFY) - 1))
#define NSW_CLASSES_QUARANTINE (NSW_CLASSES_WRITE | 1U << NSW_CLASS_EXEC | 1U << NSW_CLASS_CONNECT)
#define NSW_CLASSES_FILE (NSW_CLASSES_WRITE | 1U << NSW_CLASS_EXEC | 1U << NSW_CLASS_READ)

/* Hash of a key NSW_KEY_OPERATION. */
enum nsw_operation {
#define OPERATION(NAME, ...) NSW_OPERATION_##NAME,
#include "deny.def"
	NSW_OPERATION_COUNT
};

/* Where a program comes from; hash of a key NSW_KEY_ORIGIN. Class EXEC alone. A program may have several. */
enum nsw_origin {
#define ORIGIN(NAME, ...) NSW_ORIGIN_##NAME,
#include "deny.def"
	NSW_ORIGIN_COUNT
};

enum nsw_clause_kind {
	NSW_CLAUSE_DENY = 1,
	NSW_CLAUSE_ALLOW, /* of list group `group` */
	NSW_CLAUSE_EXCEPT, /* a hole in the entry `rule` */
	NSW_CLAUSE_BY, /* the executable is in group `group` */
	NSW_CLAUSE_UNTIL, /* PID 1 that runs it ends the startup of `policy` */
};

enum nsw_clause_action {
	NSW_ACTION_REFUSE = 0,
	NSW_ACTION_KILL, /* refused, and SIGKILL to the process */
};

/* Phases in which a clause holds; 0: always. */
enum nsw_when {
	NSW_WHEN_STARTUP = 1 << 0,
	NSW_WHEN_RUNNING = 1 << 1,
	NSW_WHEN_JOINED = 1 << 2, /* the process entered the container from outside; it is in no other phase */
};

/*
 * The one unit of a verdict: element of a set's array. An entry of a list is one or more of them, found under the keys of
 * what it names. It is a hit where its class is asked and its conditions hold.
 */
struct nsw_clause {
	__u32 rule; /* id of the entry POLICY/CLASS/ENTRY */
	__u32 entry; /* position of the entry in the plan: of several that refuse the first speaks; an EXCEPT voids that entry */
	__u32 classes; /* bit per enum nsw_class */
	__u8 kind; /* enum nsw_clause_kind */
	__u8 mode; /* enum nsw_verdict_code: AUDIT or DENIED */
	__u8 action; /* enum nsw_clause_action */
	__u8 when; /* enum nsw_when */
	__u8 group; /* ALLOW: 0..31, its policy; BY: 1..63, the group of executables */
	__u8 by; /* group that the acting executable must be in; 0: any */
	__u8 ancestor; /* group that an executable above it must be in; 0: any */
	__u8 policy; /* 0..31: whose phase `when` means; UNTIL: whose startup ends */
	__u16 port_low; /* CONNECT, BIND, LISTEN of an address: host order, inclusive; 0..65535: any */
	__u16 port_high;
	__u8 protocol; /* IPPROTO_*; 0: any */
	__u8 reserved[3];
};
NSW_ASSERT(sizeof(struct nsw_clause) == 28);

/* Clauses [first, first + count) of the set's array: value of the set's keys and tries, and of the overlay. */
struct nsw_clauses {
	__u32 first;
	__u32 count;
};
NSW_ASSERT(sizeof(struct nsw_clauses) == 8);

#define NSW_KEY_CLAUSES 128 /* at most under one key */
#define NSW_HITS 32 /* at most that speak of one act; with more it is unresolved */
#define NSW_HOLES 16 /* likewise, of EXCEPT */

enum nsw_key_kind {
	NSW_KEY_PATH = 0, /* that very path */
	NSW_KEY_BELOW, /* everything below that path, itself not */
	NSW_KEY_NAME, /* every path with that last component */
	NSW_KEY_SUFFIX, /* every path whose last component ends so */
	NSW_KEY_HOLE, /* | shape << NSW_KEY_SHAPE: that path, with any one component where the shape says */
	NSW_KEY_HOLE_BELOW, /* likewise, everything below it */
	NSW_KEY_CAPABILITY, /* hash: number */
	NSW_KEY_OPERATION, /* hash: enum nsw_operation */
	NSW_KEY_ORIGIN, /* hash: enum nsw_origin */
	NSW_KEY_SOCKET, /* hash: nsw_socket_key() */
	NSW_KEY_ABSTRACT, /* hash: of the name of a unix socket, without its leading NUL */
	NSW_KEY_ADDRESS, /* in `pushes` alone: `id` the lower half of an address, `dev` nsw_upper_half() of it */
};
#define NSW_KEY_SHAPE 8
#define NSW_KEY_INODE 0x80 /* in nsw_object_key.kind, with PATH or BELOW: `id` is an inode number */

#define NSW_ANY 0xffff
static inline __u64 nsw_socket_key(__u32 family, __u32 type)
{
	return (__u64)family << 16 | type; /* NSW_ANY: any */
}

/* Of an IPv6 address, IPv4 mapped (0), what there is room for. */
static inline __u32 nsw_upper_half(__u64 high)
{
	return high * 0x9e3779b97f4a7c15ULL >> 32;
}

/* Key of the inner maps of `path_sets`. */
struct nsw_path_key {
	__u64 hash; /* nsw_hash_*: of the path, or of the one name */
	__u32 kind;
	__u32 reserved;
};
NSW_ASSERT(sizeof(struct nsw_path_key) == 16);

/*
 * Value of the inner maps of `filter_sets`: a Bloom filter of the keys in the same slot of `path_sets`. It says of most keys
 * that are not there that they are not, without a look-up: a key that is there has both of its bits set.
 */
#define NSW_FILTER_BITS 18 /* 10,000 keys set 7 % of 2^18 bits */
struct nsw_filter {
	__u64 words[1 << (NSW_FILTER_BITS - 6)];
};
NSW_ASSERT(sizeof(struct nsw_filter) == 32768);

/* Where the bits of a key are: the highest NSW_FILTER_BITS of this number, and those that follow. */
static inline __u64 nsw_filter_place(__u32 kind, __u64 hash)
{
	return (hash + kind) * 0x9E3779B97F4A7C15ULL;
}

static inline void nsw_filter_add(struct nsw_filter *filter, __u32 kind, __u64 hash)
{
	__u64 place = nsw_filter_place(kind, hash), next = place << NSW_FILTER_BITS;

	filter->words[place >> (64 - NSW_FILTER_BITS + 6)] |= 1ULL << (place >> (64 - NSW_FILTER_BITS) & 63);
	filter->words[next >> (64 - NSW_FILTER_BITS + 6)] |= 1ULL << (next >> (64 - NSW_FILTER_BITS) & 63);
}

/* 0 only of a key that was not added. Most of those end at the first bit. */
static inline int nsw_filter_has(const struct nsw_filter *filter, __u32 kind, __u64 hash)
{
	__u64 place = nsw_filter_place(kind, hash), next = place << NSW_FILTER_BITS;

	return filter->words[place >> (64 - NSW_FILTER_BITS + 6)] >> (place >> (64 - NSW_FILTER_BITS) & 63) & 1 &&
	       filter->words[next >> (64 - NSW_FILTER_BITS + 6)] >> (next >> (64 - NSW_FILTER_BITS) & 63) & 1;
}

/*
 * Key of the maps `overlay` and `pushes`: what holds for one container. `overlay`: the inode behind a literal path of the
 * set in `slot`, or the directory behind one that is named, and the path that a link there leads to; a set's rows are written before the home changes over to it,
 * and those of the old one taken away after it. `pushes`: entries made at run time, slot 0.
 */
struct nsw_object_key {
	__u64 home;
	__u64 id; /* path hash, or inode number */
	__u32 dev; /* kernel's s_dev for an inode, 0 for a path */
	__u16 slot;
	__u16 kind; /* enum nsw_key_kind, | NSW_KEY_INODE */
};
NSW_ASSERT(sizeof(struct nsw_object_key) == 24);

enum nsw_overlay_flag {
	NSW_OVERLAY_FILES = 1 << 0, /* `overlay` has inodes of files */
	NSW_OVERLAY_FOLDERS = 1 << 1, /* ... and of directories, for what is below them */
	NSW_OVERLAY_TARGETS = 1 << 2, /* ... and paths that links lead to */
	NSW_OVERLAY_PUSHES = 1 << 3, /* `pushes` has entries of this home */
};
#define NSW_OVERLAY_INODES (NSW_OVERLAY_FILES | NSW_OVERLAY_FOLDERS | NSW_OVERLAY_PUSHES) /* what needs inodes */

#define NSW_PUSHES 4 /* of one object */

struct nsw_push {
	__u32 rule;
	__u32 classes;
	__u32 mode; /* enum nsw_verdict_code */
	__u32 action; /* enum nsw_clause_action */
	__u64 expires_ns; /* CLOCK_BOOTTIME; 0: never */
};
NSW_ASSERT(sizeof(struct nsw_push) == 24);

/* Value of map `pushes`. An element with rule 0 is free. */
struct nsw_pushes {
	struct nsw_push push[NSW_PUSHES];
};
NSW_ASSERT(sizeof(struct nsw_pushes) == 96);

/* A list of what is allowed. What is of one of its classes, and no ALLOW clause of its group is a hit, is refused as `rule`. */
struct nsw_allow {
	__u32 rule; /* id of POLICY/allow/CLASS */
	__u32 classes;
	__u32 mode;
	__u32 group; /* that of its policy: a class is allowed by any list of the policy that covers it */
};
NSW_ASSERT(sizeof(struct nsw_allow) == 16);
#define NSW_ALLOWS 64
#define NSW_ALLOW_GROUPS 32

/* Paths with one component left open: `depth` components in all, the one at `position` (0: the first) is any. */
struct nsw_hole {
	__u64 power; /* NSW_FOLD to the power of what follows the open component: what its hash counts in the whole's */
	__u32 depth;
	__u32 position;
};
NSW_ASSERT(sizeof(struct nsw_hole) == 16);
#define NSW_SHAPES 8
#define NSW_SUFFIXES 8
#define NSW_HOLE_DEPTH 32 /* deepest pattern with an open component */

#define NSW_SETS 256 /* sets in force at once */
/* Slot 0 stands for none. Beside what is in force there are what takes its place, and both of an engine before. */
#define NSW_SET_SLOTS (1 + 4 * NSW_SETS)

/* Value of map `sets`, key: slot. */
struct nsw_set {
	__u64 depths; /* bit n: some NSW_KEY_BELOW entry has n components, modulo 64 */
	__u64 hole_depths; /* bit n: some shape has n components */
	__u32 generation; /* never the same for two sets: what tasks know of groups is known of one set */
	__u32 names; /* 1: there are NSW_KEY_NAME entries */
	__u32 suffixes; /* how many of `suffix` */
	__u32 shapes; /* how many of `shape` */
	__u32 allows; /* how many of `allow` */
	__u32 running; /* bit per policy that has no startup */
	__u32 origins; /* bit per enum nsw_origin that an entry names */
	__u32 reserved;
	__u8 suffix[NSW_SUFFIXES]; /* lengths */
	struct nsw_hole shape[NSW_SHAPES];
	struct nsw_allow allow[NSW_ALLOWS];
	__u64 until[NSW_ALLOW_GROUPS]; /* per policy: hash of what ends its startup, for the engine alone; 0: it has none */
};
NSW_ASSERT(sizeof(struct nsw_set) == 56 + 16 * NSW_SHAPES + 16 * NSW_ALLOWS + 8 * NSW_ALLOW_GROUPS);

/* Key of the inner tries of `net_sets`: prefix length in bits, then an address (IPv4 mapped). The value is nsw_clauses. */
struct nsw_net_key {
	__u32 prefix;
	struct nsw_addr addr;
};
NSW_ASSERT(sizeof(struct nsw_net_key) == 20);

/*
 * Path hash. A path is folded component by component, H = H * NSW_FOLD + name, so that walking from the leaf up the
 * kernel can take a component off again (NSW_UNFOLD is the inverse of NSW_FOLD): after a first walk gave the whole,
 * a second one meets the hash of every ancestor and must end with 0 at the root, or the path moved meanwhile.
 */
#define NSW_FOLD 0x9E3779B97F4A7C15ULL
#define NSW_UNFOLD 0xF1DE83E19937733DULL

/* One step of a name's hash: its next 8 bytes (little endian, zero filled). Start with seed ^ length. */
static inline __u64 nsw_hash_word(__u64 h, __u64 word)
{
	h = (h ^ word) * 0xD6E8FEB86659FD93ULL;
	return h ^ (h >> 32);
}

#endif
