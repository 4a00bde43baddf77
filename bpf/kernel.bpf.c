/* SPDX-License-Identifier: GPL-2.0-only */
/* What reaches into the kernel: modules, BPF, counters, files in memory, page faults, queues of calls, keys. */
#include "door.h"

/* ---- modules ---------------------------------------------------------------------------------------------------- */

static __always_inline int enter_module_load(struct door *d)
{
	bool file = d->syscall == NSW_SYSCALL_finit_module;
	struct nsw_event_module_load *e;
	struct call *c = begin_act(d, NSW_EVENT_MODULE_LOAD, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->fd = file ? arg(d, 0) : -1;
	e->flags = file ? arg(d, 2) : 0;
	act_text(c, &e->parameters, 128, file ? arg(d, 1) : arg(d, 2));
	return 0;
}

static __always_inline void module_object(struct call *c, struct file *file)
{
	struct nsw_event_module_load *e = (void *)c->rec;
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if (!file || c->head.state & CALL_OBJECT)
		return;
	c->head.state |= CALL_OBJECT;
	e->ino = BPF_CORE_READ(inode, i_ino);
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->file = act_path(c, file);
}

int PROBE(nsw_object_module_load, security_kernel_read_file, struct file *file)
{
	struct call *c = under_way(NSW_EVENT_MODULE_LOAD);

	if (c)
		module_object(c, file);
	return 0;
}

static __always_inline int exit_module_load(__s64 result)
{
	struct call *c = returns(NSW_EVENT_MODULE_LOAD);
	struct nsw_event_module_load *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	module_object(c, file_of(e->fd));
	return send_act(c, result, NSW_RING_EVENTS);
}

static __always_inline int enter_module_delete(struct door *d)
{
	struct nsw_event_module_delete *e;
	struct call *c = begin_act(d, NSW_EVENT_MODULE_DELETE, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = arg(d, 1);
	act_text(c, &e->name, 64, arg(d, 0));
	return 0;
}

static __always_inline int exit_module_delete(__s64 result)
{
	return finish_act(NSW_EVENT_MODULE_DELETE, result, NSW_RING_EVENTS);
}

/* ---- bpf -------------------------------------------------------------------------------------------------------- */

#define BPF_MAP_CREATE 0
#define BPF_PROG_LOAD 5

/* Where union bpf_attr has the name: user-space ABI, hence fixed. */
#define MAP_NAME_AT 28
#define PROG_NAME_AT 48

/* Work on the elements of maps: as frequent as reading a file, and no more telling. */
static __always_inline bool on_elements(__s32 command)
{
	return (command >= 1 && command <= 4) || command == 21 || (command >= 24 && command <= 27);
}

static __always_inline void bpf_object(struct call *c, const char *attr, bool user)
{
	struct nsw_event_bpf *e = (void *)c->rec;
	__u64 name = e->command == BPF_PROG_LOAD ? PROG_NAME_AT : MAP_NAME_AT;

	if (e->command != BPF_PROG_LOAD && e->command != BPF_MAP_CREATE)
		return;
	c->head.used = sizeof(*e);
	e->program.len = 0;
	if (user) {
		if (e->command == BPF_PROG_LOAD)
			bpf_probe_read_user(&e->program_type, sizeof(e->program_type), attr);
		act_text(c, &e->program, 16, (__u64)attr + name);
		return;
	}
	if (e->command == BPF_PROG_LOAD)
		bpf_probe_read_kernel(&e->program_type, sizeof(e->program_type), attr);
	act_name(c, &e->program, attr + name);
}

static __always_inline int enter_bpf(struct door *d)
{
	struct nsw_event_bpf *e;
	struct subject who;
	struct call *c;

	if (!enters(d, NSW_EVENT_BPF, &who) || on_elements(arg(d, 0)))
		return 0;
	c = begin_act(d, NSW_EVENT_BPF, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->command = arg(d, 0);
	bpf_object(c, (const char *)arg(d, 1), true);
	return 0;
}

/* The kernel's own copy, which is what it works with. */
int PROBE(nsw_object_bpf, security_bpf, int command, const char *attr)
{
	struct call *c = under_way(NSW_EVENT_BPF);

	if (c)
		bpf_object(c, attr, false);
	return 0;
}

static __always_inline int exit_bpf(__s64 result)
{
	return finish_some(NSW_EVENT_BPF, result, NSW_RING_EVENTS);
}

/* ---- the others ------------------------------------------------------------------------------------------------- */

static __always_inline int enter_perf(struct door *d)
{
	struct nsw_event_perf *e;
	struct call *c = begin_act(d, NSW_EVENT_PERF, sizeof(*e));
	__u64 attr;

	if (!c)
		return 0;
	e = (void *)c->rec;
	attr = arg(d, 0); /* struct perf_event_attr: type, size, config */
	bpf_probe_read_user(&e->type, sizeof(e->type), (void *)attr);
	bpf_probe_read_user(&e->config, sizeof(e->config), (void *)(attr + 8));
	e->pid = arg(d, 1);
	e->cpu = arg(d, 2);
	return 0;
}

static __always_inline int exit_perf(__s64 result)
{
	return finish_act(NSW_EVENT_PERF, result, NSW_RING_EVENTS);
}

static __always_inline int enter_memfd(struct door *d)
{
	struct nsw_event_memfd *e;
	struct call *c = begin_act(d, NSW_EVENT_MEMFD, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = arg(d, 1);
	act_text(c, &e->name, 256, arg(d, 0));
	return 0;
}

static __always_inline int exit_memfd(__s64 result)
{
	return finish_act(NSW_EVENT_MEMFD, result, NSW_RING_EVENTS);
}

static __always_inline int enter_userfaultfd(struct door *d)
{
	struct nsw_event_userfaultfd *e;
	struct call *c = begin_act(d, NSW_EVENT_USERFAULTFD, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = arg(d, 0);
	return 0;
}

static __always_inline int exit_userfaultfd(__s64 result)
{
	return finish_act(NSW_EVENT_USERFAULTFD, result, NSW_RING_EVENTS);
}

static __always_inline int enter_io_uring(struct door *d)
{
	struct nsw_event_io_uring *e;
	struct call *c = begin_act(d, NSW_EVENT_IO_URING, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->entries = arg(d, 0);
	/* struct io_uring_params: sq_entries, cq_entries, flags */
	bpf_probe_read_user(&e->flags, sizeof(e->flags), (void *)(arg(d, 1) + 8));
	return 0;
}

static __always_inline int exit_io_uring(__s64 result)
{
	return finish_act(NSW_EVENT_IO_URING, result, NSW_RING_EVENTS);
}

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_UPDATE 2
#define KEYCTL_SEARCH 10

static __always_inline void key_of_keyctl(struct door *d, struct call *c)
{
	struct nsw_event_key *e = (void *)c->rec;

	e->operation = arg(d, 0);
	if (e->operation == KEYCTL_JOIN_SESSION_KEYRING) {
		act_text(c, &e->description, 128, arg(d, 1));
		return;
	}
	e->serial = arg(d, 1);
	if (e->operation != KEYCTL_SEARCH)
		return;
	act_text(c, &e->type, 32, arg(d, 2));
	act_text(c, &e->description, 128, arg(d, 3));
}

static __always_inline int enter_key(struct door *d)
{
	struct nsw_event_key *e;
	struct call *c = begin_act(d, NSW_EVENT_KEY, sizeof(*e));

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (d->syscall == NSW_SYSCALL_keyctl) {
		key_of_keyctl(d, c);
		return 0;
	}
	e->operation = d->syscall == NSW_SYSCALL_add_key ? KEYCTL_UPDATE : KEYCTL_SEARCH;
	e->serial = d->syscall == NSW_SYSCALL_add_key ? arg(d, 4) : arg(d, 3);
	act_text(c, &e->type, 32, arg(d, 0));
	act_text(c, &e->description, 128, arg(d, 1));
	return 0;
}

static __always_inline int exit_key(__s64 result)
{
	return finish_act(NSW_EVENT_KEY, result, NSW_RING_EVENTS);
}
