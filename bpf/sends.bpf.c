/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends that name their destination, TCP Fast Open among them, and descriptors that come in over a socket. */
#include "connect.h"
#include "door.h"
#include "paths.h"
#include "sctp.h"

LIKE_CONNECT(send)
LIKE_CONNECT(receive)

/* ---- sends ------------------------------------------------------------------------------------------------------- */

/* The caller's pointer to the destination; messages begin with it. */
static __always_inline __u64 send_name(const struct door *d)
{
	if (d->syscall == NSW_SYSCALL_sendto)
		return arg(d, 4);
	return user_pointer(arg(d, 1), 0, d->compat);
}

static __always_inline __u32 send_length(const struct door *d)
{
	__u32 length = 0;

	if (d->syscall == NSW_SYSCALL_sendto)
		return arg(d, 5);
	bpf_probe_read_user(&length, sizeof(length), (void *)(arg(d, 1) + (d->compat ? 4 : 8)));
	return length;
}

static __always_inline __u32 send_flags(const struct door *d)
{
	return arg(d, d->syscall == NSW_SYSCALL_sendmsg ? 2 : 3);
}

/* A send without a destination leaves no entry. One that opens a connection is a connect, with that event's name. */
static __always_inline int enter_send(struct door *d)
{
	struct nsw_settings *s = get_settings();
	struct subject who;
	struct call *c;
	__u32 type;

	if (!s || !enters(d, NSW_EVENT_SEND, &who) || !send_name(d))
		return 0;
	type = send_flags(d) & MSG_FASTOPEN ? NSW_EVENT_CONNECT : NSW_EVENT_SEND;
	if (!(s->wanted & 1ULL << type))
		return 0;
	c = start_call((__u64)current_task(), &who, type, type == NSW_EVENT_SEND ? d->syscall : NSW_SYSCALL_NONE);
	if (!c)
		return 0;
	c->head.state = door_state(d);
	c->head.used = sizeof(struct nsw_event_connect);
	c->head.fd = arg(d, 0);
	c->head.user = send_name(d);
	c->head.length = send_length(d);
	return 0;
}

/* Of io_uring the hook alone says whether there was a destination. */
static __always_inline bool names_nobody(const struct call *c)
{
	return (c->head.state & (CALL_RING | CALL_OBJECT)) == CALL_RING;
}

static __always_inline int exit_send(__s64 result)
{
	__u64 key = (__u64)current_task();
	struct call *c = under_way(NSW_EVENT_SEND);
	struct nsw_event_connect *e;
	struct address a = {};
	struct socket *sock;

	if (!c)
		c = under_way(NSW_EVENT_CONNECT);
	if (!c)
		return 0;
	e = (void *)c->rec;
	if (!(c->head.state & CALL_SENT) && !names_nobody(c)) {
		sock = socket_of_call(c);
		if (sock && !(c->head.state & CALL_OBJECT)) {
			e->h.flags |= NSW_F_USER_OBJECT;
			read_user_address(&a, c->head.user, c->head.length);
			connect_address(c, &a, c->head.length);
			connect_socket(c, sock);
			c->head.state |= CALL_OBJECT;
		}
		if (sock)
			connect_local(c, sock);
		connect_finish(c, result, NSW_RING_EVENTS);
	}
	end_call(key);
	return 0;
}

/* sendmmsg passes the hook for each message: the one before is sent without waiting for the call's end. */
static __always_inline void next_message(struct call *c)
{
	struct nsw_event_connect *e = (void *)c->rec;

	if (c->head.syscall != NSW_SYSCALL_sendmmsg || !(c->head.state & CALL_OBJECT))
		return;
	e->h.flags |= NSW_F_NO_RESULT;
	connect_finish(c, 0, NSW_RING_EVENTS);
	e->h.flags &= ~NSW_F_NO_RESULT;
	e->path.len = 0;
	c->head.used = EVENT_SIZE(send);
	c->head.state &= ~CALL_OBJECT;
}

static __always_inline int send_object(struct call *c, __u64 key, struct socket *sock, struct msghdr *message)
{
	connect_object(c, sock, BPF_CORE_READ(message, msg_name), BPF_CORE_READ(message, msg_namelen));
	if (key & ASIDE)
		socket_sent(c, key);
	return 0;
}

int PROBE(nsw_object_send, security_socket_sendmsg, struct socket *sock, struct msghdr *message)
{
	struct call *c;
	__u64 key;

	/* The kernel's copy by now. To a stream it means nothing, but for Fast Open. */
	if (!BPF_CORE_READ(message, msg_name) || plain_stream(sock))
		return 0;
	c = under_way(NSW_EVENT_SEND);
	if (c)
		next_message(c);
	c = hooked(NSW_EVENT_SEND, EVENT_SIZE(send), &key);
	return c ? send_object(c, key, sock, message) : 0;
}

/* TCP Fast Open: a connect that passes no security_socket_connect. */
int PROBE(nsw_object_connect_send, security_socket_sendmsg, struct socket *sock, struct msghdr *message)
{
	struct nsw_header *h;
	struct call *c;
	__u64 key;

	if (!BPF_CORE_READ(message, msg_name) || !plain_stream(sock) || !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	c = hooked(NSW_EVENT_CONNECT, EVENT_SIZE(connect), &key);
	if (!c)
		return 0;
	h = (void *)c->rec;
	h->flags &= ~NSW_F_ASYNC;
	return send_object(c, key, sock, message);
}

/* ---- descriptors received ---------------------------------------------------------------------------------------- */

static __always_inline void receive_object(struct call *c, __u64 key, struct file *file)
{
	struct nsw_event_receive *e = (void *)c->rec;
	struct socket *sock;

	e->file_mode = BPF_CORE_READ(file, f_inode, i_mode);
	if ((e->file_mode & S_IFMT) == S_IFSOCK) {
		sock = BPF_CORE_READ(file, private_data);
		both_ends(c, sock, BPF_CORE_READ(sock, sk));
		return;
	}
	set_text(c, &e->file, put_path(key, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry)));
}

/* Reported from the hook: one message can bring many. */
int PROBE(nsw_object_receive, security_file_receive, struct file *file)
{
	__u64 key = (__u64)current_task() | ASIDE;
	struct nsw_settings *s = get_settings();
	struct nsw_event_receive *e;
	struct subject who;
	struct call *c;

	if (!s || !watched(s, NSW_EVENT_RECEIVE, &who))
		return 0;
	c = begin_aside(key, &who, NSW_EVENT_RECEIVE, EVENT_SIZE(receive));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->h.flags = NSW_F_NO_RESULT;
	receive_object(c, key, file);
	send_paths(c, key, EVENT_SIZE(receive), 0, NSW_RING_EVENTS);
	end_call(key);
	return 0;
}
