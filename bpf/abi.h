/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Everything that crosses between the kernel programs and the engine: records (kernel to engine), settings, homes and
 * deny keys (engine to kernel), counters. Included by clang for bpf and by g++; every struct states its size, so that
 * a layout on which the two do not agree does not compile.
 *
 * Byte order is the host's, except where a field says network order. Times are nanoseconds of CLOCK_BOOTTIME.
 */
#ifndef NSWARDEN_ABI_H
#define NSWARDEN_ABI_H

#ifndef __BPF__
#include <linux/types.h>
#endif

#ifdef __cplusplus
#define NSW_ASSERT(what) static_assert(what)
#else
#define NSW_ASSERT(what) _Static_assert(what, #what)
#endif

/* ---- records ------------------------------------------------------------------------------------------------ */

/* A text inside a record: `off` bytes from the record's start, `len` bytes, no terminator. */
struct nsw_str {
	__u16 off;
	__u16 len;
};
NSW_ASSERT(sizeof(struct nsw_str) == 4);

/* An address in network order; IPv4 is ::ffff:a.b.c.d. All zero where there is none. */
struct nsw_addr {
	__u8 b[16];
};
NSW_ASSERT(sizeof(struct nsw_addr) == 16);

/* What a record is about. The numbers are positions in events.def. */
enum nsw_event {
	NSW_EVENT_NONE = 0,
#define EVENT(NAME, ...) NSW_EVENT_##NAME,
#define FIELD(...)
#define END
#include "events.def"
	NSW_EVENT_COUNT
};

/* Through which system call the act came in: positions in syscalls.def; 0 for a door without one (io_uring). */
enum nsw_syscall {
	NSW_SYSCALL_NONE = 0,
#define SYSCALL(name, event, late) NSW_SYSCALL_##name,
#include "syscalls.def"
	NSW_SYSCALL_COUNT
};

/* Rings, so that a flood of one class never costs another. */
enum nsw_ring {
	NSW_RING_EVENTS = 0, /* processes, network, namespaces */
	NSW_RING_FILES,
	NSW_RING_DENIALS, /* written by the LSM programs alone */
	NSW_RING_COUNT
};

enum nsw_verdict_code {
	NSW_VERDICT_NONE = 0, /* no deny rule spoke */
	NSW_VERDICT_AUDIT = 1, /* would have been refused, the rule's policy is in audit mode */
	NSW_VERDICT_DENIED = 2, /* refused with EPERM */
};

enum nsw_flag {
	NSW_F_TRUNCATED = 1 << 0, /* a text was cut */
	NSW_F_NO_OBJECT = 1 << 1, /* the kernel resolved no object: a failed look-up, or the probe was missed */
	NSW_F_ASYNC = 1 << 2, /* performed by an io_uring worker or without a system call entry of its own */
	NSW_F_JOINED = 1 << 3, /* the process entered the container from outside (docker exec, nsenter) */
	NSW_F_USER_OBJECT = 1 << 4, /* the object was read from user memory (degraded mode): it can be rewritten */
	NSW_F_UNRESOLVED = 1 << 5, /* refused because the object could not be resolved (too deep, detached) */
	NSW_F_NO_RESULT = 1 << 6, /* the return value is not known: `result` is 0 */
};

/*
 * Start of each record. `home` names the container: the mount namespace in which the process was born into its container
 * (nsw_home_id), 0 for a process of the host.
 */
struct nsw_header {
	__u32 size; /* bytes of the whole record, this header included */
	__u16 type; /* enum nsw_event */
	__u8 verdict; /* enum nsw_verdict_code */
	__u8 flags; /* enum nsw_flag */
	__u64 time_ns; /* when the act ended */
	__u64 home;
	__s64 result; /* the call's return value: a negative errno on failure */
	__u64 start_ns; /* when the process (thread group leader) started */
	__u64 cgroup; /* id in the default hierarchy, 0 where there is none */
	__u32 rule; /* id of the deny rule that gave `verdict` */
	__u16 syscall; /* enum nsw_syscall */
	__u16 reserved;
	__u32 pid; /* thread group id, host's PID namespace */
	__u32 tid;
	__u32 ppid; /* the real parent's thread group id */
	__u32 vpid; /* thread group id in the process's own PID namespace */
	__u32 uid; /* host's user namespace */
	__u32 gid;
	__u32 mntns; /* current namespaces: inode numbers */
	__u32 pidns;
	__u32 sid; /* session, host's PID namespace; 0: unknown */
	__u32 loginuid; /* uid of whoever logged in, ~0: nobody did (a service, a container) */
	char comm[16];
};
NSW_ASSERT(sizeof(struct nsw_header) == 112);

#define NSW_U64 __u64
#define NSW_S64 __s64
#define NSW_U32 __u32
#define NSW_S32 __s32
#define NSW_U16 __u16
#define NSW_ADDR struct nsw_addr
#define NSW_STR struct nsw_str /* text as it is */
#define NSW_PATH struct nsw_str /* a path leaf first: "passwd/etc/" is /etc/passwd; empty is "/" when the object is there */
#define NSW_ARGS struct nsw_str /* texts, each ended by a NUL */

#define EVENT(NAME, name, ...)    \
	struct nsw_event_##name { \
		struct nsw_header h;
#define FIELD(kind, name, ...) NSW_##kind name;
#define END \
	}   \
	;
#include "events.def"

#define EVENT(NAME, name, ...) NSW_ASSERT(sizeof(struct nsw_event_##name) % 8 == 0);
#define FIELD(...)
#define END
#include "events.def"

/* Bits of `exe_flags` in an exec. */
enum nsw_exe_flag {
	NSW_EXE_MEMFD = 1 << 0, /* memory, no file of a file system: memfd_create */
	NSW_EXE_UNLINKED = 1 << 1, /* has no name any more */
	NSW_EXE_UPPER = 1 << 2, /* on the container's own writable layer: not as the image has it */
};

#define NSW_RECORD_SMALL 1024 /* bytes: what nearly every record fits in */
#define NSW_RECORD_MAX 10240 /* bytes: a record with two texts of 4,096 */
#define NSW_TEXT_MAX 4096 /* bytes of one text; what is longer is cut and flagged */
#define NSW_DEPTH_MAX 256 /* components of a path; deeper is unresolved */

/* ---- settings and counters ------------------------------------------------------------------------------------ */

/* In `wanted`, beside the bits of events: an exec carries its environment. Some rule speaks of it (proc.env). */
#define NSW_WANT_ENVIRONMENT (1ULL << 63)

/* The one element of map `settings`. */
struct nsw_settings {
	__u64 wanted; /* bit per enum nsw_event, and NSW_WANT_ENVIRONMENT */
	__u64 paired; /* those wanted long enough for a return without an entry to be a loss */
	__u64 seed; /* secret of the path hash, so that nobody can make two names collide */
	__u32 host_mntns; /* inode numbers of PID 1's namespaces */
	__u32 host_pidns;
	__u32 watch_host; /* 1: emit what host processes do, too */
	__u32 escaped; /* set by the kernel: a container's process entered the host's mount namespace, so the namespace alone no longer tells */
	__u32 enforce; /* 0: every verdict is audit (disarmed) */
	__u32 engine; /* thread group id of the engine, whose own acts are not reported */
};
NSW_ASSERT(sizeof(struct nsw_settings) == 48);

/* Per-CPU array `counters`, index = event type * NSW_COUNT_KINDS + kind (type 0: not of one event). */
enum nsw_count {
	NSW_COUNT_EMITTED = 0, /* records put into a ring */
	NSW_COUNT_RING_FULL, /* records lost: no room in the ring */
	NSW_COUNT_NO_SCRATCH, /* acts lost: no room in the map of calls under way */
	NSW_COUNT_UNPAIRED, /* acts lost: a return without an entry seen, or an entry whose return never came */
	NSW_COUNT_TRUNCATED, /* records with a text cut */
	NSW_COUNT_NO_LABEL, /* type 0: processes whose label found no room */
	NSW_COUNT_DENIED, /* refusals, whether or not the record of it found room */
	NSW_COUNT_KINDS
};

/* Where the values of the maps of calls under way (`inflight`, `inflight_large`) have the event's type, 2 bytes. */
#define NSW_CALL_TYPE 0

/* ---- identity --------------------------------------------------------------------------------------------------- */

/*
 * A home is a mount namespace: its inode number below, above it the low half of the kernel's own serial number of that
 * namespace, which is never used again while the machine is up (an inode number is, at once).
 */
static inline __u64 nsw_home_id(__u32 mntns, __u64 serial)
{
	return ((__u64)(__u32)serial << 32) | mntns;
}

enum nsw_home_flag {
	NSW_HOME_CONTAINER = 1 << 0, /* known to be one: own PID namespace, or the engine says so. Labels of it are final */
	NSW_HOME_BOUND = 1 << 1, /* the engine has seen it and decided on its policies */
	NSW_HOME_QUARANTINED = 1 << 2, /* every exec, open for write and connect is refused */
};

/* Value of map `homes`, key: home id. Made by the kernel at the first exec in a foreign mount namespace, or by the engine. */
struct nsw_home {
	__u64 parent; /* home of the process that made it, 0: the host */
	__u32 flags;
	__u32 set; /* slot in `sets`, 0: no deny rules */
	__u32 classes; /* bit per enum nsw_class that `set` or the overlay speaks of; << NSW_CLASS_ENFORCED: by an enforcing rule */
	__u32 overlay; /* bit 0: `overlay` has entries of this home */
	__u32 pidns;
	__u32 tasks; /* live processes with this label; approximate while they come and go */
};
NSW_ASSERT(sizeof(struct nsw_home) == 32);

/* Beside enum nsw_flag in nsw_label.flags. */
#define NSW_LABEL_ENDED (1U << 17) /* of a process's first thread: its end has been reported; not handed on */

/* Value of map `labels`, key: address of the task_struct. */
struct nsw_label {
	__u64 home;
	__u32 flags; /* NSW_F_JOINED, NSW_LABEL_ENDED */
	__u32 missed; /* event type of the call under way if its entry found no room; see call.h */
};
NSW_ASSERT(sizeof(struct nsw_label) == 16);

/* ---- deny ------------------------------------------------------------------------------------------------------- */

enum nsw_class {
	NSW_CLASS_EXEC = 0,
	NSW_CLASS_READ,
	NSW_CLASS_WRITE,
	NSW_CLASS_CONNECT,
	NSW_CLASS_COUNT
};
#define NSW_CLASS_ENFORCED 16

/* The rule that speaks, and how. rule 0: none. */
struct nsw_rule_ref {
	__u32 rule;
	__u32 mode; /* enum nsw_verdict_code: AUDIT or DENIED */
};

/* What the deny maps answer for a file or directory. */
struct nsw_verdict {
	struct nsw_rule_ref by_class[NSW_CLASS_COUNT];
	__u64 expires_ns; /* CLOCK_BOOTTIME; 0: never */
};
NSW_ASSERT(sizeof(struct nsw_verdict) == 40);

enum nsw_key_kind {
	NSW_KEY_PATH = 0, /* that very path */
	NSW_KEY_BELOW, /* everything below that path, itself not */
	NSW_KEY_NAME, /* every path with that last component */
};

/* Key of the inner maps of `path_sets`. */
struct nsw_path_key {
	__u64 hash; /* nsw_hash_*: of the path, or of the one name */
	__u32 kind;
	__u32 reserved;
};
NSW_ASSERT(sizeof(struct nsw_path_key) == 16);

/* Key of map `overlay`: what holds for one container: run-time entries, and the inodes behind its literal paths. */
struct nsw_object_key {
	__u64 home;
	__u64 id; /* path hash, or inode number */
	__u32 dev; /* kernel's s_dev for an inode, 0 for a path */
	__u32 kind; /* enum nsw_key_kind, | NSW_KEY_INODE: `id` is an inode number */
};
#define NSW_KEY_INODE 0x10
NSW_ASSERT(sizeof(struct nsw_object_key) == 24);

/* Value of map `sets`, key: slot. */
struct nsw_set {
	__u64 depths; /* bit n: some NSW_KEY_BELOW entry has n components, modulo 64 */
	__u32 names; /* 1: there are NSW_KEY_NAME entries */
	__u32 reserved;
};
NSW_ASSERT(sizeof(struct nsw_set) == 16);

/* Key of the inner tries of `net_sets`: prefix length in bits, then an address (IPv4 mapped). */
struct nsw_net_key {
	__u32 prefix;
	struct nsw_addr addr;
};
NSW_ASSERT(sizeof(struct nsw_net_key) == 20);

#define NSW_NET_RULES 16

struct nsw_net_rule {
	__u32 rule;
	__u16 port_low; /* host order, inclusive; 0..65535: any */
	__u16 port_high;
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: any */
	__u8 mode; /* enum nsw_verdict_code */
	__u16 reserved;
};
NSW_ASSERT(sizeof(struct nsw_net_rule) == 12);

/*
 * Value of the inner tries: the longest prefix alone is found, so the compiler writes the rules of all shorter
 * prefixes that cover it into each, in the order in which they speak; more than NSW_NET_RULES is refused at load.
 */
struct nsw_net {
	__u32 count;
	struct nsw_net_rule rules[NSW_NET_RULES];
};
NSW_ASSERT(sizeof(struct nsw_net) == 196);

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
