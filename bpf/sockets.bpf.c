/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is done with sockets beside connecting them: socket, bind, listen, accept. All but the first have the struct of a
 * connect at their beginning, as have the events of sends.bpf.c.
 */
#include "door.h"
#include "connect.h"
#include "paths.h"

#define LIKE_CONNECT(event)                                                                                          \
	_Static_assert(offsetof(struct nsw_event_##event, family) == offsetof(struct nsw_event_connect, family) &&   \
			       offsetof(struct nsw_event_##event, path) == offsetof(struct nsw_event_connect, path), \
		       #event);
LIKE_CONNECT(bind)
LIKE_CONNECT(listen)
LIKE_CONNECT(accept)

static __always_inline void socket_sent(struct call *c, __u64 key)
{
	finish_header((struct nsw_header *)c->rec, &c->head, 0);
	emit_small(c, NSW_RING_EVENTS);
	end_call(key);
}

static __always_inline void read_kernel_address(struct address *to, const void *from, __u64 length)
{
	keep(length);
	if (length > sizeof(*to))
		length = sizeof(*to);
	bpf_probe_read_kernel(to, length, from);
}

static __always_inline void read_user_address(struct address *to, __u64 from, __u64 length)
{
	keep(length);
	if (length > sizeof(*to))
		length = sizeof(*to);
	bpf_probe_read_user(to, length, (void *)from);
}

/* A unix socket's own path, as its owner bound it. */
static __always_inline void unix_own_path(struct call *c, struct sock *sk)
{
	struct unix_address *own = BPF_CORE_READ((struct unix_sock *)sk, addr);
	__u64 length = own ? BPF_CORE_READ(own, len) : 0;
	struct address a = {};
	__u32 used = c->head.used;

	if (!own)
		return;
	read_kernel_address(&a, (char *)own + bpf_core_field_offset(struct unix_address, name), length);
	connect_unix(c, &a, length);
	if (c->head.used < used)
		c->head.used = used;
}

/* ---- socket ------------------------------------------------------------------------------------------------------ */

static __always_inline void socket_kind(struct call *c, __u32 family, __u32 type, __u32 protocol)
{
	struct nsw_event_socket *e = (void *)c->rec;

	e->family = family;
	e->socket_type = type & SOCK_TYPE_MASK;
	e->protocol = protocol;
}

static __always_inline int enter_socket(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_SOCKET, EVENT_SIZE(socket));

	if (c)
		socket_kind(c, arg(d, 0), arg(d, 1), arg(d, 2));
	return 0;
}

static __always_inline int exit_socket(__s64 result)
{
	return finish_act(NSW_EVENT_SOCKET, result, NSW_RING_EVENTS);
}

/* Sockets that io_uring makes; a pair passes here twice. `kernel`: made for the kernel's own use. */
int PROBE(nsw_object_socket, security_socket_post_create, struct socket *sock, int family, int type, int protocol, int kernel)
{
	struct call *c;
	__u64 key;

	if (kernel)
		return 0;
	c = hooked(NSW_EVENT_SOCKET, EVENT_SIZE(socket), &key);
	if (!c)
		return 0;
	c->head.state |= CALL_OBJECT;
	socket_kind(c, family, type, protocol);
	if (key & ASIDE)
		socket_sent(c, key);
	return 0;
}

/* ---- bind, listen ------------------------------------------------------------------------------------------------ */

static __always_inline int enter_bind(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_BIND, EVENT_SIZE(bind));

	if (!c)
		return 0;
	c->head.fd = arg(d, 0);
	c->head.user = arg(d, 1);
	c->head.length = arg(d, 2);
	return 0;
}

/* What is the remote end for a connect is the socket's own here. */
static __always_inline void bind_object(struct call *c, struct socket *sock, const struct address *a, __u32 length)
{
	struct nsw_event_bind *e = (void *)c->rec;
	__u32 size = c->head.used;

	connect_address(c, a, length);
	connect_socket(c, sock);
	e->local = e->remote;
	e->local_port = e->remote_port;
	__builtin_memset(&e->remote, 0, sizeof(e->remote));
	e->remote_port = 0;
	if (c->head.used < size)
		c->head.used = size;
	c->head.object = (__u64)sock;
	c->head.state |= CALL_OBJECT;
}

static __always_inline int exit_bind(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_BIND);
	struct nsw_event_bind *e;
	struct address a = {};
	struct socket *sock;
	struct sock *sk;

	sock = c ? socket_of_call(c) : NULL;
	if (!c || !sock)
		return finish_act(NSW_EVENT_BIND, result, NSW_RING_EVENTS);
	e = (void *)c->rec;
	if (!(c->head.state & CALL_OBJECT)) {
		e->h.flags |= NSW_F_USER_OBJECT;
		read_user_address(&a, c->head.user, c->head.length);
		bind_object(c, sock, &a, c->head.length);
		c->head.object = (__u64)sock;
	}
	sk = BPF_CORE_READ(sock, sk);
	/* Port 0 asks for any: now it is known which. */
	if (!result && c->head.object == (__u64)sock && internet(BPF_CORE_READ(sk, __sk_common.skc_family)))
		e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	return finish_act(NSW_EVENT_BIND, result, NSW_RING_EVENTS);
}

int PROBE(nsw_object_bind, security_socket_bind, struct socket *sock, const void *address, int length)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_BIND, EVENT_SIZE(bind), &key);
	struct address a = {};

	if (!c)
		return 0;
	read_kernel_address(&a, address, length);
	bind_object(c, sock, &a, length);
	if (key & ASIDE)
		socket_sent(c, key);
	return 0;
}

static __always_inline int enter_listen(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_LISTEN, EVENT_SIZE(listen));
	struct nsw_event_listen *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	c->head.fd = arg(d, 0);
	e->backlog = arg(d, 1);
	return 0;
}

static __always_inline void listen_object(struct call *c, struct socket *sock)
{
	struct nsw_event_listen *e = (void *)c->rec;
	struct sock *sk = BPF_CORE_READ(sock, sk);

	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	connect_socket(c, sock);
	if (internet(e->family)) {
		if (e->family == AF_INET)
			map_ipv4(&e->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr)); /* 0.0.0.0 is one */
		else
			read_address(&e->local, sk, true);
		e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	} else if (e->family == AF_UNIX) {
		unix_own_path(c, sk);
	}
	c->head.state |= CALL_OBJECT;
}

static __always_inline int exit_listen(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_LISTEN);
	struct socket *sock = c && !(c->head.state & CALL_OBJECT) ? socket_of_call(c) : NULL;

	if (c && sock)
		listen_object(c, sock);
	return finish_act(NSW_EVENT_LISTEN, result, NSW_RING_EVENTS);
}

int PROBE(nsw_object_listen, security_socket_listen, struct socket *sock, int backlog)
{
	__u64 key;
	struct call *c = hooked(NSW_EVENT_LISTEN, EVENT_SIZE(listen), &key);
	struct nsw_event_listen *e;

	if (!c)
		return 0;
	e = (void *)c->rec;
	e->backlog = backlog;
	listen_object(c, sock);
	if (key & ASIDE)
		socket_sent(c, key);
	return 0;
}

/* ---- accept ------------------------------------------------------------------------------------------------------ */

static __always_inline int enter_accept(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_ACCEPT, EVENT_SIZE(accept));

	if (c)
		c->head.fd = arg(d, 0);
	return 0;
}

static __always_inline void both_ends(struct call *c, struct socket *sock, struct sock *sk)
{
	struct nsw_event_connect *e = (void *)c->rec;

	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->socket_type = BPF_CORE_READ(sock, type);
	e->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (e->family == AF_UNIX) {
		unix_own_path(c, sk);
	} else if (internet(e->family)) {
		e->remote_port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
		e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
		if (e->remote_port)
			read_address(&e->remote, sk, false);
		read_address(&e->local, sk, true);
	}
	c->head.state |= CALL_OBJECT;
}

/* An accept that failed tells of the listener. One by io_uring may return a place in a table of its own. */
static __always_inline int exit_accept(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_ACCEPT);
	struct socket *sock;

	if (c && !(c->head.state & CALL_OBJECT)) {
		sock = result < 0 || c->head.state & CALL_RING ? socket_of_call(c) : socket_of(result);
		if (sock)
			both_ends(c, sock, BPF_CORE_READ(sock, sk));
	}
	return finish_act(NSW_EVENT_ACCEPT, result, NSW_RING_EVENTS);
}

/* io_uring can be asked to take connections until it is told to stop: the one before is sent without its result. */
static __always_inline void next_connection(struct call *c)
{
	struct nsw_event_accept *e = (void *)c->rec;

	if (!(c->head.state & CALL_RING) || !(c->head.state & CALL_OBJECT))
		return;
	e->h.flags |= NSW_F_NO_RESULT;
	finish_header(&e->h, &c->head, 0);
	emit_small(c, NSW_RING_EVENTS);
	e->h.flags &= ~NSW_F_NO_RESULT;
	e->path.len = 0;
	c->head.used = EVENT_SIZE(accept);
	c->head.state &= ~CALL_OBJECT;
}

/* The connection is there and becomes the new socket's. */
int PROBE(nsw_object_accept, security_sock_graft, struct sock *sk, struct socket *fresh)
{
	struct call *c = under_way(NSW_EVENT_ACCEPT);
	__u64 key;

	if (c)
		next_connection(c);
	c = hooked(NSW_EVENT_ACCEPT, EVENT_SIZE(accept), &key);
	if (!c)
		return 0;
	both_ends(c, fresh, sk);
	if (key & ASIDE)
		socket_sent(c, key);
	return 0;
}
