/* SPDX-License-Identifier: GPL-2.0-only */
/* How nsw_set_home() binds a home: first to the new set, with what is said of the old one, too; once no verdict looks at that, without. */
#ifndef NSWARDEN_ABI_BIND_H
#define NSWARDEN_ABI_BIND_H

enum nsw_bind {
	NSW_BIND_NOT = 0,
	NSW_BIND_SWITCH,
	NSW_BIND_NARROW,
};

#endif
