/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program of iter/task is given. */
#ifndef NSWARDEN_TASK_ITERATOR_H
#define NSWARDEN_TASK_ITERATOR_H

#include "kernel_types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
