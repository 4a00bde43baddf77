/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types, as far as the programs read them. libbpf relocates each access against the running kernel's BTF
 * (CO-RE), so order and padding here mean nothing, and one object serves 5.10 to 7.x. No generated vmlinux.h: a stranger
 * sees in one screen what is taken from the kernel. A struct with a ___suffix is another kernel version's shape of it.
 */
#ifndef NSWARDEN_KERNEL_TYPES_H
#define NSWARDEN_KERNEL_TYPES_H

#include "kernel_constants.h"

#define __VMLINUX_H__ /* bpf_tracing.h: pt_regs has the kernel's member names */

typedef _Bool bool;
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#define true 1
#define false 0

/* Read whole, an element of an array: not relocated. */
struct upid {
	__u64 nr; /* and padding */
	void *ns; /* struct pid_namespace */
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
	char s_id[32];
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_nlink;
	unsigned long i_ino;
	struct super_block *i_sb;
	struct hlist_head i_dentry;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	unsigned char d_iname[32];
	struct super_block *d_sb;
	union {
		struct hlist_node d_alias;
	} d_u;
};

union shortname_store {
	unsigned char string[40];
};

struct dentry___new {
	union shortname_store d_shortname;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct ns_common {
	unsigned int inum;
};

struct ns_common___id {
	u64 ns_id;
};

struct mnt_namespace {
	struct ns_common ns;
	struct mount *root;
};

struct mnt_namespace___seq {
	u64 seq;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct fs_struct {
	struct path root, pwd;
};

struct pid_namespace {
	struct task_struct *child_reaper;
	struct ns_common ns;
};

struct uts_namespace {
	struct ns_common ns;
};

struct ipc_namespace {
	struct ns_common ns;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct user_namespace {
	struct ns_common ns;
	struct user_namespace *parent;
	struct {
		u32 val;
	} owner;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct cgroup_namespace *cgroup_ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

struct kernfs_node {
	u64 id;
	const char *name;
	struct kernfs_node *__parent;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* see identity.h */
	struct cgroup *dfl_cgrp;
};

struct kuid {
	u32 val;
};

struct cred {
	struct {
		u32 val;
	} uid, gid, euid;
	struct {
		u64 bits; /* named and split otherwise before 6.3: only its place is asked for */
	} cap_effective;
	struct user_namespace *user_ns;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct signal_struct {
	struct {
		int counter;
	} live;
	int nr_threads;
	struct pid *pids[4];
	int group_exit_code;
	unsigned int flags;
	struct tty_struct *tty;
};

struct file;

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long saved_auxv[48];
	struct file *exe_file;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
	unsigned int f_flags;
	unsigned int f_mode;
};

struct anon_vma;

struct vm_area_struct {
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	struct file *vm_file;
};

struct iattr {
	unsigned int ia_valid;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct thread_info {
	u32 status;
};

struct list_head {
	struct list_head *next;
};

struct task_struct {
	struct thread_info thread_info;
	struct list_head ptraced;
	struct list_head ptrace_entry;
	void *stack;
	unsigned int personality;
	int pid;
	int tgid;
	int exit_state;
	int exit_code;
	u64 start_boottime;
	u64 self_exec_id;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct nsproxy *nsproxy;
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	struct css_set *cgroups;
	const struct cred *cred;
	struct {
		u32 val;
	} loginuid;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
};

struct filename {
	const char *name;
};

struct open_how {
	u64 flags;
};

struct in6_addr {
	u8 s6_addr[16]; /* read as bytes, not relocated: see address_of() */
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_ipv6only : 1;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	struct socket *sk_socket;
};

enum socket_state {
	SS_FREE,
	SS_UNCONNECTED,
	SS_CONNECTING,
};

struct socket {
	enum socket_state state;
	short type;
	struct sock *sk;
};

struct sockaddr_un {
	unsigned short sun_family;
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	void *msg_control;
	unsigned long msg_controllen;
	unsigned int msg_flags;
};

/* Values are the running kernel's. */
enum kernel_read_file_id {
	READING_MODULE = 2,
	READING_MODULE_COMPRESSED = 7,
};

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_task_pt_regs = 175,
};

enum kernel_load_data_id {
	LOADING_MODULE = 2,
};

#pragma clang attribute pop

#include "kernel_types_ring.h"
struct sockaddr;
struct timespec64;

/* Keeps clang from folding a bound into a form that the verifier cannot follow. */
#define keep(x) asm volatile("" : "+r"(x))

#endif
