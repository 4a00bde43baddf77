/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verdicts on files. The path_* hooks have the mount through which the caller came, and are called once for an act and not
 * again for what overlayfs does inside. Where the kernel has only an inode_* hook for an act (times, extended attributes),
 * the mount is the one that the task was just given leave to write to.
 */
#include "layer.h"

static __always_inline __u64 mnt_of(__u64 path)
{
	return (__u64)BPF_CORE_READ((struct path *)path, mnt);
}

static __always_inline __u64 dentry_of(__u64 path)
{
	return (__u64)BPF_CORE_READ((struct path *)path, dentry);
}

/* The whole of a verdict on one file. `class`: what is told of; `asked`: bits of the classes, and STRICT, DENIES_ONLY. */
static __always_inline int judge_act(__u64 mnt, __u64 dentry, __u32 class, __u32 asked, __u64 events)
{
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	home = judged(s, &who, asked & ~NO_CLASS);
	if (!home)
		return 0;
	answer = judge_file(who.task, mnt, dentry, asked & (home->classes | NO_CLASS));
	answer = final_answer(home, answer, asked & (NSW_CLASSES_WRITE | 1 << NSW_CLASS_EXEC));
	return refused(answer, WHAT(class, 0), mnt, dentry, events) ? refuse() : 0;
}

/* ---- open --------------------------------------------------------------------------------------------------------- */

static __always_inline void open_tell_aside(const struct nsw_settings *s, struct subject *who, struct file *file, __u64 answer)
{
	__u32 mode = ANSWER_MODE(answer);

	/* The sensor leaves it to us to report what came in without a system call: see left_to_enforcer(). */
	if (!mode && (!wanted(s, NSW_EVENT_OPEN) || open_left_out(s, file) || internal_mount(BPF_CORE_READ(file, f_path.mnt))))
		return;
	if (mode == NSW_VERDICT_DENIED)
		open_aside(who, file, -EPERM, answer_flags(answer), mode, ANSWER_RULE(answer), NSW_RING_DENIALS);
	else
		open_aside(who, file, 0, answer_flags(answer) | NSW_F_NO_RESULT, mode, ANSWER_RULE(answer), NSW_RING_FILES);
}

static __always_inline void open_tell(const struct nsw_settings *s, struct subject *who, struct file *file, __u64 answer)
{
	__u64 key = (__u64)current_task();
	struct call *c = s->engine ? find_call(key, NSW_EVENT_OPEN) : NULL;
	struct nsw_event_open *e;

	if (!c || c->head.state & CALL_SENT) {
		open_tell_aside(s, who, file, answer);
		return;
	}
	if (!ANSWER_MODE(answer))
		return;
	e = (void *)c->rec;
	mark(&e->h, answer);
	if (c->head.state & CALL_LEFT_OUT) {
		c->head.state &= ~CALL_OBJECT;
		open_object(c, key, file);
	}
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return; /* the sensor sends it, with the result */
	open_object(c, key, file);
	open_finish(c, key, -EPERM, NSW_RING_DENIALS);
	c->head.state |= CALL_SENT; /* or lost, which is counted: not a second time at the return */
}

SEC("?lsm/file_open")
int BPF_PROG(nsw_file_open, struct file *opened, int ret)
{
	struct file *file = (struct file *)(__u64)opened;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;
	__u32 classes;

	home = judged(s, &who, NSW_CLASSES_FILE);
	/* Each read of what the hook was given is one of the processor here, and not a call. */
	if (!home)
		return 0;
	if (opened_beneath(opened))
		return judge_opened_beneath(&who, home, file) ? refuse() : 0;
	if (exec_open(opened->f_flags))
		return 0;
	classes = open_classes(opened->f_flags, opened->f_mode);
	if (classes & 1 << NSW_CLASS_MODIFY) /* what follows beneath an overlay is for this one: its file is copied up */
		who.task->path_mount = (__u64)opened->f_path.mnt;
	if (!(home->flags & NSW_HOME_QUARANTINED) && !(home->classes & classes))
		return 0;
	answer = judge_opened(who.task, home, opened, home->classes & classes);
	if (by_another_mount(home, 0, opened))
		answer = stronger(answer, judge_by_root((__u64)BPF_CORE_READ(file, f_path.mnt),
							(__u64)BPF_CORE_READ(file, f_path.dentry), home->classes & classes));
	answer = final_answer(home, answer, classes & 1 << NSW_CLASS_MODIFY);
	if (ANSWER_MODE(answer) || wanted(s, NSW_EVENT_OPEN))
		open_tell(s, &who, file, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return 0;
	count(NSW_EVENT_OPEN, NSW_COUNT_DENIED);
	return refuse();
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

SEC("?lsm/path_mknod")
int nsw_path_mknod(__u64 *ctx)
{
	__u32 also = (ctx[2] & S_IFMT) == S_IFSOCK ? BIT(BIND) : 0; /* bind(2) of a unix socket comes here */

	return judge_act(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), NSW_CLASS_CREATE, BIT(CREATE) | also,
			 EVENT_BIT(MKNOD) | EVENT_BIT(OPEN) | EVENT_BIT(BIND));
}

SEC("?lsm/path_mkdir")
int nsw_path_mkdir(__u64 *ctx)
{
	return judge_act(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), NSW_CLASS_CREATE, BIT(CREATE), EVENT_BIT(MKDIR));
}

SEC("?lsm/path_symlink")
int nsw_path_symlink(__u64 *ctx)
{
	return judge_act(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), NSW_CLASS_CREATE, BIT(CREATE), EVENT_BIT(SYMLINK));
}

SEC("?lsm/path_unlink")
int nsw_path_unlink(__u64 *ctx)
{
	return judge_act(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), NSW_CLASS_DELETE, BIT(DELETE), EVENT_BIT(UNLINK));
}

SEC("?lsm/path_rmdir")
int nsw_path_rmdir(__u64 *ctx)
{
	return judge_act(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), NSW_CLASS_DELETE, BIT(DELETE), EVENT_BIT(UNLINK));
}

/* What is refused of a file wherever its name is: a new name must not lead around it. */
#define KEPT_BY_FILE                                                                                    \
	(1U << NSW_CLASS_EXEC | 1U << NSW_CLASS_READ | 1U << NSW_CLASS_MODIFY | 1U << NSW_CLASS_CHMOD | \
	 1U << NSW_CLASS_CHOWN | 1U << NSW_CLASS_XATTR | 1U << NSW_CLASS_TOUCH)

/* ... and what is refused of it, only that it goes elsewhere first. */
#define KEPT_BY_RENAMED (KEPT_BY_FILE | 1U << NSW_CLASS_DELETE)

static __always_inline bool is_directory(__u64 dentry)
{
	struct dentry *d = (struct dentry *)dentry;

	return (BPF_CORE_READ(d, d_inode, i_mode) & S_IFMT) == S_IFDIR;
}

/*
 * The answer for a file that gets another name: where a rule holds for it, or for all that is in it, under the old one, and
 * not under the new one. What holds for its inode goes with it. Class by class: of the rules that hold one speaks, which may
 * be one that goes with it where another does not.
 */
__weak __noinline __u64 leads_out(__u64 mnt, __u64 old, __u64 to, __u64 fresh, __u64 classes)
{
	struct task_state *task = state_of((__u64)current_task());
	__u64 asked, before, after, answer = 0;
	__u32 inside;
	int class;

	if (!task)
		return 0;
	inside = is_directory(old) ? INSIDE : 0;
	if (!ANSWER_MODE(judge_as(task, mnt, old, classes | inside, old)))
		return 0;
	for (class = 0; class < NSW_CLASS_COUNT; class ++) {
		asked = classes & 1ULL << class;
		if (!asked)
			continue;
		before = judge_as(task, mnt, old, asked | inside, old);
		after = ANSWER_MODE(before) ? judge_as(task, to, fresh, asked | inside, old) : before;
		if (ANSWER_RULE(after) != ANSWER_RULE(before) || ANSWER_MODE(after) < ANSWER_MODE(before))
			answer = stronger(answer, before);
	}
	return answer;
}

/*
 * Both names of one file. `also`: bits of classes of the new one. `kept`: of those that the name must not lead around.
 * `exchange`: a second file goes the other way.
 */
static __always_inline int judge_move(__u64 mnt, __u64 old, __u64 to, __u64 fresh, __u32 class, __u32 also, __u32 kept,
				      bool exchange, __u64 events)
{
	__u32 asked = 1U << class | also;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u64 answer;

	home = judged(s, &who, asked | kept);
	if (!home)
		return 0;
	answer = judge_file(who.task, mnt, old, home->classes & 1U << class);
	answer = stronger(answer, judge_file(who.task, to, fresh, home->classes & asked));
	kept &= home->classes;
	if (kept)
		answer = stronger(answer, leads_out(mnt, old, to, fresh, kept));
	if (kept && exchange)
		answer = stronger(answer, leads_out(to, fresh, mnt, old, kept));
	answer = final_answer(home, answer, true);
	return refused(answer, WHAT(class, 0), mnt, old, events) ? refuse() : 0;
}

/* A hard link does not leave its mount: that of the new name is that of the old one. */
SEC("?lsm/path_link")
int nsw_path_link(__u64 *ctx)
{
	__u64 mnt = mnt_of(number_at(ctx, 1));

	return judge_move(mnt, number_at(ctx, 0), mnt, number_at(ctx, 2), NSW_CLASS_LINK, BIT(CREATE), KEPT_BY_FILE, false,
			  EVENT_BIT(LINK));
}

/* Before the hook got flags it was called twice for an exchange; there the fifth is what another program returned: 0. */
SEC("?lsm/path_rename")
int nsw_path_rename(__u64 *ctx)
{
	return judge_move(mnt_of(number_at(ctx, 0)), number_at(ctx, 1), mnt_of(number_at(ctx, 2)), number_at(ctx, 3),
			  NSW_CLASS_RENAME, 0, KEPT_BY_RENAMED, (__u32)ctx[4] & RENAME_EXCHANGE, EVENT_BIT(RENAME));
}

/* ---- descriptors and mappings ------------------------------------------------------------------------------------- */

static __always_inline int judge_whole(struct file *file, __u32 class, __u32 asked, __u64 events)
{
	return judge_act((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry), class, asked,
			 events);
}

/* What a descriptor that came over a socket, or was taken from another process, gives. Sockets are refuse_net.bpf.c's. */
static __always_inline int judge_received(struct file *file)
{
	__u32 mode = BPF_CORE_READ(file, f_mode), asked = mode & FMODE_READ ? BIT(READ) : 0;

	if (mode & FMODE_WRITE)
		asked |= BIT(MODIFY);
	if (!asked || internal_mount(BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	return judge_whole(file, NSW_CLASS_READ, asked, EVENT_BIT(RECEIVE));
}

/* A mapping by which the file itself is changed. */
static __always_inline int judge_shared(struct file *file)
{
	if (internal_mount(BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	return judge_whole(file, NSW_CLASS_MODIFY, BIT(MODIFY), EVENT_BIT(SHARED_MAP));
}

/* ---- mounts ------------------------------------------------------------------------------------------------------- */

/* A mount hides what is below: its place counts as written to. */
static __always_inline int judge_place(__u64 path, __u64 events)
{
	return judge_act(mnt_of(path), dentry_of(path), NSW_CLASS_TOUCH, BIT(TOUCH), events);
}

SEC("?lsm/sb_mount")
int nsw_sb_mount(__u64 *ctx)
{
	if (refused_operation(NSW_OPERATION_MOUNT, EVENT_BIT(MOUNT)))
		return refuse();
	return ctx[3] & MS_NO_PLACE ? 0 : judge_place(number_at(ctx, 1), EVENT_BIT(MOUNT));
}

SEC("?lsm/move_mount")
int nsw_move_mount(__u64 *ctx)
{
	if (refused_operation(NSW_OPERATION_MOUNT, EVENT_BIT(MOVE_MOUNT)))
		return refuse();
	return judge_place(number_at(ctx, 1), EVENT_BIT(MOVE_MOUNT));
}
