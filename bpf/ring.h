/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry of an act by io_uring: see ring.bpf.c. */
#ifndef NSWARDEN_RING_H
#define NSWARDEN_RING_H

#include "door.h"

static __always_inline struct call *begun(struct call *c, struct io_kiocb *request)
{
	if (!c)
		return NULL;
	((struct nsw_header *)c->rec)->flags |= NSW_F_ASYNC;
	c->head.state |= CALL_RING;
	c->head.request = (__u64)request;
	return c;
}

static __always_inline struct call *begin_request(struct io_kiocb *request, __u32 type, __u32 size)
{
	struct door none = {};

	return begun(begin_act(&none, type, size), request);
}

#endif
