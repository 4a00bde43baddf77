/* SPDX-License-Identifier: GPL-2.0-only */
/* A system call's arguments, whichever kind of probe sees it enter, and the acts that they describe. */
#ifndef NSWARDEN_DOOR_H
#define NSWARDEN_DOOR_H

#include "call.h"

/* Contexts of tracepoints syscalls/sys_enter_* and sys_exit_*, and of raw_syscalls/sys_enter and sys_exit. */
struct tracepoint_enter {
	__u64 common;
	__u32 number; /* of 4 bytes in those of single calls: behind the last field a program must not read */
	__u32 reserved;
	__u64 args[6];
};

struct tracepoint_exit {
	__u64 common;
	__u64 number;
	__s64 result;
};

/* Exactly one of the two is set. */
struct door {
	struct pt_regs *regs; /* the user's registers, kept by the kernel: they cannot be rewritten */
	struct tracepoint_enter *tracepoint;
	__u32 syscall;
	__u32 compat; /* the number of a 32-bit call: other registers, and pointers of 4 bytes; 0: no such call */
	__u64 words; /* in the caller's memory: the arguments of one that has but a pointer to them; 0: it is no such call */
};

/* 32-bit calls whose arguments are not those of the 64-bit one. */
#define I386_UMOUNT 22 /* without flags */
#define I386_MMAP 90 /* by a pointer to all of them */
#define I386_SOCKETCALL 102 /* which call, and a pointer to its arguments */
#define I386_TRUNCATE64 193 /* lengths and offsets in two halves */
#define I386_FTRUNCATE64 194
#define I386_UTIMENSAT64 412 /* the one whose times are of 8 bytes */

static __always_inline bool in_compat(void)
{
	return BPF_CORE_READ(current_task(), thread_info.status) & TS_COMPAT;
}

/* By which number socketcall(2) has a call; 0: it does not have it. Of a constant a constant. */
static __always_inline __u32 socketcall_of(__u32 syscall)
{
	switch (syscall) {
#define SOCKETCALL(number, name) \
	case NSW_SYSCALL_##name: \
		return number;
#include "syscalls.def"
	default:
		return 0;
	}
}

/* Whether such a door's call may have its arguments in memory. Of a constant a constant: other programs stay small. */
static __always_inline bool may_have_words(const struct door *d)
{
	return d->syscall == NSW_SYSCALL_mmap || socketcall_of(d->syscall);
}

static __always_inline __u64 compat_arg(struct pt_regs *regs, int i)
{
	switch (i) {
	case 0:
		return (__u32)BPF_CORE_READ(regs, bx);
	case 1:
		return (__u32)BPF_CORE_READ(regs, cx);
	case 2:
		return (__u32)BPF_CORE_READ(regs, dx);
	case 3:
		return (__u32)BPF_CORE_READ(regs, si);
	case 4:
		return (__u32)BPF_CORE_READ(regs, di);
	default:
		return (__u32)BPF_CORE_READ(regs, bp);
	}
}

static __always_inline __u64 user_word(__u64 words, int i)
{
	__u32 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)(words + i * sizeof(word)));
	return word;
}

static __always_inline __u64 arg(const struct door *d, int i)
{
	struct pt_regs *regs = d->regs;

	if (may_have_words(d) && d->words)
		return user_word(d->words, i);
	if (d->tracepoint)
		return d->tracepoint->args[i];
	if (d->compat)
		return compat_arg(regs, i);
	switch (i) {
	case 0:
		return BPF_CORE_READ(regs, di);
	case 1:
		return BPF_CORE_READ(regs, si);
	case 2:
		return BPF_CORE_READ(regs, dx);
	case 3:
		return BPF_CORE_READ(regs, r10);
	case 4:
		return BPF_CORE_READ(regs, r8);
	default:
		return BPF_CORE_READ(regs, r9);
	}
}

/*
 * An argument that the 64-bit call does not have: the kernel does not let a program that reads it plainly be attached to
 * that call's tracepoint.
 */
static __always_inline __u64 further_arg(const struct door *d, int i)
{
	__u64 value = 0;

	if (!d->tracepoint)
		return arg(d, i);
	bpf_probe_read_kernel(&value, sizeof(value), &d->tracepoint->args[i]);
	return value;
}

/* Of a 32-bit call that has a 64-bit number in two arguments, the i-th and the next. */
static __always_inline __u64 halves(const struct door *d, int i)
{
	return further_arg(d, i) | further_arg(d, i + 1) << 32;
}

/* Must be called before arg(). False: socketcall(2) is asked for another call than the door's. */
static __always_inline bool look_at(struct door *d)
{
	struct pt_regs *regs = d->regs;

	d->words = 0;
	d->compat = !in_compat() ? 0 : d->tracepoint ? d->tracepoint->number : BPF_CORE_READ(regs, orig_ax);
	if (!may_have_words(d))
		return true;
	if (d->compat == I386_MMAP)
		d->words = arg(d, 0);
	if (d->compat != I386_SOCKETCALL)
		return true;
	if (arg(d, 0) != socketcall_of(d->syscall))
		return false;
	d->words = arg(d, 1);
	return true;
}

/* True where the call that begins is to be reported; then its arguments can be asked for. */
static __always_inline bool enters(struct door *d, __u32 type, struct subject *who)
{
	struct nsw_settings *s = get_settings();

	return s && watched(s, type, who) && look_at(d);
}

static __always_inline __u32 door_state(const struct door *d)
{
	return d->compat ? CALL_COMPAT : 0;
}

/*
 * An act that the arguments describe, and a probe on a hook in between where they do not: `size` is that of the event's
 * struct, which the caller fills in (`c->rec`). NULL where nobody wants to know.
 */
static __always_inline struct call *begin_act(struct door *d, __u32 type, __u32 size)
{
	struct subject who;
	struct call *c;

	if (!enters(d, type, &who))
		return NULL;
	c = start_call((__u64)current_task(), &who, type, d->syscall);
	if (!c)
		return NULL;
	c->head.state = door_state(d);
	c->head.used = size;
	return c;
}

/* For a probe between entry and return, and for a return: the entry of the call that this task makes; NULL if it makes none. */
static __always_inline struct call *under_way(__u32 type)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!s || !followed(s, type, &who))
		return NULL;
	return find_call((__u64)current_task(), type);
}

/* The path of a file, behind what the record has already. */
static __always_inline struct nsw_str act_path(struct call *c, struct file *file)
{
	__u64 key = (__u64)current_task(), text;
	struct nsw_str path = {.off = c->head.used};

	text = path_small(key, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry));
	path.len = TEXT_LENGTH(text);
	if (text & TEXT_CUT)
		((struct nsw_header *)c->rec)->flags |= NSW_F_TRUNCATED;
	return path;
}

/* A text of the user's; `max` is a constant: how much room it may take. */
static __always_inline void act_text(struct call *c, struct nsw_str *text, __u64 max, __u64 from)
{
	int slot = c->head.late[0].from ? 1 : 0;

	read_user_text((struct nsw_header *)c->rec, c->rec, sizeof(c->rec), &c->head.used, text, max, (void *)from);
	if (text->len || !from)
		return;
	c->head.late[slot].from = from;
	c->head.late[slot].at = (__u64)text - (__u64)c->rec;
	c->head.late[slot].max = max;
}

#define LATE_MAX 128 /* bytes of a text that is read at the return */

static __always_inline void read_late_text(struct call *c, const struct late_text *late)
{
	struct nsw_str text = {};
	__u32 max = late->max;
	__u64 at = late->at;

	if (!late->from)
		return;
	read_user_text((struct nsw_header *)c->rec, c->rec, sizeof(c->rec), &c->head.used, &text, LATE_MAX, (void *)late->from);
	if (max && text.len > max - 1)
		text.len = max - 1;
	keep(at);
	if (at > sizeof(c->rec) - sizeof(text))
		return;
	__builtin_memcpy(c->rec + at, &text, sizeof(text));
}

/* A short text of the kernel's own that cannot fault. */
static __always_inline void act_name(struct call *c, struct nsw_str *text, const void *from)
{
	__u64 pos = c->head.used;
	long n;

	keep(pos);
	if (pos > sizeof(c->rec) - 16)
		return;
	n = bpf_probe_read_kernel_str(c->rec + pos, 16, from);
	if (n <= 1)
		return;
	text->off = pos;
	text->len = n - 1;
	c->head.used = pos + n - 1;
}

/* Whom an act is done to. */
static __always_inline void act_target(struct call *c, __u32 *pid, struct nsw_str *name, struct task_struct *task)
{
	*pid = BPF_CORE_READ(task, tgid);
	act_name(c, name, (char *)task + bpf_core_field_offset(struct task_struct, comm));
}

/* 32-bit callers come to it by socketcall(2), too. */
static __always_inline bool is_socketcall(__u32 type)
{
	switch (type) {
	case NSW_EVENT_SOCKET:
	case NSW_EVENT_BIND:
	case NSW_EVENT_LISTEN:
	case NSW_EVENT_ACCEPT:
	case NSW_EVENT_CONNECT:
	case NSW_EVENT_SEND:
		return true;
	default:
		return false;
	}
}

/* A return without an entry: a loss, unless its entry came before anybody wanted to know. */
static __always_inline void count_unpaired(const struct nsw_settings *s, __u32 type, const struct subject *who)
{
	struct nsw_home *home = choosy_home(s, type, who);

	if (is_socketcall(type) && in_compat()) /* it returns from every call that it has: this was another */
		return;
	if (s->paired & 1ULL << type && !(home && home->unpaired & 1ULL << type))
		count(type, NSW_COUNT_UNPAIRED);
}

/* What the entry began; NULL if that was not seen, or nobody wants to know any more. */
static __always_inline struct call *returns(__u32 type)
{
	struct nsw_settings *s = get_settings();
	struct subject who;
	struct call *c;

	if (!s || !followed(s, type, &who))
		return NULL;
	c = find_call((__u64)current_task(), type);
	if (!c && !missed_entry(type))
		count_unpaired(s, type, &who);
	return c;
}

/* Sends what begin_act() began. */
static __always_inline int send_act(struct call *c, __s64 result, __u32 ring)
{
	if (!c)
		return 0;
	if (!(c->head.state & CALL_SENT)) {
		read_late_text(c, &c->head.late[0]);
		read_late_text(c, &c->head.late[1]);
		finish_header((struct nsw_header *)c->rec, &c->head, result);
		emit_small(c, ring);
	}
	end_call((__u64)current_task());
	return 0;
}

/* The whole of a return, where every call of the event is one that begin_act() began ... */
static __always_inline int finish_act(__u32 type, __s64 result, __u32 ring)
{
	return send_act(returns(type), result, ring);
}

/* ... and where the entry left calls out: a return without an entry tells nothing. */
static __always_inline int finish_some(__u32 type, __s64 result, __u32 ring)
{
	struct call *c = under_way(type);

	if (!c)
		missed_entry(type);
	return send_act(c, result, ring);
}

/* The file behind a descriptor of the current process; NULL if another thread closed it meanwhile. */
static __always_inline struct file *file_of(__s64 fd)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct file *file = NULL;

	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return file;
}

/* NULL where it is no socket. */
static __always_inline struct socket *socket_behind(struct file *file)
{
	unsigned short mode = file ? BPF_CORE_READ(file, f_inode, i_mode) : 0;

	return (mode & S_IFMT) == S_IFSOCK ? BPF_CORE_READ(file, private_data) : NULL;
}

static __always_inline struct socket *socket_of(__s64 fd)
{
	return socket_behind(file_of(fd));
}

/* The socket that a call is about. io_uring has it without a descriptor. */
static __always_inline struct socket *socket_of_call(const struct call *c)
{
	if (c->head.state & CALL_RING)
		return (struct socket *)c->head.object;
	return socket_of((__s32)c->head.fd);
}

#endif
