/* SPDX-License-Identifier: GPL-2.0-only */
/* What the deny maps say of an address. */
#ifndef NSWARDEN_NET_VERDICT_H
#define NSWARDEN_NET_VERDICT_H

#include "verdict.h"

/* The answer for an address. `port_protocol`: port << 8 | protocol. */
static __always_inline __u64 judge_address(struct nsw_home *h, const struct nsw_addr *remote, __u32 port, __u32 protocol)
{
	struct nsw_net_key key = {.prefix = 128, .addr = *remote};
	__u32 slot = h->set, mode = 0, rule = 0, n;
	struct nsw_net *net;
	void *trie;
	int i;

	if (!slot)
		return 0;
	trie = bpf_map_lookup_elem(&net_sets, &slot);
	if (!trie)
		return 0;
	net = bpf_map_lookup_elem(trie, &key);
	if (!net)
		return 0;
	n = net->count;
	for (i = 0; i < NSW_NET_RULES; i++) {
		const struct nsw_net_rule *r = &net->rules[i];

		if (i >= n)
			break;
		if (port < r->port_low || port > r->port_high || (r->protocol && r->protocol != protocol))
			continue;
		if (r->mode <= mode)
			continue;
		mode = r->mode;
		rule = r->rule;
	}
	return ANSWER(rule, mode, 0);
}

#endif
