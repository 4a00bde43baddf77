/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts on the addresses that SCTP takes by an option of the socket, many in a row, past the hooks of connect and bind. */
#include "sctp.h"

#define SCTP_ADDRESSES 8 /* looked at; with more it is unresolved */

/* The answer for the worst of the addresses; `told` becomes that one. */
static __always_inline __u64 judge_row(const struct nsw_home *home, __u64 id, __u64 sock, __u64 *told, __u64 length, __u32 bit)
{
	__u64 at = *told, answer = 0, one, size;
	int i;

	for (i = 0; i < SCTP_ADDRESSES; i++) {
		size = sctp_size(family_at(at, length));
		if (!size || size > length)
			return answer; /* the end; or the kernel refuses all of them */
		one = judge_inet(id, sock, at, size, home->classes & bit);
		if (ANSWER_MODE(one) > ANSWER_MODE(answer)) {
			answer = one;
			*told = at;
		}
		at += size;
		length -= size;
	}
	return length ? unresolved(home, answer, bit) : answer;
}

SEC("?lsm/sctp_bind_connect")
int nsw_sctp(__u64 *ctx)
{
	__u64 sock = (__u64)BPF_CORE_READ((struct sock *)number_at(ctx, 0), sk_socket), address = number_at(ctx, 2);
	__u32 option = ctx[1], bit = 1U << (option == SCTP_CONNECTX ? NSW_CLASS_CONNECT : NSW_CLASS_BIND);
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	/* The others come from the peer, in nobody's name, or with a message, whose address has been judged. */
	if (option != SCTP_CONNECTX && option != SCTP_BINDX_ADD)
		return 0;
	home = judged(s, &who, bit);
	if (!home)
		return 0;
	answer = judge_row(home, who.home, sock, &address, (__u32)ctx[3], bit);
	answer = final_answer(home, answer, option == SCTP_CONNECTX);
	if (option == SCTP_BINDX_ADD)
		return refused(answer, WHAT(NSW_CLASS_BIND, port_at(address)), 0, 0, EVENT_BIT(BIND)) ? refuse() : 0;
	connect_tell(sock, address, sctp_size(family_at(address, 2)), answer, true);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return 0;
	count(NSW_EVENT_CONNECT, NSW_COUNT_DENIED);
	return refuse();
}
