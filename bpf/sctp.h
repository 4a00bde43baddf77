/* SPDX-License-Identifier: GPL-2.0-only */
/* SCTP, whose addresses come by an option of the socket as well: what the sensor and the enforcer must know of it. */
#ifndef NSWARDEN_SCTP_H
#define NSWARDEN_SCTP_H

#include "connect.h"

/* Options, as security_sctp_bind_connect() is given them: user-space ABI. */
#define SCTP_BINDX_ADD 100
#define SCTP_CONNECTX 110

/* Bytes of an address in a row of them; 0 where the kernel takes none of that family. */
static __always_inline __u64 sctp_size(__u32 family)
{
	if (family == AF_INET)
		return 16;
	return family == AF_INET6 ? 28 : 0;
}

/* A stream to which the address of a message means nothing. One of SCTP is connected by it. */
static __always_inline bool plain_stream(struct socket *sock)
{
	return BPF_CORE_READ(sock, type) == SOCK_STREAM && BPF_CORE_READ(sock, sk, sk_protocol) != IPPROTO_SCTP;
}

#define SCTP_DSTADDRV4 7 /* types of what comes with a message, level IPPROTO_SCTP */
#define SCTP_DSTADDRV6 8
#define SCTP_MESSAGES 8 /* looked at */

/* What comes with a message, as the kernel has copied it: struct cmsghdr, user-space ABI. */
struct control {
	__u64 length;
	__u32 level;
	__u32 type;
};

/* True where a message that connects may name more addresses to connect to, beside its own. */
static __always_inline bool names_more(struct socket *sock, struct msghdr *message)
{
	__u64 at = (__u64)BPF_CORE_READ(message, msg_control), left = BPF_CORE_READ(message, msg_controllen), size;
	struct control c;
	int i;

	if (BPF_CORE_READ(sock, sk, sk_protocol) != IPPROTO_SCTP)
		return false;
	for (i = 0; i < SCTP_MESSAGES; i++) {
		if (left < sizeof(c) || bpf_probe_read_kernel(&c, sizeof(c), (void *)at))
			return false;
		if (c.level == IPPROTO_SCTP && (c.type == SCTP_DSTADDRV4 || c.type == SCTP_DSTADDRV6))
			return true;
		size = (c.length + 7) & ~7ULL;
		if (size < sizeof(c) || size > left)
			return false; /* the last */
		at += size;
		left -= size;
	}
	return true;
}

#endif
