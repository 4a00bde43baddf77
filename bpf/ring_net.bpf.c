/* SPDX-License-Identifier: GPL-2.0-only */
/* Acts on sockets by io_uring: their entries, and connections that it waits for. */
#include "connect.h"
#include "ring.h"

/*
 * Connections that the kernel has begun and waits for, by their request. Apart from the calls under way, of which a task
 * has one: of these it may have any number. What finds no room is told at once, as is what is given up: EINPROGRESS, as of a
 * call that does not wait. The connection may yet come about.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct call);
} waiting SEC(".maps");

/* Set by the loader: nsw_ring_failed is attached. */
const volatile __u32 requests_wait = 0;

static __always_inline bool on_its_way(const struct call *c)
{
	return c->head.type == NSW_EVENT_CONNECT && c->head.object && comes_again((struct socket *)c->head.object);
}

/* False where it has to be told now. */
static __always_inline bool wait_for(struct call *c)
{
	__u64 request = c->head.request;

	if (!requests_wait)
		return false;
	/* Who gives it up may be anybody. */
	finish_header((struct nsw_header *)c->rec, &c->head, -EINPROGRESS);
	return !bpf_map_update_elem(&waiting, &request, c, BPF_ANY);
}

static __always_inline void given_up(__u64 request)
{
	struct call *c = bpf_map_lookup_elem(&waiting, &request);

	if (!c)
		return;
	if (!connect_left_out(c))
		emit_small(c, NSW_RING_EVENTS);
	bpf_map_delete_elem(&waiting, &request);
}

/* True where it is the act that was waited for that goes on. */
static __always_inline bool goes_on(__u64 request, struct socket *sock)
{
	struct call *c = bpf_map_lookup_elem(&waiting, &request);
	__u64 key = (__u64)current_task();

	if (!c)
		return false;
	/* Another request in the same place: nobody said that the one before had come to an end. */
	if (c->head.object != (__u64)sock) {
		given_up(request);
		return false;
	}
	if (bpf_map_update_elem(&inflight, &key, c, BPF_ANY))
		given_up(request);
	else
		bpf_map_delete_elem(&waiting, &request);
	return true;
}

static __always_inline int enter_io_connect(struct io_kiocb *request)
{
	struct socket *sock = socket_behind(BPF_CORE_READ(request, file));

	if (!goes_on((__u64)request, sock) && !(sock && comes_again(sock)))
		begin_request(request, NSW_EVENT_CONNECT, 0);
	return 0;
}

static __always_inline int enter_io_socket(struct io_kiocb *request)
{
	struct io_socket *asked = (struct io_socket *)request;
	struct call *c = begin_request(request, NSW_EVENT_SOCKET, EVENT_SIZE(socket));

	if (c)
		socket_kind(c, BPF_CORE_READ(asked, domain), BPF_CORE_READ(asked, type), BPF_CORE_READ(asked, protocol));
	return 0;
}

static __always_inline int enter_io_bind(struct io_kiocb *request)
{
	begin_request(request, NSW_EVENT_BIND, EVENT_SIZE(bind));
	return 0;
}

static __always_inline int enter_io_listen(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_LISTEN, EVENT_SIZE(listen));

	if (c)
		((struct nsw_event_listen *)c->rec)->backlog = BPF_CORE_READ((struct io_listen *)request, backlog);
	return 0;
}

static __always_inline int enter_io_accept(struct io_kiocb *request)
{
	struct call *c = begin_request(request, NSW_EVENT_ACCEPT, EVENT_SIZE(accept));

	if (c)
		c->head.object = (__u64)socket_behind(BPF_CORE_READ(request, file));
	return 0;
}

/* A stream's sends name nobody, but for TCP Fast Open, which is a connect: its hook tells of it. */
static __always_inline int enter_io_send(struct io_kiocb *request)
{
	struct socket *sock = socket_behind(BPF_CORE_READ(request, file));

	if (sock && BPF_CORE_READ(sock, type) != SOCK_STREAM)
		begin_request(request, NSW_EVENT_SEND, EVENT_SIZE(send));
	return 0;
}

static __always_inline int enter_io_send_zc(struct io_kiocb *request)
{
	return enter_io_send(request);
}

static __always_inline int enter_io_sendmsg(struct io_kiocb *request)
{
	return enter_io_send(request);
}

static __always_inline int enter_io_sendmsg_zc(struct io_kiocb *request)
{
	return enter_io_send(request);
}
