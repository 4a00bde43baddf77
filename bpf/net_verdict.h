/* SPDX-License-Identifier: GPL-2.0-only */
/* What the policies say of an address, and of a unix socket. */
#ifndef NSWARDEN_NET_VERDICT_H
#define NSWARDEN_NET_VERDICT_H

#include "connect.h"
#include "refuse.h"

/*
 * The answer for an address: the longest range that covers it has the clauses of all that do. `high`, `low`: its bytes.
 * `port_protocol`: port << 8 | protocol.
 */
__weak __noinline __u64 judge_address(__u64 home, __u64 high, __u64 low, __u64 port_protocol, __u64 asked)
{
	__u64 key = (__u64)current_task();
	struct nsw_net_key range = {.prefix = 128};
	struct walk_state *state = walk_of(key);
	struct nsw_clauses *found;
	void *ranges;
	__u32 slot;

	if (!state || !asked || !ask_query(key, home, asked))
		return 0;
	state->port = port_protocol >> 8;
	state->protocol = port_protocol & 0xff;
	__builtin_memcpy(&range.addr.b[0], &high, 8);
	__builtin_memcpy(&range.addr.b[8], &low, 8);
	slot = state->slot;
	ranges = slot ? bpf_map_lookup_elem(&net_sets, &slot) : NULL;
	found = ranges ? bpf_map_lookup_elem(ranges, &range) : NULL;
	if (found)
		collect(key, (__u64)found->count << 32 | found->first);
	if (state->overlay & NSW_OVERLAY_PUSHES)
		ask_pushes(key, low, nsw_upper_half(high), NSW_KEY_ADDRESS);
	return decide(key, asked);
}

static __always_inline __u64 ask_address(__u64 home, const struct nsw_addr *addr, __u32 port, __u32 protocol, __u32 asked)
{
	__u64 part[2];

	__builtin_memcpy(part, addr, sizeof(part));
	return judge_address(home, part[0], part[1], (__u64)port << 8 | (protocol & 0xff), asked);
}

/* The answer for the name of an abstract unix socket. */
__weak __noinline __u64 judge_abstract(__u64 home, __u64 name, __u64 length, __u64 asked)
{
	__u64 key = (__u64)current_task();
	struct nsw_settings *s = get_settings();

	if (!s || !asked || !ask_query(key, home, asked))
		return 0;
	ask_key(key, NSW_KEY_ABSTRACT, text_hash(name, length, s->seed));
	return decide(key, asked);
}

/* What the kernel keeps of a socket's own name: family, then the path, or a NUL and the name. */
static __always_inline __u64 judge_unix(struct sock *sk, const struct subject *who, __u32 asked, __u64 *mnt, __u64 *dentry)
{
	struct unix_sock *unix = (struct unix_sock *)sk;
	struct unix_address *own = BPF_CORE_READ(unix, addr);
	__u64 name, length;

	*mnt = (__u64)BPF_CORE_READ(unix, path.mnt);
	*dentry = (__u64)BPF_CORE_READ(unix, path.dentry);
	if (*dentry)
		return judge_file(who->task, *mnt, *dentry, asked);
	length = own ? BPF_CORE_READ(own, len) : 0;
	if (length < 3)
		return 0; /* a pair, which has no name */
	name = (__u64)own + bpf_core_field_offset(struct unix_address, name);
	return judge_abstract(who->home, name + 3, length - 3, asked);
}

/* By what it speaks on the wire. */
static __always_inline __u32 protocol_of(struct sock *sk)
{
	__u32 protocol = BPF_CORE_READ(sk, sk_protocol);
	bool over_tcp = protocol == IPPROTO_MPTCP || protocol == IPPROTO_SMC;

	return over_tcp || BPF_CORE_READ(sk, __sk_common.skc_family) == AF_SMC ? IPPROTO_TCP : protocol;
}

static __always_inline bool mapped(const struct nsw_addr *a)
{
	__u64 high, middle;

	__builtin_memcpy(&high, &a->b[0], sizeof(high));
	__builtin_memcpy(&middle, &a->b[8], sizeof(middle));
	return !high && (__u32)middle == 0xffff0000;
}

/* 0.0.0.0 or ::. */
static __always_inline bool unspecified(const struct nsw_addr *a)
{
	__u64 high, low;

	__builtin_memcpy(&high, &a->b[0], sizeof(high));
	__builtin_memcpy(&low, &a->b[8], sizeof(low));
	return !high && (!low || low == 0xffff0000);
}

#define LOOPBACK_IPV4 0x0100007f /* 127.0.0.1, as it is sent */

/* Where the kernel goes to when it is told to go to an unspecified address: to this host itself. */
static __always_inline void to_itself(struct sock *sk, struct nsw_addr *addr)
{
	__u32 own = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	struct nsw_addr local = {};

	if (mapped(addr)) {
		map_ipv4(addr, own ? own : LOOPBACK_IPV4);
		return;
	}
	read_address(&local, sk, true);
	if (mapped(&local))
		map_ipv4(addr, LOOPBACK_IPV4);
	else
		addr->b[15] = 1;
}

/* A socket of IPv6 that takes every address takes those of IPv4, too, unless it was told not to. */
static __always_inline bool takes_both(struct sock *sk, const struct nsw_addr *addr)
{
	return unspecified(addr) && !mapped(addr) && !BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only);
}

/* The answer for a local address. To be refused for what more it takes it must be denied: a list of leave is asked once. */
static __always_inline __u64 ask_local(__u64 home, struct sock *sk, struct nsw_addr *addr, __u32 port, __u32 asked)
{
	__u32 protocol = protocol_of(sk);
	__u64 answer = ask_address(home, addr, port, protocol, asked);

	if (!asked || !takes_both(sk, addr))
		return answer;
	map_ipv4(addr, 0);
	return stronger(answer, ask_address(home, addr, port, protocol, asked | DENIES_ONLY));
}

/* The answer for a remote address. An unspecified one may be denied as such. */
static __always_inline __u64 ask_remote(__u64 home, struct sock *sk, struct nsw_addr *addr, __u32 port, __u32 asked)
{
	__u32 protocol = protocol_of(sk);
	__u64 answer = 0;

	if (asked && unspecified(addr)) {
		answer = ask_address(home, addr, port, protocol, asked | DENIES_ONLY);
		to_itself(sk, addr);
	}
	return stronger(answer, ask_address(home, addr, port, protocol, asked));
}

#endif
