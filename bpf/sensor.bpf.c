/* SPDX-License-Identifier: GPL-2.0-only */
/* The sensor: sees and reports what containers do, and stops nothing. An index; each class of acts has a file. */
#include "maps.h"

#include "process.bpf.c"
#include "file.bpf.c"
#include "names.bpf.c"
#include "attributes.bpf.c"
#include "mounts.bpf.c"
#include "network.bpf.c"
#include "credentials.bpf.c"
#include "others.bpf.c"
#include "namespace.bpf.c"
#include "dup.bpf.c"
#include "memory.bpf.c"
#include "kernel.bpf.c"
#include "sockets.bpf.c"
#include "sends.bpf.c"
#include "syscall.bpf.c"
