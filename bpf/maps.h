/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps that both objects share: the loader makes them for enforce.bpf.c and hands them to sensor.bpf.c by name
 * (bpf_map__reuse_fd). Sizes that options set are set by the loader.
 */
#ifndef NSWARDEN_MAPS_H
#define NSWARDEN_MAPS_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"

char _license[] SEC("license") = "GPL";

/* An argument of a hook as a number: what a global function takes. The verifier would not let it have a pointer. */
static __always_inline __u64 number_at(__u64 *ctx, int i)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + i);
	return value;
}

/*
 * A program on one of the kernel's functions, twice: by a kprobe, and where these are missing, by fentry (NAME_fentry). The
 * arguments are numbers either way: a pointer that the verifier knows must not be handed to a global function.
 */
#define PROBE(name, function, args...)                                                                                      \
	name(struct pt_regs *ctx);                                                                                          \
	static __always_inline int ____##name(void *ctx, ##args);                                                           \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") SEC("?kprobe/" #function) int \
	name(struct pt_regs *ctx)                                                                                           \
	{                                                                                                                   \
		return ____##name(___bpf_kprobe_args(args));                                                                \
	}                                                                                                                   \
	SEC("?fentry/" #function)                                                                                           \
	int name##_fentry(void *arguments)                                                                                  \
	{                                                                                                                   \
		__u64 ctx[5] = {};                                                                                          \
                                                                                                                            \
		bpf_probe_read_kernel(ctx, sizeof(ctx), arguments);                                                         \
		return ____##name(___bpf_ctx_cast(args));                                                                   \
	}                                                                                                                   \
	_Pragma("GCC diagnostic pop") static __always_inline int ____##name(void *ctx, ##args)

/* State of a call under way, or of an act that is just being reported. */
enum call_state {
	CALL_OBJECT = 1 << 0, /* the kernel's object has been filled in */
	CALL_INTERNAL = 1 << 1, /* it lies on a mount of the kernel's own (a pipe, an overlay's layer): a better one may come */
	CALL_LARGE = 1 << 2, /* its texts did not fit: they are in inflight_large */
	CALL_SENT = 1 << 3, /* the enforcer has reported this act already: one act, one event */
	CALL_SCRIPT = 1 << 4, /* exec: `file` is filled in, what follows is an interpreter */
	CALL_COMPAT = 1 << 5, /* by a 32-bit system call: pointers in the caller's memory have 4 bytes */
	CALL_TRACEPOINT = 1 << 6, /* seen by tracepoints alone: no hook will fill in the object */
	CALL_NAMED = 1 << 7, /* an open that is only to be reported if its path has a wanted name */
	CALL_LEFT_OUT = 1 << 8, /* it has none */
	CALL_RING = 1 << 9, /* by io_uring: the caller's texts have been copied at the entry */
	CALL_DIRECT = 1 << 10, /* ... into its own table of files: what it returns is no descriptor */
	CALL_ANSWERED = 1 << 11, /* ... and the record's header has the result already */
};

/* A text of the caller's that could not be read at the entry: its page was not there. The call brings it in. */
struct late_text {
	__u64 from;
	__u32 at; /* of the nsw_str, in `rec` */
	__u32 max;
};
#define LATE_TEXTS 2

struct call_head {
	__u16 type; /* at NSW_CALL_TYPE */
	__u16 syscall;
	__u32 length; /* of the user's address */
	__u64 home;
	__u64 user; /* user's pointer: path or address */
	__u64 argv;
	__u64 object; /* struct socket * */
	__u64 request; /* struct io_kiocb * */
	__u64 mount; /* where the walk that writes a path stands */
	__u64 dentry;
	__u32 fd;
	__u32 state; /* enum call_state */
	__u32 used; /* bytes of `rec` */
	__u32 flags; /* label's flags */
	struct late_text late[LATE_TEXTS];
};
_Static_assert(offsetof(struct call_head, type) == NSW_CALL_TYPE, "the engine looks there");
_Static_assert(offsetof(struct call_head, state) == NSW_CALL_STATE, "the engine looks there");
_Static_assert(CALL_SENT == NSW_CALL_SENT, "the engine looks for it");

/* A record is built in place over entry, object and return. */
struct call {
	struct call_head head;
	__u8 rec[NSW_RECORD_SMALL];
};

struct call_large {
	struct call_head head;
	__u8 rec[NSW_RECORD_MAX];
};
_Static_assert(offsetof(struct call, rec) == NSW_CALL_RECORD, "the engine looks there");
_Static_assert(offsetof(struct call_large, rec) == NSW_CALL_RECORD, "the engine looks there");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* the engine changes one field without undoing what the kernel set in another */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nsw_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NSW_EVENT_COUNT *NSW_COUNT_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring_events SEC(".maps"), ring_files SEC(".maps"), ring_denials SEC(".maps");

/* struct dentry from d_parent to the end of a short name, which lies inside: one read for a step. */
#define SHORT_NAME 40 /* bytes, on the latest kernels; 32 before */
#define SEEN_BYTES (32 + SHORT_NAME)

struct seen {
	__u64 block[SEEN_BYTES / 8];
};

#define NAMES 32 /* components of a path whose hashes are kept; of a deeper one they are read again */

/* struct mount from mnt_parent to mnt.mnt_root. */
struct mounted {
	__u64 parent; /* mount that it is mounted on; itself at the top */
	__u64 point; /* dentry there */
	__u64 root; /* dentry of its own root */
};

/* Where the walk of a verdict stands, what it asks, and what it has found. */
struct walk_state {
	__u64 mnt; /* struct vfsmount by which the file that is asked about is reached */
	__u64 leaf; /* its dentry */
	__u64 mount;
	struct mounted at; /* of that mount */
	__u64 dentry;
	__u64 as; /* dentry whose inode the file has, or is going to have */
	__u64 hash;
	__u64 power;
	__u64 named; /* dentry that has the path's last name: of a file that is mounted, its mount point */
	__u64 home;
	__u64 root; /* of the home */
	__u64 depths; /* of the set */
	__u64 hole_depths;
	__u64 target_depths; /* of the home */
	__u64 levels; /* bit n: something is asked of what is below a directory of n components, modulo 64 */
	__u64 groups; /* BY: groups that the executable is in */
	__u32 depth;
	__u32 left; /* of a deep path: components that are still in the hash */
	__u32 dev; /* of the mount's file system, where inodes are asked */
	__u32 slot; /* 0: no set is bound */
	__u32 overlay; /* enum nsw_overlay_flag */
	__u32 asked; /* bits of the classes of the act */
	__u32 phase; /* enum nsw_when: JOINED, or 0 */
	__u32 running; /* bit per policy that is past its startup */
	__u32 ended; /* UNTIL: bit per policy whose startup this executable ends */
	__u32 port;
	__u32 protocol;
	__u32 origins; /* bit per enum nsw_origin that is asked for */
	__u32 lost; /* more spoke of it than there is room for */
	__u32 hit_count;
	__u32 hole_count;
	__u32 speaker; /* of the DENY clauses: 1 + position of the entry that speaks, */
	__u32 rule; /* ... its rule */
	__u16 mode; /* ... its mode, 0: none */
	__u16 action;
	__u32 allowed[NSW_ALLOW_GROUPS]; /* classes that a list of the policy allows */
	__u32 hits[NSW_HITS]; /* positions of DENY and ALLOW clauses */
	__u32 holes[NSW_HOLES]; /* entries that are void here */
	__u64 names[NAMES]; /* hash of a component, leaf first, modulo NAMES */
	struct seen seen; /* what was last read; here, since the stack of all that call each other is 512 bytes */
};

enum exe_state {
	EXE_BARE = 1 << 0, /* was executed without an interpreter of its own: static, or a dynamic loader */
	EXE_MAPPED = 1 << 1, /* ... and has since mapped the first file to run */
	EXE_NEW = 1 << 2, /* which groups it is in is not known yet */
};

/* The walk's scratch lies with the label: whoever is judged has one, so that a verdict never waits for room. */
struct task_state {
	struct nsw_label label;
	__u64 write_mount; /* where the task was last given leave to write ... */
	__u64 path_mount; /* ... by a path of its own, and not beneath an overlay */
	__u64 by; /* bit per group of executables that this one is in */
	__u64 above; /* ... that one above it is in */
	__u64 exec_id; /* task_struct.self_exec_id when its last exec was taken in: see take_in_exec() */
	__u32 generation; /* of the set for which `by` and `above` hold; 0: of none */
	__u32 exe; /* enum exe_state */
	__u32 ending; /* policies whose startup is over once the exec under way succeeds */
	__u32 classes; /* that its home is judged for, as of `epoch` */
	__u32 epoch; /* 1 + homes_epoch when the home was looked at; 0: never */
	__u32 reserved;
	struct walk_state walk;
};

/*
 * Keyed by the address of the task_struct, not task storage: 5.10 has none for these programs, and later ones may
 * answer NULL under preemption, which must never be taken for "host". Preallocated, so that a fork needs no memory.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct task_state);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct nsw_home);
} homes SEC(".maps");

/* Processes of several threads whose end has been reported; key: address of the signal_struct. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u32);
} ended SEC(".maps");

/* Key: task address; + 1 for a report made aside of the call under way. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct call);
} inflight SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, struct call_large);
} inflight_large SEC(".maps");

/* Refusals of which no record tells, by rule; key 0: of rules without a row. The engine makes the rows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NSW_RULE_NAMES);
	__type(key, __u32);
	__type(value, __u64);
} untold SEC(".maps");

/* The engine's alone, who pins it with the others. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NSW_RULE_NAMES);
	__type(key, __u32);
	__type(value, struct nsw_rule_name);
} rule_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nsw_disarm);
} disarm SEC(".maps");

/* What a new entry of either map is copied from. */
const volatile __u8 blank[sizeof(struct call_large)] __attribute__((aligned(8))) = {};

/* Set by the loader: the programs that refuse are attached and report acts that have no system call entry. */
const volatile __u32 refusing = 0;

/* Set by the loader: nsw_settings.life of the engine that loaded this. */
const volatile __u32 own_life = 0;

static __always_inline struct nsw_settings *get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline void count(__u32 event, __u32 kind)
{
	__u32 index = event * NSW_COUNT_KINDS + kind;
	__u64 *value = bpf_map_lookup_elem(&counters, &index);

	/* Atomic although per CPU: the program may be preempted between load and store. */
	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline void count_untold(__u32 rule)
{
	__u64 *refusals = bpf_map_lookup_elem(&untold, &rule);
	struct nsw_settings *s = get_settings();

	if (!refusals) {
		rule = 0;
		refusals = bpf_map_lookup_elem(&untold, &rule);
	}
	if (refusals)
		__sync_fetch_and_add(refusals, 1);
	if (s)
		__sync_fetch_and_add(&s->untold, 1);
}

/* An entry that nobody will send any more. */
static __always_inline void drop_call(const struct call_head *head, const __u8 *rec)
{
	const struct nsw_header *h = (const void *)rec;

	count(head->type, NSW_COUNT_UNPAIRED);
	if (h->verdict == NSW_VERDICT_DENIED && !(head->state & CALL_SENT))
		count_untold(h->rule);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

#endif
