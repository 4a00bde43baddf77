/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts by io_uring, on the rows RING of syscalls.def. The kernel does a request by a function of its own, in whichever thread:
 * the caller's, a worker, the one that polls the queue. That function is entry and return of the act as a system call is, and
 * what lies in between fills in the object. It may give up for now (-EAGAIN) and be called again, by another thread: then
 * nothing has happened yet. What the caller gave has been copied: it cannot be rewritten any more.
 */
#include "file.h"
#include "paths.h"
#include "ring.h"

/* The name in a request; 0 where there is none. */
#define REQUEST_NAME(request, type, field)                                                                 \
	name_in(bpf_core_field_exists(((struct type##___delayed *)0)->field.__incomplete_filename)         \
			? BPF_CORE_READ((struct type##___delayed *)(request), field.__incomplete_filename) \
			: BPF_CORE_READ((struct type##___plain *)(request), field))

static __always_inline __u64 name_in(struct filename *filename)
{
	return filename ? (__u64)BPF_CORE_READ(filename, name) : 0;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

#define RING_NAME 512 /* bytes of an open's path as the caller wrote it */

static __always_inline void open_name(struct call *c, __u64 name)
{
	struct nsw_event_open *e = (void *)c->rec;
	long n = bpf_probe_read_kernel_str(c->rec + sizeof(*e), RING_NAME, (void *)name);

	if (n <= 1)
		return;
	if (n == RING_NAME)
		e->h.flags |= NSW_F_TRUNCATED;
	e->raw.off = sizeof(*e);
	e->raw.len = n - 1;
	c->head.used = open_texts(e);
}

static __always_inline int enter_io_openat2(struct io_kiocb *request)
{
	__u64 flags = BPF_CORE_READ((struct io_open *)request, how.flags);
	struct nsw_settings *s = get_settings();
	struct nsw_event_open *e;
	struct door none = {};
	struct call *c;

	c = begun(begin_open(&none, s, s && !reads_watched(s) && !(flags & O_ACCMODE)), request);
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = flags & O_VISIBLE;
	if (BPF_CORE_READ((struct io_open *)request, file_slot))
		c->head.state |= CALL_DIRECT;
	c->head.used = sizeof(*e);
	open_name(c, REQUEST_NAME(request, io_open, filename));
	return 0;
}

static __always_inline void request_text(struct call *c, struct nsw_str *to, __u64 name)
{
	set_text(c, to, put_kernel_text((__u64)current_task(), name));
}

static __always_inline int enter_io_renameat(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_RENAME, EVENT_SIZE(rename));
	struct nsw_event_rename *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = BPF_CORE_READ((struct io_rename *)request, flags);
	request_text(c, &e->raw, REQUEST_NAME(request, io_rename, oldpath));
	request_text(c, &e->to_raw, REQUEST_NAME(request, io_rename, newpath));
	return 0;
}

static __always_inline int enter_io_linkat(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_LINK, EVENT_SIZE(link));
	struct nsw_event_link *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = BPF_CORE_READ((struct io_link *)request, flags);
	request_text(c, &e->raw, REQUEST_NAME(request, io_link, oldpath));
	request_text(c, &e->to_raw, REQUEST_NAME(request, io_link, newpath));
	return 0;
}

static __always_inline int enter_io_symlinkat(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_SYMLINK, EVENT_SIZE(symlink));
	struct nsw_event_symlink *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	request_text(c, &e->raw, REQUEST_NAME(request, io_link, newpath));
	request_text(c, &e->target, REQUEST_NAME(request, io_link, oldpath));
	return 0;
}

static __always_inline int enter_io_unlinkat(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_UNLINK, EVENT_SIZE(unlink));
	struct nsw_event_unlink *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->flags = BPF_CORE_READ((struct io_unlink *)request, flags);
	request_text(c, &e->raw, REQUEST_NAME(request, io_unlink, filename));
	return 0;
}

static __always_inline int enter_io_mkdirat(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_MKDIR, EVENT_SIZE(mkdir));
	struct nsw_event_mkdir *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->mode = BPF_CORE_READ((struct io_mkdir *)request, mode);
	request_text(c, &e->raw, REQUEST_NAME(request, io_mkdir, filename));
	return 0;
}

static __always_inline struct call *begin_xattr(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_XATTR, EVENT_SIZE(xattr));
	struct nsw_event_xattr *e;

	if (!c)
		return NULL;
	e = (void *)c->rec;
	e->flags = BPF_CORE_READ((struct io_xattr *)request, ctx.flags);
	request_text(c, &e->name, (__u64)BPF_CORE_READ((struct io_xattr *)request, ctx.kname));
	return c;
}

static __always_inline int enter_io_setxattr(struct io_kiocb *request)
{
	struct call *c = begin_xattr(request);

	if (c)
		request_text(c, &((struct nsw_event_xattr *)c->rec)->raw, REQUEST_NAME(request, io_xattr, filename));
	return 0;
}

static __always_inline int enter_io_fsetxattr(struct io_kiocb *request)
{
	begin_xattr(request);
	return 0;
}

static __always_inline int enter_io_fallocate(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_TRUNCATE, EVENT_SIZE(truncate));
	struct nsw_event_truncate *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->mode = BPF_CORE_READ((struct io_sync *)request, mode);
	e->offset = BPF_CORE_READ((struct io_sync *)request, off);
	e->length = BPF_CORE_READ((struct io_sync *)request, len);
	return 0;
}

static __always_inline int enter_io_ftruncate(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_TRUNCATE, EVENT_SIZE(truncate));

	if (c)
		((struct nsw_event_truncate *)c->rec)->length = BPF_CORE_READ((struct io_ftrunc *)request, len);
	return 0;
}

/* ---- returns ----------------------------------------------------------------------------------------------------- */

/* A request that will not be tried again: cancelled, or its ring is closed. On the function that the kernel has for that. */
int PROBE(nsw_ring_failed, set_by_the_loader, struct io_kiocb *request)
{
	given_up((__u64)request);
	return 0;
}

/*
 * Up to 5.18 a request that a worker has done is answered without its result being kept, and one that has failed by the same
 * function. Attached where the kernel is one of those.
 */
int PROBE(nsw_ring_answered, io_req_complete_post, struct io_kiocb *request, int result)
{
	__u64 key = (__u64)current_task();
	struct call *c = bpf_map_lookup_elem(&inflight, &key);

	if (!c || !(c->head.state & CALL_RING) || c->head.request != (__u64)request) {
		given_up((__u64)request);
		return 0;
	}
	((struct nsw_header *)c->rec)->result = result;
	c->head.state |= CALL_ANSWERED;
	return 0;
}

/* What the request's answer says, or will say. */
static __always_inline __s64 answer_of(const struct call *c)
{
	struct io_kiocb *request = (struct io_kiocb *)c->head.request;
	struct io_kiocb___old *old = (struct io_kiocb___old *)request;

	if (bpf_core_field_exists(request->cqe))
		return BPF_CORE_READ(request, cqe.res);
	if (c->head.state & CALL_ANSWERED)
		return ((struct nsw_header *)c->rec)->result;
	return (__s32)BPF_CORE_READ(old, result);
}

/* What the kernel's functions say that do requests: not over yet; over, also where it would take more of its kind. */
#define IOU_RETRY (-EAGAIN)
#define IOU_SKIP_COMPLETE (-EIOCBQUEUED)
#define IOU_REQUEUE (-3072)
#define IOU_STOP_MULTISHOT (-ECANCELED)

static __always_inline bool goes_on_later(int returned)
{
	return returned == IOU_RETRY || returned == IOU_SKIP_COMPLETE || returned == IOU_REQUEUE;
}

/* A connection was taken, and the request waits for the next: what descriptor it got has been said to the caller alone. */
static __always_inline bool took_connection(struct call *c)
{
	if (c->head.type != NSW_EVENT_ACCEPT || !(c->head.state & CALL_OBJECT))
		return false;
	((struct nsw_header *)c->rec)->flags |= NSW_F_NO_RESULT;
	return true;
}

/* True where the act is over; then `result` is what it came to. */
static __always_inline bool request_returns(__u32 type, int returned, __s64 *result)
{
	struct call *c = under_way(type);

	if (!c) {
		missed_entry(type);
		return false;
	}
	if (!goes_on_later(returned)) {
		*result = returned < 0 && returned != IOU_STOP_MULTISHOT ? returned : answer_of(c);
		return true;
	}
	*result = 0;
	if (took_connection(c))
		return true;
	*result = -EINPROGRESS;
	if (on_its_way(c) && !wait_for(c))
		return true;
	if (c->head.state & CALL_LARGE)
		end_large((__u64)current_task());
	end_call((__u64)current_task());
	return false;
}

enum type_by_name {
#define EVENT(NAME, name, ...) TYPE_##name = NSW_EVENT_##NAME,
#define FIELD(...)
#define END
#include "events.def"
};

#define RING(function, event)                                                                                   \
	SEC("?kprobe/" #function)                                                                               \
	int nsw_g_##function(struct pt_regs *ctx)                                                               \
	{                                                                                                       \
		return enter_##function((struct io_kiocb *)PT_REGS_PARM1(ctx));                                 \
	}                                                                                                       \
	SEC("?kretprobe")                                                                                       \
	int nsw_gr_##function(struct pt_regs *ctx)                                                              \
	{                                                                                                       \
		__s64 result;                                                                                   \
                                                                                                                \
		return request_returns(TYPE_##event, (int)PT_REGS_RC(ctx), &result) ? exit_##event(result) : 0; \
	}
#include "syscalls.def"

/* The same where kprobes are missing. What is returned stands behind the arguments: how many these are the loader says. */
#define RING(function, event)                                                                       \
	const volatile __u32 arguments_of_##function = 2;                                           \
	SEC("?fentry/" #function)                                                                   \
	int nsw_gf_##function(void *arguments)                                                      \
	{                                                                                           \
		return enter_##function((struct io_kiocb *)number_at(arguments, 0));                \
	}                                                                                           \
	SEC("?fexit/" #function)                                                                    \
	int nsw_gx_##function(void *arguments)                                                      \
	{                                                                                           \
		int returned = number_at(arguments, arguments_of_##function);                       \
		__s64 result;                                                                       \
                                                                                                    \
		return request_returns(TYPE_##event, returned, &result) ? exit_##event(result) : 0; \
	}
#include "syscalls.def"
