/* SPDX-License-Identifier: GPL-2.0-only */
/* The LSM programs that refuse. */
#include "connect.h"
#include "exec.h"
#include "file.h"
#include "net_verdict.h"

/*
 * clang may turn `refused ? -EPERM : 0` into arithmetic whose range the verifier (6.12 on) cannot see to be an errno.
 */
static __always_inline int refuse(void)
{
	int error = -EPERM;

	keep(error);
	return error;
}

/* Who acts, and whether anything is to be judged at all. */
static __always_inline struct nsw_home *judged(const struct nsw_settings *s, struct subject *who, __u32 classes)
{
	struct nsw_home *home;

	if (!labelled(s, current_task(), who))
		return NULL;
	home = bpf_map_lookup_elem(&homes, &who->home);
	if (!home)
		return NULL;
	if (home->flags & NSW_HOME_QUARANTINED || home->classes & classes)
		return home;
	return NULL;
}

/* The answer once quarantine and disarming are taken in. */
static __always_inline __u64 final_answer(const struct nsw_settings *s, const struct nsw_home *home, __u64 answer, bool held)
{
	if (held && home->flags & NSW_HOME_QUARANTINED)
		answer = ANSWER(ANSWER_MODE(answer) ? ANSWER_RULE(answer) : 0, NSW_VERDICT_DENIED, 0);
	if (ANSWER_MODE(answer) == NSW_VERDICT_DENIED && !s->enforce)
		answer = ANSWER(ANSWER_RULE(answer), NSW_VERDICT_AUDIT, ANSWER_UNRESOLVED(answer));
	return answer;
}

static __always_inline __u32 answer_flags(__u64 answer)
{
	return ANSWER_UNRESOLVED(answer) ? NSW_F_UNRESOLVED : 0;
}

static __always_inline void mark(struct nsw_header *h, __u64 answer)
{
	/* Of several files of one act the refused one is told. */
	if (ANSWER_MODE(answer) <= h->verdict)
		return;
	h->verdict = ANSWER_MODE(answer);
	h->rule = ANSWER_RULE(answer);
	h->flags |= answer_flags(answer);
}

static __always_inline bool wanted(const struct nsw_settings *s, __u32 event)
{
	return s->wanted & 1ULL << event;
}

/* ---- open ----------------------------------------------------------------------------------------------------- */

static __always_inline void open_tell_aside(const struct nsw_settings *s, struct subject *who, struct file *file, __u64 answer)
{
	__u32 mode = ANSWER_MODE(answer);

	/* The sensor leaves it to us to report what came in without a system call: see left_to_enforcer(). */
	if (!mode && (!wanted(s, NSW_EVENT_OPEN) || internal_mount(BPF_CORE_READ(file, f_path.mnt))))
		return;
	if (mode == NSW_VERDICT_DENIED)
		open_aside(who, file, -EPERM, answer_flags(answer), mode, ANSWER_RULE(answer), NSW_RING_DENIALS);
	else
		open_aside(who, file, 0, answer_flags(answer) | NSW_F_NO_RESULT, mode, ANSWER_RULE(answer), NSW_RING_FILES);
}

static __always_inline void open_tell(const struct nsw_settings *s, struct subject *who, struct file *file, __u64 answer)
{
	__u64 key = (__u64)current_task();
	struct call *c = find_call(key, NSW_EVENT_OPEN);
	struct nsw_event_open *e;

	if (!c || c->head.state & CALL_SENT) {
		open_tell_aside(s, who, file, answer);
		return;
	}
	if (!ANSWER_MODE(answer))
		return;
	e = (void *)c->rec;
	mark(&e->h, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return; /* the sensor sends it, with the result */
	open_object(c, key, file);
	if (!open_finish(c, key, -EPERM, NSW_RING_DENIALS))
		c->head.state |= CALL_SENT;
}

static __always_inline __u32 open_classes(struct file *file)
{
	__u32 flags = BPF_CORE_READ(file, f_flags), classes = 0;

	if ((flags & O_ACCMODE) != O_WRONLY)
		classes |= 1 << NSW_CLASS_READ;
	if (flags & O_ACCMODE || flags & O_TRUNC || BPF_CORE_READ(file, f_mode) & (FMODE_WRITE | FMODE_CREATED))
		classes |= 1 << NSW_CLASS_WRITE;
	return classes;
}

SEC("?lsm/file_open")
int BPF_PROG(nsw_file_open, struct file *opened, int ret)
{
	struct file *file = (struct file *)(__u64)opened;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	__u32 classes;
	__u64 answer;

	if (ret || !s || !labelled(s, current_task(), &who))
		return ret;
	if (exec_open(file) || backing_file(file))
		return ret;
	classes = open_classes(file);
	home = judged(s, &who, classes);
	if (!home)
		return ret;
	answer = judge_file((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry), who.home,
			    home->classes & classes);
	answer = final_answer(s, home, answer, classes & 1 << NSW_CLASS_WRITE);
	open_tell(s, &who, file, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return ret;
	count(NSW_EVENT_OPEN, NSW_COUNT_DENIED);
	return refuse();
}

/* ---- exec ----------------------------------------------------------------------------------------------------- */

static __always_inline void exec_tell(const struct nsw_settings *s, struct subject *who, struct linux_binprm *bprm,
				      __u64 answer)
{
	__u64 key = (__u64)current_task();
	struct call_large *c = find_large(key);
	struct nsw_event_exec *e;
	bool aside = !c || c->head.type != NSW_EVENT_EXEC || c->head.state & CALL_SENT;
	int failed;

	if (aside && ANSWER_MODE(answer) != NSW_VERDICT_DENIED && wanted(s, NSW_EVENT_EXEC))
		key = (__u64)current_task(); /* opened as a call under way: sched_process_exec sends it */
	else if (aside)
		key |= ASIDE;
	if (aside) {
		told_aside(NSW_EVENT_EXEC);
		c = start_large(key, who, NSW_EVENT_EXEC, NSW_SYSCALL_NONE);
	}
	if (!c)
		return;
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
		failed = exec_failed(c, key, -EPERM, NSW_RING_DENIALS);
	} else {
		e->h.flags |= NSW_F_NO_RESULT;
		failed = exec_failed(c, key, 0, NSW_RING_EVENTS);
	}
	if (key & ASIDE)
		end_large(key);
	else if (!failed)
		c->head.state |= CALL_SENT;
}

/* Called for a script, then for its interpreter: each must pass. */
SEC("?lsm/bprm_check_security")
int BPF_PROG(nsw_bprm_check, struct linux_binprm *checked, int ret)
{
	struct linux_binprm *bprm = (struct linux_binprm *)(__u64)checked;
	struct nsw_settings *s = get_settings();
	struct nsw_home *home;
	struct subject who;
	struct file *file;
	__u64 answer;

	if (ret || !s)
		return ret;
	home = judged(s, &who, 1 << NSW_CLASS_EXEC);
	if (!home)
		return ret;
	file = BPF_CORE_READ(bprm, file);
	answer = judge_file((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry), who.home,
			    (home->classes & 1 << NSW_CLASS_EXEC) | STRICT);
	answer = final_answer(s, home, answer, true);
	if (!ANSWER_MODE(answer))
		return ret;
	exec_tell(s, &who, bprm, answer);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return ret;
	count(NSW_EVENT_EXEC, NSW_COUNT_DENIED);
	return refuse();
}

/* ---- connect -------------------------------------------------------------------------------------------------- */

/* The connect or send that the sensor saw enter. */
static __always_inline struct call *connect_entry(__u64 key)
{
	struct call *c = find_call(key, NSW_EVENT_CONNECT);

	return c ? c : find_call(key, NSW_EVENT_SEND);
}

static __always_inline void connect_tell(const struct nsw_settings *s, struct subject *who, struct socket *sock,
					 const void *address, __u32 length, __u64 answer, bool call)
{
	__u64 key = (__u64)current_task();
	struct call *c = connect_entry(key);
	__u32 mode = ANSWER_MODE(answer);
	struct nsw_event_connect *e;

	if (!c || c->head.state & CALL_SENT) {
		if (mode == NSW_VERDICT_DENIED)
			connect_aside(who, sock, address, length, -EPERM, answer_flags(answer), mode, ANSWER_RULE(answer),
				      NSW_RING_DENIALS);
		else if (!comes_again(sock) && (mode || (call && wanted(s, NSW_EVENT_CONNECT))))
			connect_aside(who, sock, address, length, 0, NSW_F_NO_RESULT, mode, ANSWER_RULE(answer),
				      NSW_RING_EVENTS);
		return;
	}
	if (!mode)
		return;
	e = (void *)c->rec;
	mark(&e->h, answer);
	if (mode != NSW_VERDICT_DENIED)
		return;
	connect_object(c, sock, address, length);
	if (!connect_finish(c, -EPERM, NSW_RING_DENIALS))
		c->head.state |= CALL_SENT;
}

/* 1 if the connection or the send is refused. `call`: connect(2), not a send. */
static __always_inline int judge_connect(struct socket *sock, const void *address, __u64 length, bool call)
{
	__u32 protocol = BPF_CORE_READ(sock, sk, sk_protocol), family;
	struct nsw_settings *s = get_settings();
	struct nsw_addr remote = {};
	struct address a = {};
	struct nsw_home *home;
	struct subject who;
	__u64 answer = 0;

	if (!s)
		return 0;
	home = judged(s, &who, 1 << NSW_CLASS_CONNECT);
	if (!home)
		return 0;
	keep(length);
	if (length > 28) /* struct sockaddr_in6 */
		length = 28;
	bpf_probe_read_kernel(&a, length, address);
	family = a.family;
	/* A datagram to AF_UNSPEC is sent as to AF_INET; a connect to it only takes the connection off. */
	if (family == AF_UNSPEC && !call)
		family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);
	if (family == AF_UNSPEC)
		return 0;
	if (remote_of(&a, family, &remote))
		answer = judge_address(home, &remote, host_order(a.port), protocol);
	answer = final_answer(s, home, answer, true);
	if (!call && !ANSWER_MODE(answer))
		return 0;
	connect_tell(s, &who, sock, address, length, answer, call);
	if (ANSWER_MODE(answer) != NSW_VERDICT_DENIED)
		return 0;
	count(NSW_EVENT_CONNECT, NSW_COUNT_DENIED);
	return 1;
}

SEC("?lsm/socket_connect")
int BPF_PROG(nsw_socket_connect, struct socket *sock, struct sockaddr *address, int length, int ret)
{
	if (ret || !judge_connect((struct socket *)(__u64)sock, (void *)(__u64)address, length, true))
		return ret;
	return refuse();
}

/* Sends that name their destination: unconnected ones, and TCP Fast Open, which passes no socket_connect. */
SEC("?lsm/socket_sendmsg")
int BPF_PROG(nsw_socket_sendmsg, struct socket *sent, struct msghdr *message, int size, int ret)
{
	struct socket *sock = (struct socket *)(__u64)sent;
	struct msghdr *m = (struct msghdr *)(__u64)message;
	void *name;

	if (ret)
		return ret;
	name = BPF_CORE_READ(m, msg_name); /* the kernel's copy at this point */
	if (!name)
		return ret;
	if (BPF_CORE_READ(sock, type) == SOCK_STREAM && !(BPF_CORE_READ(m, msg_flags) & MSG_FASTOPEN))
		return ret;
	if (!judge_connect(sock, name, BPF_CORE_READ(m, msg_namelen), false))
		return ret;
	return refuse();
}
