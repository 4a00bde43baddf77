/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The part of abi.h that is about what goes on without an engine: refusals to be told later, the switch that ends them all,
 * and what of the engine's own no container may touch.
 */
#ifndef NSWARDEN_ABI_OUTLIVE_H
#define NSWARDEN_ABI_OUTLIVE_H

/*
 * To be raised when what is pinned comes to mean something else although its layout is the same (the numbers of classes, the
 * path hash): then an engine begins anew beside what an older one pinned, and does not go on with its maps.
 */
#define NSW_PIN_VERSION 1

/* Value of map `rule_names`, key: rule id. What an engine that no longer has the rule calls it. */
struct nsw_rule_name {
	__u64 reported; /* of the refusals in map `untold` */
	__u32 priority;
	__u32 reserved;
	char policy[96];
	char name[272];
};
NSW_ASSERT(sizeof(struct nsw_rule_name) == 384);

#define NSW_RULE_NAMES 65536

enum nsw_disarmed {
	NSW_ARMED = 0,
	NSW_DISARMED_BY_HAND, /* nswarden release --all: until nswarden arm */
	NSW_DISARMED_AT_START, /* a file or the kernel's command line said so: until a start without */
};

/* The one element of map `disarm`. `on` comes first in every version, so that each can disarm what another one pinned. */
struct nsw_disarm {
	__u32 on; /* enum nsw_disarmed: every verdict is audit */
	__u32 uid;
	__u32 pid;
	__u32 reserved;
	__u64 time_ns; /* CLOCK_REALTIME */
	char reason[104];
};
NSW_ASSERT(sizeof(struct nsw_disarm) == 128);

/* ---- the engine's own --------------------------------------------------------------------------------------------- */

/* In nsw_header.rule of what was refused since it was aimed at the engine; no rule's id is that small. */
#define NSW_RULE_OWN 4

enum nsw_own_kind {
	NSW_OWN_INODE = 0,
	NSW_OWN_MAP,
	NSW_OWN_PROGRAM,
	NSW_OWN_LINK,
};

/* Key of map `own`. */
struct nsw_own_key {
	__u64 id; /* inode number, or the kernel's id of the BPF object */
	__u32 dev; /* kernel's s_dev of an inode, 0 of a BPF object */
	__u32 kind; /* enum nsw_own_kind */
};
NSW_ASSERT(sizeof(struct nsw_own_key) == 16);

/* What containers may not touch of it. */
enum nsw_own_guard {
	NSW_OWN_ITSELF = 1 << 0, /* the object: its content, its attributes, its names */
	NSW_OWN_FILES = 1 << 1, /* content and attributes of what is directly in the folder */
	NSW_OWN_NAMES = 1 << 2, /* the names in the folder */
	NSW_OWN_PLACE = 1 << 3, /* in the host's mount namespace: what is mounted here */
};

/* Value of map `own`. */
struct nsw_own {
	__u32 guards; /* enum nsw_own_guard */
	__u32 life; /* nsw_settings.life of the engine whose it is */
};
NSW_ASSERT(sizeof(struct nsw_own) == 8);

#define NSW_OWN_ROWS 8192

#endif
