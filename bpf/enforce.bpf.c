/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Identity and enforcement: what must go on when the engine does not, and so uses nothing but program types whose links
 * can be pinned on every kernel (tp_btf, fentry, fmod_ret, lsm). Looks up, answers, leaves evidence.
 */
#include "identity.bpf.c"
#include "refuse.bpf.c"
#include "protect.bpf.c"
#include "first_exec.bpf.c"
#include "ask.bpf.c"
