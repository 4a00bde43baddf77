/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts on sockets: made, bound, listening, connected, sent from, received. */
#include "net_verdict.h"
#include "sctp.h"

/* The connect or send that the sensor saw enter. */
static __always_inline struct call *connect_entry(const struct nsw_settings *s, __u64 key)
{
	struct call *c = find_call(key, NSW_EVENT_CONNECT);

	if (!s || !s->engine)
		return NULL;
	return c ? c : find_call(key, NSW_EVENT_SEND);
}

/* A function of its own, so that its stack is not below the verdict's. */
__weak __noinline int connect_tell(__u64 socket, __u64 from, __u64 length, __u64 answer, __u64 call)
{
	struct socket *sock = (struct socket *)socket;
	const void *address = (const void *)from;
	struct nsw_settings *s = get_settings();
	__u64 key = (__u64)current_task();
	struct call *c = connect_entry(s, key);
	__u32 mode = ANSWER_MODE(answer);
	struct nsw_event_connect *e;
	struct subject who;

	if (!s || !labelled(s, current_task(), &who))
		return 0;
	if (!c || c->head.state & CALL_SENT) {
		if (mode == NSW_VERDICT_DENIED)
			connect_aside(&who, sock, address, length, -EPERM, answer_flags(answer), mode, ANSWER_RULE(answer),
				      NSW_RING_DENIALS);
		else if (!comes_again(sock) && (mode || (call && wanted(s, NSW_EVENT_CONNECT))))
			connect_aside(&who, sock, address, length, 0, NSW_F_NO_RESULT, mode, ANSWER_RULE(answer),
				      NSW_RING_EVENTS);
		return 0;
	}
	if (!mode)
		return 0;
	e = (void *)c->rec;
	mark(&e->h, answer);
	if (mode != NSW_VERDICT_DENIED)
		return 0;
	connect_object(c, sock, address, length);
	connect_finish(c, -EPERM, NSW_RING_DENIALS);
	c->head.state |= CALL_SENT;
	return 0;
}

#define CONNECT_BIT (1U << NSW_CLASS_CONNECT)

/* As much of struct address as an address of the internet has: struct sockaddr_in6. */
struct inet {
	__u16 family;
	__be16 port;
	__u8 rest[24];
};

static __always_inline void read_inet(struct inet *to, __u64 from, __u64 length)
{
	keep(length);
	if (length > sizeof(*to))
		length = sizeof(*to);
	bpf_probe_read_kernel(to, length, (void *)from);
}

/* The answer for an address of the internet that a socket is asked to bind to, connect to or send to. */
__weak __noinline __u64 judge_inet(__u64 home, __u64 socket, __u64 address, __u64 length, __u64 asked)
{
	struct sock *sk = BPF_CORE_READ((struct socket *)socket, sk);
	struct nsw_addr addr = {};
	struct inet a = {};
	__u32 family;

	read_inet(&a, address, length);
	family = a.family;
	/* A datagram to AF_UNSPEC is sent as to AF_INET, and bind(2) takes it for that. */
	if (family == AF_UNSPEC)
		family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (!remote_of(a.rest, family, &addr))
		return 0;
	return asked & CONNECT_BIT ? ask_remote(home, sk, &addr, host_order(a.port), asked)
				   : ask_local(home, sk, &addr, host_order(a.port), asked);
}

static __always_inline __u32 family_at(__u64 address, __u64 length)
{
	__u16 family = AF_UNSPEC;

	if (length >= sizeof(family))
		bpf_probe_read_kernel(&family, sizeof(family), (void *)address);
	return family;
}

/* 1 if the connection or the send is refused. `message`: of a send, else NULL. Unix sockets come by hooks of their own. */
static __always_inline int judge_connect(__u64 sock, __u64 address, __u64 length, struct msghdr *message)
{
	bool call = !message;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	home = judged(s, &who, CONNECT_BIT);
	/* A connect to AF_UNSPEC only takes the connection off. */
	if (!home || (call && family_at(address, length) == AF_UNSPEC))
		return 0;
	answer = judge_inet(who.home, sock, address, length, home->classes & CONNECT_BIT);
	if (message && names_more((struct socket *)sock, message))
		answer = unresolved(home, answer, CONNECT_BIT);
	answer = final_answer(home, answer, true);
	if (!call && !ANSWER_MODE(answer))
		return 0;
	connect_tell(sock, address, length, answer, call);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return 0;
	count(NSW_EVENT_CONNECT, NSW_COUNT_DENIED);
	return 1;
}

SEC("?lsm/socket_connect")
int nsw_socket_connect(__u64 *ctx)
{
	return judge_connect(number_at(ctx, 0), number_at(ctx, 1), (__u32)ctx[2], NULL) ? refuse() : 0;
}

/* Sends that name their destination: unconnected ones, and TCP Fast Open, which passes no socket_connect. */
SEC("?lsm/socket_sendmsg")
int nsw_socket_sendmsg(__u64 *ctx)
{
	struct socket *sock = (struct socket *)number_at(ctx, 0);
	struct msghdr *message = (struct msghdr *)number_at(ctx, 1);
	__u64 name = (__u64)BPF_CORE_READ(message, msg_name); /* the kernel's copy at this point */

	if (!name)
		return 0;
	if (plain_stream(sock) && !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	return judge_connect((__u64)sock, name, (__u32)BPF_CORE_READ(message, msg_namelen), message) ? refuse() : 0;
}

/* ---- unix sockets -------------------------------------------------------------------------------------------------- */

static __always_inline int judge_peer(struct sock *peer)
{
	struct nsw_settings *s = get_settings();
	__u64 answer, mnt, dentry;
	struct nsw_home *home;
	struct subject who;

	home = judged(s, &who, CONNECT_BIT);
	if (!home || !peer)
		return 0;
	answer = judge_unix(peer, &who, home->classes & CONNECT_BIT, &mnt, &dentry);
	answer = final_answer(home, answer, true);
	return refused(answer, WHAT(NSW_CLASS_CONNECT, 0), mnt, dentry, EVENT_BIT(CONNECT) | EVENT_BIT(SEND)) ? refuse() : 0;
}

SEC("?lsm/unix_stream_connect")
int nsw_unix_connect(__u64 *ctx)
{
	return judge_peer((struct sock *)number_at(ctx, 1));
}

/* Each datagram, connected or not. */
SEC("?lsm/unix_may_send")
int nsw_unix_send(__u64 *ctx)
{
	struct socket *other = (struct socket *)number_at(ctx, 1);

	return judge_peer(BPF_CORE_READ(other, sk));
}

/* ---- made, bound, listening ---------------------------------------------------------------------------------------- */

static __always_inline __u64 judge_kind(__u64 home, __u32 family, __u32 type, __u32 protocol, __u32 asked)
{
	__u64 key = (__u64)current_task();
	struct walk_state *state = walk_of(key);

	if (!asked || !state || !ask_query(key, home, asked))
		return 0;
	state->protocol = protocol;
	ask_key(key, NSW_KEY_SOCKET, nsw_socket_key(family, type));
	ask_key(key, NSW_KEY_SOCKET, nsw_socket_key(family, NSW_ANY));
	ask_key(key, NSW_KEY_SOCKET, nsw_socket_key(NSW_ANY, type));
	ask_key(key, NSW_KEY_SOCKET, nsw_socket_key(NSW_ANY, NSW_ANY));
	return decide(key, 0);
}

static __always_inline bool is_raw(__u32 family, __u32 type)
{
	return family == AF_PACKET || family == AF_XDP || type == SOCK_PACKET || (type == SOCK_RAW && internet(family));
}

/* `kernel`: made for the kernel's own use. */
SEC("?lsm/socket_create")
int nsw_socket_create(__u64 *ctx)
{
	__u32 family = ctx[0], type = ctx[1] & SOCK_TYPE_MASK, protocol = ctx[2], kernel = ctx[3];
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	if (kernel)
		return 0;
	if (is_raw(family, type) && refused_operation(NSW_OPERATION_RAW_SOCKET, EVENT_BIT(SOCKET)))
		return refuse();
	home = judged(s, &who, 1U << NSW_CLASS_SOCKET);
	if (!home)
		return 0;
	answer = judge_kind(who.home, family, type, protocol, home->classes & 1U << NSW_CLASS_SOCKET);
	answer = final_answer(home, answer, false);
	return refused(answer, WHAT(NSW_CLASS_SOCKET, family << 16 | type), 0, 0, EVENT_BIT(SOCKET)) ? refuse() : 0;
}

static __always_inline bool is_abstract(__u64 address, __u64 length)
{
	char first = 1;

	if (length <= 3 || family_at(address, length) != AF_UNIX)
		return false;
	bpf_probe_read_kernel(&first, 1, (void *)(address + 2));
	return !first;
}

static __always_inline __u32 port_at(__u64 address)
{
	__be16 port = 0;

	bpf_probe_read_kernel(&port, sizeof(port), (void *)(address + 2));
	return host_order(port);
}

/* An address or an abstract name; a path is judged where its file is made: nsw_path_mknod. */
SEC("?lsm/socket_bind")
int nsw_socket_bind(__u64 *ctx)
{
	__u64 address = number_at(ctx, 1), length = (__u32)ctx[2], answer;
	__u32 bit = 1U << NSW_CLASS_BIND;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;

	home = judged(s, &who, bit);
	if (!home)
		return 0;
	if (is_abstract(address, length))
		answer = judge_abstract(who.home, address + 3, length - 3, home->classes & bit);
	else
		answer = judge_inet(who.home, number_at(ctx, 0), address, length, home->classes & bit);
	answer = final_answer(home, answer, false);
	return refused(answer, WHAT(NSW_CLASS_BIND, port_at(address)), 0, 0, EVENT_BIT(BIND)) ? refuse() : 0;
}

SEC("?lsm/socket_listen")
int nsw_socket_listen(__u64 *ctx)
{
	struct socket *sock = (struct socket *)number_at(ctx, 0);
	struct sock *sk = BPF_CORE_READ(sock, sk);
	__u32 bit = 1U << NSW_CLASS_LISTEN, family = BPF_CORE_READ(sk, __sk_common.skc_family), port = 0;
	__u64 answer = 0, mnt = 0, dentry = 0;
	struct nsw_settings *s = get_settings();
	struct nsw_addr local = {};
	struct nsw_home *home;
	struct subject who;

	home = judged(s, &who, bit);
	if (!home)
		return 0;
	if (internet(family) || family == AF_SMC) {
		if (family == AF_INET6)
			read_address(&local, sk, true);
		else
			map_ipv4(&local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		port = BPF_CORE_READ(sk, __sk_common.skc_num);
		answer = ask_local(who.home, sk, &local, port, home->classes & bit);
		/* Not bound: the kernel has yet to choose one. SMC hands it on to a socket of its own. */
		if (!port)
			answer = unresolved(home, answer, bit);
	} else if (family == AF_UNIX) {
		answer = judge_unix(sk, &who, home->classes & bit, &mnt, &dentry);
	}
	answer = final_answer(home, answer, false);
	return refused(answer, WHAT(NSW_CLASS_LISTEN, port), mnt, dentry, EVENT_BIT(LISTEN)) ? refuse() : 0;
}

/* ---- received ------------------------------------------------------------------------------------------------------ */

/* A connected socket is a connection, whoever made it. */
static __always_inline int judge_received_socket(struct file *file)
{
	struct socket *sock = BPF_CORE_READ(file, private_data);
	struct sock *sk = sock ? BPF_CORE_READ(sock, sk) : NULL;
	struct nsw_settings *s = get_settings();
	struct nsw_addr remote = {};
	struct nsw_home *home;
	struct subject who;
	__u64 answer;
	__u32 port;

	if (!sk || !internet(BPF_CORE_READ(sk, __sk_common.skc_family)))
		return 0;
	home = judged(s, &who, CONNECT_BIT);
	port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (!home || !port)
		return 0;
	read_address(&remote, sk, false);
	answer = ask_address(who.home, &remote, port, protocol_of(sk), home->classes & CONNECT_BIT);
	answer = final_answer(home, answer, true);
	return refused(answer, WHAT(NSW_CLASS_CONNECT, port), 0, 0, EVENT_BIT(RECEIVE)) ? refuse() : 0;
}

SEC("?lsm/file_receive")
int nsw_file_receive(__u64 *ctx)
{
	struct file *file = (struct file *)number_at(ctx, 0);
	unsigned short mode = BPF_CORE_READ(file, f_inode, i_mode);

	return (mode & S_IFMT) == S_IFSOCK ? judge_received_socket(file) : judge_received(file);
}
