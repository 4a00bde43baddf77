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

#endif
