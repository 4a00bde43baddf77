/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is made executable although somebody wrote there, or can: code that was in no file. What the dynamic
 * loader maps of a library, executable and not writable, is not an event.
 */
#include "door.h"

static __always_inline bool runs_what_was_written(__u64 protection, __u64 flags)
{
	return protection & PROT_EXEC && (flags & MAP_ANONYMOUS || protection & PROT_WRITE);
}

static __always_inline int enter_memory(struct door *d)
{
	bool map = d->syscall == NSW_SYSCALL_mmap;
	struct nsw_event_memory *e;
	struct subject who;
	struct call *c;

	if (!enters(d, NSW_EVENT_MEMORY, &who))
		return 0;
	/* Of what is mapped already nobody knows whether it was written to. */
	if (map ? !runs_what_was_written(arg(d, 2), arg(d, 3)) : !(arg(d, 2) & PROT_EXEC))
		return 0;
	c = begin_act(d, NSW_EVENT_MEMORY, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->address = arg(d, 0);
	e->length = arg(d, 1);
	e->protection = arg(d, 2);
	e->flags = map ? arg(d, 3) : 0;
	e->fd = map && !(e->flags & MAP_ANONYMOUS) ? arg(d, 4) : -1;
	return 0;
}

static __always_inline void memory_object(struct call *c, struct file *file)
{
	struct nsw_event_memory *e = (void *)c->rec;

	if (!file || c->head.state & CALL_OBJECT)
		return;
	c->head.state |= CALL_OBJECT;
	e->file = act_path(c, file);
}

int PROBE(nsw_object_memory, security_mmap_file, struct file *file)
{
	struct call *c = under_way(NSW_EVENT_MEMORY);

	if (c)
		memory_object(c, file);
	return 0;
}

/* Once for each mapping that the range touches. */
int PROBE(nsw_object_memory_protect, security_file_mprotect, struct vm_area_struct *area)
{
	struct call *c = under_way(NSW_EVENT_MEMORY);

	if (c)
		memory_object(c, BPF_CORE_READ(area, vm_file));
	return 0;
}

static __always_inline int exit_memory(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_MEMORY);
	struct nsw_event_memory *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (e->fd >= 0)
		memory_object(c, file_of(e->fd));
	return send_act(c, result, NSW_RING_EVENTS);
}
