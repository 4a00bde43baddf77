/* SPDX-License-Identifier: GPL-2.0-only */
/* The LSM programs that refuse. An index; each class of acts has a file. */
#include "refuse_file.bpf.c"
#include "refuse_attributes.bpf.c"
#include "refuse_layer.bpf.c"
#include "refuse_net.bpf.c"
#include "refuse_sctp.bpf.c"
#include "refuse_exec.bpf.c"
#include "refuse_kernel.bpf.c"
