/* SPDX-License-Identifier: GPL-2.0-only */
/* The head of each record, and the way into the rings. */
#ifndef NSWARDEN_EMIT_H
#define NSWARDEN_EMIT_H

#include "maps.h"

/* A process's id in the PID namespace of that level; numbers[] is as long as the namespaces are nested. */
static __always_inline void pid_at(struct task_struct *task, unsigned int level, struct upid *id)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	bpf_core_read(id, sizeof(*id), (char *)pid + bpf_core_field_offset(struct pid, numbers) + level * sizeof(*id));
}

static __always_inline unsigned int pid_level(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_pid, level);
}

/* The namespace that it lives in; nsproxy has the one that its children will live in. */
static __always_inline struct pid_namespace *pid_namespace_of(struct task_struct *task)
{
	struct upid id = {};

	pid_at(task, pid_level(task), &id);
	return id.ns;
}

static __always_inline __u32 pidns_of(struct task_struct *task)
{
	return BPF_CORE_READ(pid_namespace_of(task), ns.inum);
}

/* When its process started (CLOCK_BOOTTIME): no two are alike. */
static __always_inline __u64 start_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline __u32 number_of(struct task_struct *task, unsigned int level)
{
	struct upid id = {};

	pid_at(task, level, &id);
	return id.nr;
}

static __always_inline __u32 session_of(struct task_struct *task)
{
	struct pid *session = BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]);
	struct upid id = {};

	bpf_core_read(&id, sizeof(id), &session->numbers);
	return id.nr;
}

/* Kernels without audit know of no log-in. */
static __always_inline __u32 loginuid_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->loginuid))
		return ~0U;
	return BPF_CORE_READ(task, loginuid.val);
}

static __always_inline void fill_header(struct nsw_header *h, struct task_struct *task, __u32 type)
{
	h->type = type;
	h->life = own_life;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->start_ns = start_of(task);
	h->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	h->pid = BPF_CORE_READ(task, tgid);
	h->tid = BPF_CORE_READ(task, pid);
	h->ppid = BPF_CORE_READ(task, real_parent, tgid);
	h->uid = BPF_CORE_READ(task, cred, uid.val);
	h->gid = BPF_CORE_READ(task, cred, gid.val);
	h->sid = session_of(task);
	h->loginuid = loginuid_of(task);
	BPF_CORE_READ_INTO(&h->comm, task, comm);
	h->mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	h->pidns = pidns_of(task);
	h->vpid = number_of(BPF_CORE_READ(task, group_leader), pid_level(task));
}

static __always_inline int send(__u32 ring, void *record, __u64 size)
{
	if (ring == NSW_RING_FILES)
		return bpf_ringbuf_output(&ring_files, record, size, 0);
	if (ring == NSW_RING_DENIALS)
		return bpf_ringbuf_output(&ring_denials, record, size, 0);
	return bpf_ringbuf_output(&ring_events, record, size, 0);
}

/* Sends a record of `size` bytes and counts what became of it. 0 if it found room. */
static __always_inline int emit(__u32 ring, struct nsw_header *h, __u64 size, __u32 type)
{
	int failed;

	h->size = size;
	if (h->verdict == NSW_VERDICT_DENIED)
		ring = NSW_RING_DENIALS; /* no flood costs a refusal its record */
	if (h->flags & NSW_F_TRUNCATED)
		count(type, NSW_COUNT_TRUNCATED);
	failed = send(ring, h, size);
	count(type, failed ? NSW_COUNT_RING_FULL : NSW_COUNT_EMITTED);
	if (failed && h->verdict == NSW_VERDICT_DENIED)
		count_untold(h->rule);
	return failed;
}

#endif
