/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections: what both the sensor and the enforcer write about the socket and its peer. */
#ifndef NSWARDEN_CONNECT_H
#define NSWARDEN_CONNECT_H

#include "call.h"

/* struct sockaddr_in, sockaddr_in6, sockaddr_un: user-space ABI, hence fixed. */
struct address {
	__u16 family;
	__be16 port; /* bytes of a unix path from here on */
	__u8 rest[116]; /* and zeroes behind the longest */
};
#define UNIX_PATH_MAX 108

static __always_inline __u16 host_order(__be16 port)
{
	return __builtin_bswap16(port);
}

static __always_inline void map_ipv4(struct nsw_addr *to, __u32 ipv4)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->b[10] = 0xff;
	to->b[11] = 0xff;
	__builtin_memcpy(&to->b[12], &ipv4, sizeof(ipv4));
}

/* 1 for an address that has a remote end in `to`, IPv4 mapped. `rest`: of struct address. */
static __always_inline int remote_of(const __u8 *rest, __u32 family, struct nsw_addr *to)
{
	__u32 ipv4;

	if (family == AF_INET) {
		__builtin_memcpy(&ipv4, rest, sizeof(ipv4));
		map_ipv4(to, ipv4);
		return 1;
	}
	if (family == AF_INET6) {
		__builtin_memcpy(to, rest + 4, sizeof(*to));
		return 1;
	}
	return 0;
}

static __always_inline void connect_unix(struct call *c, const struct address *a, __u32 length)
{
	struct nsw_event_connect *e = (void *)c->rec;
	const char *from = (const char *)a + 2;
	__u64 pos = c->head.used;
	__u8 *to;
	long n;

	keep(pos);
	if (length < 3 || pos > sizeof(c->rec) - UNIX_PATH_MAX - 1)
		return;
	to = c->rec + pos;
	/* Our own stack: it cannot fault. A path ends at the first NUL; an abstract name begins with one and may hold more. */
	n = bpf_probe_read_kernel_str(to, UNIX_PATH_MAX + 1, from) - 1;
	if (!*from) {
		bpf_probe_read_kernel(to, UNIX_PATH_MAX, from);
		to[0] = '@';
		n = length - 2;
	}
	if (n < 0 || n > UNIX_PATH_MAX)
		return;
	e->path.off = pos;
	e->path.len = n;
	c->head.used = pos + n;
}

static __always_inline void connect_address(struct call *c, const struct address *a, __u32 length)
{
	struct nsw_event_connect *e = (void *)c->rec;

	e->family = a->family;
	if (c->head.used < sizeof(*e))
		c->head.used = sizeof(*e);
	if (remote_of(a->rest, a->family, &e->remote))
		e->remote_port = host_order(a->port);
	else if (a->family == AF_UNIX)
		connect_unix(c, a, length);
}

static __always_inline void connect_socket(struct call *c, struct socket *sock)
{
	struct nsw_event_connect *e = (void *)c->rec;

	e->socket_type = BPF_CORE_READ(sock, type);
	e->protocol = BPF_CORE_READ(sock, sk, sk_protocol);
}

/* The kernel's own copy of the address: what is connected to, whatever the caller writes meanwhile. */
static __always_inline void connect_object(struct call *c, struct socket *sock, const void *address, __u32 length)
{
	struct address a = {};
	__u64 n = length;

	if (c->head.state & CALL_OBJECT)
		return;
	keep(n);
	if (n > sizeof(a))
		n = sizeof(a);
	bpf_probe_read_kernel(&a, n, address);
	connect_address(c, &a, length);
	connect_socket(c, sock);
	c->head.object = (__u64)sock;
	c->head.state |= CALL_OBJECT;
}

static __always_inline void read_address(struct nsw_addr *to, struct sock *sk, bool local)
{
	__u32 ipv4;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		ipv4 = local ? BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr) : BPF_CORE_READ(sk, __sk_common.skc_daddr);
		if (ipv4) /* a refused connection has lost its own address again */
			map_ipv4(to, ipv4);
	} else if (local) {
		bpf_core_read(to, sizeof(*to), &sk->__sk_common.skc_v6_rcv_saddr);
	} else {
		bpf_core_read(to, sizeof(*to), &sk->__sk_common.skc_v6_daddr);
	}
}

static __always_inline bool internet(__u32 family)
{
	return family == AF_INET || family == AF_INET6;
}

static __always_inline void connect_local(struct call *c, struct socket *sock)
{
	struct nsw_event_connect *e = (void *)c->rec;
	struct sock *sk = BPF_CORE_READ(sock, sk);

	if (!internet(BPF_CORE_READ(sk, __sk_common.skc_family)))
		return;
	read_address(&e->local, sk, true);
	e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

/* See NSW_WANT_ANY_PORT. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nsw_ports);
} ports SEC(".maps");

static __always_inline bool port_watched(const struct nsw_settings *s, __u64 port)
{
	struct nsw_ports *wanted;
	struct subject who;
	__u32 zero = 0;

	if (s->everywhere & NSW_WANT_ANY_PORT || watched(s, NSW_ANY_PORT, &who))
		return true;
	wanted = bpf_map_lookup_elem(&ports, &zero);
	keep(port);
	return !wanted || wanted->bits[port / 64 & (NSW_PORT_WORDS - 1)] & 1ULL << (port & 63);
}

/*
 * True where no rule asks for connections to that port. By what the record says (no port: 0), since that is what a rule
 * would be held against.
 */
static __always_inline bool connect_left_out(const struct call *c)
{
	const struct nsw_event_connect *e = (void *)c->rec;
	struct nsw_settings *s = get_settings();

	return c->head.type == NSW_EVENT_CONNECT && !e->h.verdict && s && !port_watched(s, e->remote_port);
}

/* Sends the connection, unless nobody asks for it. The caller ends the entry. */
static __always_inline int connect_finish(struct call *c, __s64 result, __u32 ring)
{
	struct nsw_event_connect *e = (void *)c->rec;

	if (connect_left_out(c))
		return 0;
	finish_header(&e->h, &c->head, result);
	if (!(c->head.state & CALL_OBJECT))
		e->h.flags |= NSW_F_NO_OBJECT;
	if (c->head.used < sizeof(*e))
		c->head.used = sizeof(*e);
	return emit_small(c, ring);
}

/* io_uring comes again for a connection that it left on its way: that is no second act. */
static __always_inline bool comes_again(struct socket *sock)
{
	return BPF_CORE_READ(sock, state) == SS_CONNECTING;
}

static __always_inline void connect_aside(const struct subject *who, struct socket *sock, const void *address, __u32 length,
					  __s64 result, __u32 flags, __u32 verdict, __u32 rule, __u32 ring)
{
	__u64 key = (__u64)current_task() | ASIDE;
	struct call *c = start_call(key, who, NSW_EVENT_CONNECT, NSW_SYSCALL_NONE);
	struct nsw_event_connect *e;

	told_aside(NSW_EVENT_CONNECT);
	if (!c) {
		if (verdict == NSW_VERDICT_DENIED)
			count_untold(rule);
		return;
	}
	e = (void *)c->rec;
	e->h.flags = NSW_F_ASYNC | flags;
	e->h.verdict = verdict;
	e->h.rule = rule;
	connect_object(c, sock, address, length);
	connect_finish(c, result, ring);
	end_call(key);
}

#endif
