/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts on what runs: programs, what a dynamic loader is asked to run, memory made executable. */
#include "exec.h"
#include "refuse.h"

static __always_inline void exec_tell(const struct nsw_settings *s, struct subject *who, struct linux_binprm *bprm,
				      __u64 answer)
{
	__u64 key = (__u64)current_task();
	struct call_large *c = s->engine ? find_large(key) : NULL;
	struct nsw_event_exec *e;
	bool aside = !c || c->head.type != NSW_EVENT_EXEC || c->head.state & CALL_SENT;

	if (aside && ANSWER_MODE(answer) != NSW_VERDICT_DENIED && wanted(s, NSW_EVENT_EXEC))
		key = (__u64)current_task(); /* opened as a call under way: sched_process_exec sends it */
	else if (aside)
		key |= ASIDE;
	if (aside) {
		told_aside(NSW_EVENT_EXEC);
		c = start_large(key, who, NSW_EVENT_EXEC, NSW_SYSCALL_NONE);
	}
	if (!c) {
		no_record(answer);
		return;
	}
	e = (void *)c->rec;
	if (aside)
		e->h.flags |= NSW_F_ASYNC;
	c->head.home = who->home;
	c->head.flags = who->flags;
	mark(&e->h, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED && !(key & ASIDE))
		return;
	exec_object(c, key, BPF_CORE_READ(bprm, file));
	exec_raw(c, bprm);
	if (ANSWER_MODE(answer) == NSW_VERDICT_DENIED) {
		exec_failed(c, key, -EPERM, NSW_RING_DENIALS);
	} else {
		e->h.flags |= NSW_F_NO_RESULT;
		exec_failed(c, key, 0, NSW_RING_EVENTS);
	}
	if (key & ASIDE)
		end_large(key);
	else
		c->head.state |= CALL_SENT;
}

/* The container's process 1; where it has the host's PID namespace, the process that made the home. */
static __always_inline bool is_first(struct task_struct *task, const struct subject *who)
{
	unsigned int level = pid_level(task);

	return who->flags & NSW_LABEL_FIRST || (level && number_of(BPF_CORE_READ(task, group_leader), level) == 1);
}

/* Called for a script, then for its interpreter: each must pass. Which startup it ends is known once the exec succeeds. */
SEC("?lsm/bprm_check_security")
int BPF_PROG(nsw_bprm_check, struct linux_binprm *checked, int ret)
{
	struct linux_binprm *bprm = (struct linux_binprm *)(__u64)checked;
	__u32 asked = 1 << NSW_CLASS_EXEC | 1 << NSW_CLASS_UNTIL;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	struct file *file;
	__u64 answer;

	home = judged(s, &who, asked);
	if (!home)
		return 0;
	if (!is_first(current_task(), &who))
		asked &= ~(1 << NSW_CLASS_UNTIL);
	file = BPF_CORE_READ(bprm, file);
	who.task->walk.ended = 0;
	answer = judge_file(who.task, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry),
			    (home->classes & asked) | STRICT);
	who.task->ending |= who.task->walk.ended;
	answer = final_answer(home, answer, true);
	if (!ANSWER_MODE(answer))
		return 0;
	exec_tell(s, &who, bprm, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return 0;
	count(NSW_EVENT_EXEC, NSW_COUNT_DENIED);
	return refuse();
}

/*
 * A program without an interpreter of its own that maps a file to run it is a dynamic loader: the first such file is the
 * program that it was asked to run, and must pass as one. The libraries that follow need no list's leave, but what is
 * denied is denied. While an exec is under way the kernel maps, and that is judged already.
 */
static __always_inline int judge_loaded(struct file *file)
{
	struct task_state *task = state_of((__u64)current_task());
	__u32 asked = BIT(EXEC) | STRICT;

	if (!task || !(task->exe & EXE_BARE) || task->exec_id != BPF_CORE_READ(current_task(), self_exec_id))
		return 0;
	if (task->exe & EXE_MAPPED)
		asked |= DENIES_ONLY;
	task->exe |= EXE_MAPPED;
	return judge_whole(file, NSW_CLASS_EXEC, asked, EVENT_BIT(MEMORY));
}

/* What the mapping gets of what was asked for: the function that calls the hook only knows the latter. */
static __always_inline __u64 with_implied(__u64 asked)
{
	bool reads = (asked & (PROT_READ | PROT_EXEC)) == PROT_READ;

	return reads && BPF_CORE_READ(current_task(), personality) & READ_IMPLIES_EXEC ? asked | PROT_EXEC : asked;
}

/*
 * A memfd, System V shared memory and the like: of a mount of the kernel's own. Not the program that runs, which its exec was
 * judged for. What is mapped of an overlay's file is the layer's, whose mount is nobody's, too, but not of that kind.
 */
static __always_inline bool in_memory(struct file *file)
{
	struct file *exe = BPF_CORE_READ(current_task(), mm, exe_file);

	return BPF_CORE_READ(file, f_path.mnt, mnt_flags) & MNT_INTERNAL &&
	       BPF_CORE_READ(exe, f_inode) != BPF_CORE_READ(file, f_inode);
}

/* A device's memory (/dev/zero, where it is shared) is no file's. */
static __always_inline bool no_file(struct file *file)
{
	return !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFCHR || in_memory(file);
}

/* Without a file of a file system (7.3 says so by its type), or writable, it can hold what was in no file. */
SEC("?lsm/mmap_file")
int nsw_mmap_file(__u64 *ctx)
{
	__u64 asked = ctx[1], protection = ctx[2], flags = ctx[3];
	struct file *file = (struct file *)number_at(ctx, 0);

	/* Read before: what the verifier lets nobody do is to choose where in the context to read. */
	keep(asked);
	keep(protection);
	keep(flags);
	if (by_killing) {
		flags = protection;
		protection = with_implied(asked);
	}
	if (protection & PROT_EXEC && (protection & PROT_WRITE || no_file(file)) &&
	    refused_operation(NSW_OPERATION_EXEC_MEMORY, EVENT_BIT(MEMORY)))
		return refuse();
	if (!file)
		return 0;
	if (flags & MAP_SHARED && protection & PROT_WRITE)
		return judge_shared(file);
	return protection & PROT_EXEC ? judge_loaded(file) : 0;
}

static __always_inline bool makes_executable(struct vm_area_struct *area, __u64 protection)
{
	__u64 flags = BPF_CORE_READ(area, vm_flags);
	struct file *file = BPF_CORE_READ(area, vm_file);

	if (!(protection & PROT_EXEC))
		return false;
	if (protection & PROT_WRITE)
		return true;
	return !(flags & VM_EXEC) && (no_file(file) || BPF_CORE_READ(area, anon_vma) || flags & VM_WRITE);
}

SEC("?lsm/file_mprotect")
int nsw_file_mprotect(__u64 *ctx)
{
	struct vm_area_struct *area = (struct vm_area_struct *)number_at(ctx, 0);
	struct file *file = BPF_CORE_READ(area, vm_file);
	__u64 protection = ctx[2];

	if (makes_executable(area, protection) && refused_operation(NSW_OPERATION_EXEC_MEMORY, EVENT_BIT(MEMORY)))
		return refuse();
	if (!file)
		return 0;
	if (protection & PROT_WRITE && BPF_CORE_READ(area, vm_flags) & VM_SHARED)
		return judge_shared(file);
	return protection & PROT_EXEC && !(BPF_CORE_READ(area, vm_flags) & VM_EXEC) ? judge_loaded(file) : 0;
}
