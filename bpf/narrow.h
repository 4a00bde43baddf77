/* SPDX-License-Identifier: GPL-2.0-only */
/* 32-bit calls of an older time, whose ids of users and groups are two bytes. */
#ifndef NSW_NARROW_H
#define NSW_NARROW_H

#include "door.h"

#define I386_LCHOWN16 16
#define I386_SETUID16 23
#define I386_SETGID16 46
#define I386_SETREUID16 70
#define I386_SETREGID16 71
#define I386_FCHOWN16 95
#define I386_SETFSUID16 138
#define I386_SETFSGID16 139
#define I386_SETRESUID16 164
#define I386_SETRESGID16 170
#define I386_CHOWN16 182

static __always_inline bool has_narrow_ids(const struct door *d)
{
	switch (d->compat) {
	case I386_LCHOWN16:
	case I386_SETUID16:
	case I386_SETGID16:
	case I386_SETREUID16:
	case I386_SETREGID16:
	case I386_FCHOWN16:
	case I386_SETFSUID16:
	case I386_SETFSGID16:
	case I386_SETRESUID16:
	case I386_SETRESGID16:
	case I386_CHOWN16:
		return true;
	default:
		return false;
	}
}

/* A user's or group's id as the kernel understands it: the highest of two bytes is -1. */
static __always_inline __s32 id_arg(const struct door *d, int i)
{
	__u64 id = arg(d, i);

	if (!has_narrow_ids(d))
		return id;
	return (__u16)id == 0xffff ? -1 : (__u16)id;
}

#endif
