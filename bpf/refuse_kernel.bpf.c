/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts on capabilities and operations. */
#include "refuse.h"

#define CAP_OPT_NOAUDIT 2

/*
 * unshare and setns pass no hook of their own, but none of the namespaces can be made or entered without a capability in
 * the user namespace that it belongs to: that check is the hook.
 */
static __always_inline bool refused_namespace(void)
{
	return (in_call(CALL_UNSHARE) || in_call(CALL_SETNS)) &&
	       refused_operation(NSW_OPERATION_NAMESPACE, EVENT_BIT(NAMESPACE));
}

/* The changes of mounts that pass no hook of their own. Of open_tree only a copy asks for the capability. */
static __always_inline bool refused_mount(void)
{
	if (in_call(CALL_OPEN_TREE) || in_call(CALL_OPEN_TREE_ATTR))
		return refused_operation(NSW_OPERATION_MOUNT, EVENT_BIT(OPEN_TREE));
	return (in_call(CALL_FSMOUNT) || in_call(CALL_MOUNT_SETATTR) || in_call(CALL_FSPICK)) &&
	       refused_operation(NSW_OPERATION_MOUNT, EVENT_BIT(FSMOUNT));
}

#define USERNS_DEPTH 33 /* how deep the kernel lets user namespaces be */

/* As the kernel's own check: the capability itself, or the ownership of a namespace that is further down. */
static __always_inline bool has_capability(const struct cred *cred, struct user_namespace *ns, __u32 capability)
{
	struct user_namespace *own = BPF_CORE_READ(cred, user_ns), *parent;
	__u64 effective = 0;
	int i;

	for (i = 0; i < USERNS_DEPTH; i++) {
		if (ns == own) {
			bpf_probe_read_kernel(&effective, sizeof(effective), &cred->cap_effective);
			return effective >> (capability & 63) & 1;
		}
		parent = BPF_CORE_READ(ns, parent);
		if (!parent)
			return false;
		if (parent == own && BPF_CORE_READ(ns, owner.val) == BPF_CORE_READ(cred, euid.val))
			return true;
		ns = parent;
	}
	return false;
}

/*
 * The hook is asked when the kernel has granted the capability; the function that calls it, before. To be killed for what is
 * not granted, and what much of the kernel merely tries, would be wrong.
 */
static __always_inline bool is_granted(__u64 *ctx, __u32 capability)
{
	struct nsw_settings *s = get_settings();
	struct subject who;

	if (!by_killing)
		return true;
	return s && labelled(s, current_task(), &who) &&
	       has_capability((struct cred *)number_at(ctx, 0), (struct user_namespace *)number_at(ctx, 1), capability);
}

SEC("?lsm/capable")
int nsw_capable(__u64 *ctx)
{
	__u32 capability = ctx[2], options = ctx[3];

	if (!is_granted(ctx, capability))
		return 0;
	if (capability == CAP_SYS_ADMIN && (refused_namespace() || refused_mount()))
		return refuse();
	return refused_key(NSW_CLASS_CAPABILITY, NSW_KEY_CAPABILITY, capability, 0, options & CAP_OPT_NOAUDIT) ? refuse() : 0;
}

/* Where there is no lsm/userns_create: the copy of the credentials that unshare(CLONE_NEWUSER) begins with. */
SEC("?lsm/cred_prepare")
int nsw_cred_prepare(__u64 *ctx)
{
	if (!in_call(CALL_UNSHARE) || !(first_argument() & CLONE_NEWUSER))
		return 0;
	return refused_operation(NSW_OPERATION_USERNS, EVENT_BIT(NAMESPACE)) ? refuse() : 0;
}

SEC("?lsm/userns_create")
int nsw_userns_create(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_USERNS, EVENT_BIT(NAMESPACE)) ? refuse() : 0;
}

/* ---- mounts (see refuse_file.bpf.c, too) --------------------------------------------------------------------------- */

SEC("?lsm/sb_umount")
int nsw_sb_umount(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_UMOUNT, EVENT_BIT(UMOUNT)) ? refuse() : 0;
}

SEC("?lsm/sb_pivotroot")
int nsw_sb_pivotroot(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_MOUNT, EVENT_BIT(PIVOT_ROOT)) ? refuse() : 0;
}

/* ---- other processes ----------------------------------------------------------------------------------------------- */

/* Attaching; its memory and descriptors need that, too. What is only looked up in /proc does not. */
SEC("?lsm/ptrace_access_check")
int nsw_ptrace(__u64 *ctx)
{
	__u32 mode = ctx[1];

	if (!(mode & PTRACE_MODE_ATTACH))
		return 0;
	return refused_key(NSW_CLASS_OPERATION, NSW_KEY_OPERATION, NSW_OPERATION_PTRACE, EVENT_BIT(PTRACE) | EVENT_BIT(OPEN),
			   mode & PTRACE_MODE_NOAUDIT)
		       ? refuse()
		       : 0;
}

SEC("?lsm/ptrace_traceme")
int nsw_traceme(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_PTRACE, EVENT_BIT(PTRACE)) ? refuse() : 0;
}

/* Signal 0 only asks whether there is such a process. */
SEC("?lsm/task_kill")
int nsw_task_kill(__u64 *ctx)
{
	struct task_struct *target = (struct task_struct *)number_at(ctx, 0);
	struct nsw_label *mine = label_of(current_task()), *its;
	__u32 signal = ctx[2];

	if (!signal || !mine)
		return 0;
	its = label_of(target);
	if (its && its->home == mine->home)
		return 0;
	return refused_operation(NSW_OPERATION_KILL, EVENT_BIT(KILL)) ? refuse() : 0;
}

/* ---- the kernel ---------------------------------------------------------------------------------------------------- */

SEC("?lsm/bpf")
int nsw_bpf(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_BPF, EVENT_BIT(BPF)) ? refuse() : 0;
}

SEC("?lsm/perf_event_open")
int nsw_perf(__u64 *ctx)
{
	return refused_operation(NSW_OPERATION_PERF, EVENT_BIT(PERF)) ? refuse() : 0;
}

static __always_inline int judge_module(bool is)
{
	return is && refused_operation(NSW_OPERATION_MODULE_LOAD, EVENT_BIT(MODULE_LOAD)) ? refuse() : 0;
}

/* finit_module. One that is compressed is another kind of file on the newest kernels. */
SEC("?lsm/kernel_read_file")
int nsw_kernel_read_file(__u64 *ctx)
{
	__u32 kind = ctx[1];

	if (bpf_core_enum_value_exists(enum kernel_read_file_id, READING_MODULE_COMPRESSED) &&
	    kind == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE_COMPRESSED))
		return judge_module(true);
	return judge_module(kind == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE));
}

/* init_module, whose image is the caller's memory. */
SEC("?lsm/kernel_load_data")
int nsw_kernel_load_data(__u64 *ctx)
{
	return judge_module((__u32)ctx[0] == bpf_core_enum_value(enum kernel_load_data_id, LOADING_MODULE));
}

/* The files behind io_uring and userfaultfd. */
static __always_inline int judge_anonymous(bool io_uring, bool userfaultfd)
{
	if (io_uring)
		return refused_operation(NSW_OPERATION_IO_URING, EVENT_BIT(IO_URING)) ? refuse() : 0;
	if (userfaultfd)
		return refused_operation(NSW_OPERATION_USERFAULTFD, EVENT_BIT(USERFAULTFD)) ? refuse() : 0;
	return 0;
}

/* As the kernel names them: "[io_uring]", "[userfaultfd]". The latter is also made by a device, /dev/userfaultfd. */
SEC("?lsm/inode_init_security_anon")
int nsw_anon_inode(__u64 *ctx)
{
	char name[4] = {};

	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ((struct qstr *)number_at(ctx, 1), name));
	return judge_anonymous(name[1] == 'i' && name[2] == 'o' && name[3] == '_',
			       name[1] == 'u' && name[2] == 's' && name[3] == 'e');
}

/* Before 5.16, where their inode is one for all, and there is no such device. */
SEC("?lsm/file_alloc_security")
int nsw_file_alloc(__u64 *ctx)
{
	return judge_anonymous(in_call(CALL_IO_URING_SETUP), in_call(CALL_USERFAULTFD));
}

/* Keys are asked for by much of the kernel itself: only what the process asks for counts. */
static __always_inline bool in_key_call(void)
{
	return in_call(CALL_KEYCTL) || in_call(CALL_ADD_KEY) || in_call(CALL_REQUEST_KEY);
}

SEC("?lsm/key_permission")
int nsw_key_permission(__u64 *ctx)
{
	return in_key_call() && refused_operation(NSW_OPERATION_KEYCTL, EVENT_BIT(KEY)) ? refuse() : 0;
}

SEC("?lsm/key_alloc")
int nsw_key_alloc(__u64 *ctx)
{
	return in_key_call() && refused_operation(NSW_OPERATION_KEYCTL, EVENT_BIT(KEY)) ? refuse() : 0;
}
