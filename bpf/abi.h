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
#define SYSCALL(name, event, late, i386) NSW_SYSCALL_##name,
#include "syscalls.def"
	NSW_SYSCALL_COUNT
};

#define NSW_I386_CALLS 512 /* more than the highest number of a 32-bit system call */
#define NSW_I386_SOCKETCALLS 32 /* more than the highest number of a call that socketcall(2) has */

/* Rings, so that a flood of one class never costs another. */
enum nsw_ring {
	NSW_RING_EVENTS = 0, /* processes, network, namespaces */
	NSW_RING_FILES,
	NSW_RING_DENIALS, /* written by the programs that refuse alone */
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
	NSW_F_KILLED = 1 << 7, /* denied where nothing can be refused: the process was killed for it, before the act */
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
	__u16 life; /* nsw_settings.life of the engine that loaded the program */
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

/* In sets of events, beside that of open: opens that do not ask to write. They are the most frequent act of all. */
#define NSW_WANT_READS (1ULL << NSW_EVENT_NONE)
/* Instead of that: those of them whose path has one of the names in map `read_names`. */
#define NSW_READ_NAMES 4096
#define NSW_NAMED_READS 62
#define NSW_WANT_NAMED_READS (1ULL << NSW_NAMED_READS)
/* In sets of events, beside that of connect: connects to any port, and not those alone whose port is in map `ports`. */
#define NSW_ANY_PORT 61
#define NSW_WANT_ANY_PORT (1ULL << NSW_ANY_PORT)
#define NSW_PORT_WORDS 1024
struct nsw_ports {
	__u64 bits[NSW_PORT_WORDS]; /* bit per port */
};
/* In `wanted`, beside the bits of events: an exec carries its environment. Some rule speaks of it (proc.env). */
#define NSW_WANT_ENVIRONMENT (1ULL << 63)

/* The one element of map `settings`. */
struct nsw_settings {
	__u64 wanted; /* bit per enum nsw_event, and NSW_WANT_ENVIRONMENT */
	__u64 everywhere; /* those of them that are wanted of every container; of the others nsw_home.unwanted tells */
	__u64 paired; /* those wanted long enough for a return without an entry to be a loss */
	__u64 seed; /* secret of the path hash, so that nobody can make two names collide */
	__u32 host_mntns; /* inode numbers of PID 1's namespaces */
	__u32 host_pidns;
	__u32 watch_host; /* 1: emit what host processes do, too */
	__u32 escaped; /* set by the kernel: a container's process entered the host's mount namespace, so the namespace alone no longer tells */
	__u32 life; /* counts up with each engine that works on these maps, from 1 */
	__u32 engine; /* thread group id of the engine, whose own acts are not reported; 0: there is none, the kernel saw it end */
	__u64 hold_ns; /* how long a container's first exec waits for the engine to decide on its policies; 0: not at all */
	__u64 alive_until; /* written by the engine again and again: after this time nobody waits for it */
	/* Tell the engine, who has them in its memory, when to look into a map. */
	__u64 untold; /* sum of map `untold` */
	__u64 emptied; /* how often a home lost its last process */
	__u64 host_root; /* what stands for PID 1's root directory; for comparing alone */
};
NSW_ASSERT(sizeof(struct nsw_settings) == 96);

/* Per-CPU array `counters`, index = event type * NSW_COUNT_KINDS + kind (type 0: not of one event). */
enum nsw_count {
	NSW_COUNT_EMITTED = 0, /* records put into a ring */
	NSW_COUNT_RING_FULL, /* records lost: no room in the ring */
	NSW_COUNT_NO_SCRATCH, /* acts lost: no room in the map of calls under way */
	NSW_COUNT_UNPAIRED, /* acts lost: a return without an entry seen, or an entry whose return never came */
	NSW_COUNT_TRUNCATED, /* records with a text cut */
	NSW_COUNT_NO_LABEL, /* type 0: processes whose label found no room */
	NSW_COUNT_DENIED, /* refusals, whether or not the record of it found room */
	NSW_COUNT_SKIPPED, /* runs of its probes that the kernel passed over, as the kernel counts them, whoever acted */
	NSW_COUNT_KINDS
};

/* Where the values of the maps of calls under way (`inflight`, `inflight_large`) have the event's type, 2 bytes; the record. */
#define NSW_CALL_TYPE 0
#define NSW_CALL_STATE 68
#define NSW_CALL_SENT (1U << 3) /* in the 4 bytes there: the record has been sent */
#define NSW_CALL_RECORD 112

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
	NSW_HOME_KNOWN = 1 << 3, /* a runtime has told whose it is */
	NSW_HOME_DECIDED = 1 << 4, /* bound to the policies of what its runtime says it is, or no container: no exec waits */
};

/* Value of map `homes`, key: home id. Made by the kernel at the first exec in a foreign mount namespace, or by the engine. */
struct nsw_home {
	__u64 parent; /* home of the process that made it, 0: the host */
	__u32 flags;
	__u32 set; /* slot in `sets`, 0: no entries */
	__u32 classes; /* bit per enum nsw_class that `set` or a push speaks of: the first thing that a verdict looks at */
	__u32 enforced; /* those of which an enforcing rule speaks */
	__u32 overlay; /* enum nsw_overlay_flag: what the overlay has of this home */
	__u32 phases; /* bit per policy (nsw_clause.policy) whose startup is over */
	__u64 target_depths; /* bit n: the overlay has a directory whose own path, links resolved, has n components, modulo 64 */
	__u32 pidns;
	__u32 tasks; /* live processes with this label; approximate while they come and go */
	__u64 unwanted; /* bit per enum nsw_event that none of its policies wants; 0 until the engine has bound it */
	__u64 unpaired; /* those, and what was unwanted before: a return without an entry is no loss */
	__u64 since_ns; /* when its first exec made it; 0: the engine did */
	__u64 init_ns; /* when its init process started, see init_of(); 0: not known */
	__u32 told; /* nsw_settings.life of the engine that was last told of it */
	__u32 root_dev; /* device of its root's file system, as its first exec found it; 0: not known */
	__u64 root; /* the dentry of that root; 0: not known. Only ever compared with others */
	__u64 root_mount; /* ... and its struct vfsmount */
};
NSW_ASSERT(sizeof(struct nsw_home) == 104);

/* In nsw_header.rule of an exec that was refused since nobody had decided on its container; no rule's id is that small. */
#define NSW_RULE_UNBOUND 3

/* Beside enum nsw_flag in nsw_label.flags. */
#define NSW_LABEL_FIRST (1U << 16) /* the process whose exec made the home; not handed on */
#define NSW_LABEL_ENDED (1U << 17) /* of a process's first thread: its end has been reported; not handed on */

/* Value of map `labels`, key: address of the task_struct. */
struct nsw_label {
	__u64 home;
	__u32 flags; /* NSW_F_JOINED, NSW_LABEL_* */
	__u32 missed; /* event type of the call under way if its entry found no room; see call.h */
};
NSW_ASSERT(sizeof(struct nsw_label) == 16);

#include "abi_outlive.h"
#include "abi_verdict.h"

#endif
