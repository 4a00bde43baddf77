/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors that become standard input, output or error: how a remote shell is wired up. */
#include "connect.h"
#include "door.h"

#define STANDARD 2 /* the last of them */
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

/* False where it cannot become a standard stream. `fresh`: the descriptor that is asked for, -1 for any. */
static __always_inline bool may_be_standard(const struct door *d, __s32 *fresh)
{
	__s32 command = arg(d, 1);

	*fresh = -1;
	switch (d->syscall) {
	case NSW_SYSCALL_dup:
		return true;
	case NSW_SYSCALL_fcntl:
		if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
			return false;
		return (__u32)arg(d, 2) <= STANDARD; /* the lowest that it may be */
	default:
		*fresh = command;
		return (__u32)command <= STANDARD && command != (__s32)arg(d, 0);
	}
}

static __always_inline int enter_dup(struct door *d)
{
	struct nsw_event_dup *e;
	struct subject who;
	struct call *c;
	__s32 fresh;

	if (!enters(d, NSW_EVENT_DUP, &who) || !may_be_standard(d, &fresh))
		return 0;
	c = begin_act(d, NSW_EVENT_DUP, sizeof(*e));
	if (!c)
		return 0;
	e = (void *)c->rec;
	e->old = arg(d, 0);
	e->fresh = fresh;
	return 0;
}

static __always_inline void dup_unix(struct call *c, struct nsw_event_dup *e, struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	const char *from = (const char *)address + bpf_core_field_offset(struct unix_address, name) + 2;
	__u64 pos = c->head.used;
	long n;

	keep(pos);
	if (!address || pos > sizeof(c->rec) - UNIX_PATH_MAX - 1)
		return;
	/* The kernel's own copy, with zeroes behind it: it cannot fault. An abstract name begins with a NUL: left out. */
	n = bpf_probe_read_kernel_str(c->rec + pos, UNIX_PATH_MAX, from) - 1;
	if (n < 1 || n > UNIX_PATH_MAX)
		return;
	e->path.off = pos;
	e->path.len = n;
	c->head.used = pos + n;
}

static __always_inline void dup_socket(struct call *c, struct nsw_event_dup *e, struct socket *sock)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);

	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->socket_type = BPF_CORE_READ(sock, type);
	e->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (e->family == AF_UNIX)
		dup_unix(c, e, sk);
	if (!internet(e->family))
		return;
	read_address(&e->remote, sk, false);
	read_address(&e->local, sk, true);
	e->remote_port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
	e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

static __always_inline void dup_object(struct call *c, struct nsw_event_dup *e, struct file *file)
{
	e->file_mode = BPF_CORE_READ(file, f_inode, i_mode);
	if ((e->file_mode & S_IFMT) == S_IFSOCK)
		dup_socket(c, e, BPF_CORE_READ(file, private_data));
	else if (!internal_mount(BPF_CORE_READ(file, f_path.mnt)))
		e->file = act_path(c, file);
}

static __always_inline int exit_dup(__s64 result)
{
	struct call *c = under_way(NSW_EVENT_DUP);
	struct nsw_event_dup *e;
	struct file *file;

	if (!c)
		return 0;
	e = (void *)c->rec;
	if (result > STANDARD || (result < 0 && e->fresh < 0)) {
		end_call((__u64)current_task());
		return 0;
	}
	file = file_of(result < 0 ? e->old : result);
	if (file)
		dup_object(c, e, file);
	return send_act(c, result, NSW_RING_EVENTS);
}
