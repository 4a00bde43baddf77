/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections. */
#include "door.h"
#include "connect.h"
#include "sctp.h"

static __always_inline int enter_connect(struct door *d)
{
	struct call *c = begin_act(d, NSW_EVENT_CONNECT, 0);

	if (!c)
		return 0;
	c->head.fd = arg(d, 0);
	c->head.user = arg(d, 1);
	c->head.length = arg(d, 2);
	return 0;
}

/*
 * The socket behind the descriptor. In degraded mode nobody saw the kernel's copy of the address: a socket that is
 * connected or on its way knows its peer, else the caller's address is all there is, and marked as such.
 */
static __always_inline void connect_degraded(struct call *c, struct socket *sock, __s64 result)
{
	struct nsw_event_connect *e = (void *)c->rec;
	struct sock *sk = BPF_CORE_READ(sock, sk);
	__u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct address a = {};
	__u64 n = c->head.length;

	connect_socket(c, sock);
	c->head.state |= CALL_OBJECT;
	if (internet(family) && BPF_CORE_READ(sk, __sk_common.skc_dport)) {
		e->family = family;
		read_address(&e->remote, sk, false);
		e->remote_port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
		c->head.used = sizeof(*e);
		return;
	}
	e->h.flags |= NSW_F_USER_OBJECT;
	keep(n);
	if (n > sizeof(a))
		n = sizeof(a);
	bpf_probe_read_user(&a, n, (void *)c->head.user);
	connect_address(c, &a, c->head.length);
}

static __always_inline int exit_connect(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = returns(NSW_EVENT_CONNECT);
	struct socket *sock;

	if (!c)
		return 0;
	if (!(c->head.state & CALL_SENT)) {
		sock = socket_of_call(c);
		if (sock && !(c->head.state & CALL_OBJECT))
			connect_degraded(c, sock, result);
		/* Not the socket that was connected, if another thread has changed the descriptor meanwhile. */
		if (sock && (!c->head.object || c->head.object == (__u64)sock))
			connect_local(c, sock);
		connect_finish(c, result, NSW_RING_EVENTS);
	}
	end_call(key);
	return 0;
}

int PROBE(nsw_object_connect, security_socket_connect, struct socket *sock, struct sockaddr *address, int length)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_CONNECT, &who))
		return 0;
	c = find_call(key, NSW_EVENT_CONNECT);
	if (c)
		connect_object(c, sock, address, length);
	else if (!comes_again(sock) && !left_to_enforcer(&who, 1 << NSW_CLASS_CONNECT))
		connect_aside(&who, sock, address, length, 0, NSW_F_NO_RESULT, NSW_VERDICT_NONE, 0, NSW_RING_EVENTS);
	return 0;
}

/* SCTP's connect by an option: of several addresses the first, which the kernel tries first. */
int PROBE(nsw_object_connect_sctp, security_sctp_bind_connect, struct sock *sk, int option, struct sockaddr *address,
	  int length)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (option != SCTP_CONNECTX || !s || !watched(s, NSW_EVENT_CONNECT, &who))
		return 0;
	if (!left_to_enforcer(&who, 1 << NSW_CLASS_CONNECT))
		connect_aside(&who, BPF_CORE_READ(sk, sk_socket), address, length, 0, NSW_F_NO_RESULT, NSW_VERDICT_NONE, 0,
			      NSW_RING_EVENTS);
	return 0;
}
