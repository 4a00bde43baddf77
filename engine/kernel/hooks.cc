// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "bpf/abi.h"
#include "engine/base/unique_fd.h"
#include "engine/kernel/programs.h"

namespace nsw::kernel {
namespace {

#define C(name) (1U << NSW_CLASS_##name)
#define O(name) (1U << NSW_OPERATION_##name)

// As KEPT_BY_FILE of the programs: what a new name of a file must not lead around.
constexpr uint32_t kKeptByFile =
    C(EXEC) | C(READ) | C(MODIFY) | C(CHMOD) | C(CHOWN) | C(XATTR) | C(TOUCH);

// Of the acts behind inode_* hooks: the mount that the caller was given leave to write to.
constexpr uint32_t kByInode = C(MODIFY) | C(CREATE) | C(DELETE) | C(RENAME) | C(LINK) | C(CHMOD) |
                              C(CHOWN) | C(XATTR) | C(TOUCH);

struct Hook {
  const char* program;
  const char* name;
  const char* without;  ///< what becomes of its acts where it is missing; null: all kernels have it
  Refusals serves;
};

constexpr const char* kNotRefused = "these acts are not refused";

constexpr Hook kHooks[] = {
    {"nsw_file_open", "file_open", nullptr, {C(READ) | C(MODIFY) | C(EXEC), 0}},
    {"nsw_path_mknod", "path_mknod", kNotRefused, {C(CREATE) | C(BIND), 0}},
    {"nsw_path_mkdir", "path_mkdir", kNotRefused, {C(CREATE), 0}},
    {"nsw_path_symlink", "path_symlink", kNotRefused, {C(CREATE), 0}},
    {"nsw_path_unlink", "path_unlink", kNotRefused, {C(DELETE), 0}},
    {"nsw_path_rmdir", "path_rmdir", kNotRefused, {C(DELETE), 0}},
    {"nsw_path_link", "path_link", kNotRefused, {C(LINK) | C(CREATE) | kKeptByFile, 0}},
    {"nsw_path_rename", "path_rename", kNotRefused, {C(RENAME) | C(DELETE) | kKeptByFile, 0}},
    {"nsw_path_truncate", "path_truncate", kNotRefused, {C(MODIFY), 0}},
    {"nsw_path_chmod", "path_chmod", kNotRefused, {C(CHMOD), 0}},
    {"nsw_path_chown", "path_chown", "by inode_setattr", {C(CHOWN), 0}},
    {"nsw_inode_setattr",
     "inode_setattr",
     nullptr,
     {C(TOUCH) | C(CHOWN) | C(CHMOD) | C(MODIFY), 0}},
    {"nsw_layer_create", "inode_create", nullptr, {C(CREATE), 0}},
    {"nsw_layer_mkdir", "inode_mkdir", nullptr, {C(CREATE), 0}},
    {"nsw_layer_mknod", "inode_mknod", nullptr, {C(CREATE), 0}},
    {"nsw_layer_symlink", "inode_symlink", nullptr, {C(CREATE), 0}},
    {"nsw_layer_unlink", "inode_unlink", nullptr, {C(DELETE), 0}},
    {"nsw_layer_rmdir", "inode_rmdir", nullptr, {C(DELETE), 0}},
    {"nsw_layer_link", "inode_link", nullptr, {C(LINK), 0}},
    {"nsw_layer_link_to", "inode_link", nullptr, {C(LINK) | C(CREATE), 0}},
    {"nsw_layer_rename", "inode_rename", nullptr, {C(RENAME), 0}},
    {"nsw_layer_rename_to", "inode_rename", nullptr, {C(RENAME), 0}},
    {"nsw_inode_file_setattr", "inode_file_setattr", "by file_ioctl", {C(TOUCH), 0}},
    {"nsw_file_ioctl", "file_ioctl", nullptr, {C(TOUCH), 0}},
    {"nsw_file_ioctl_compat", "file_ioctl_compat", "by file_ioctl", {C(TOUCH), 0}},
    {"nsw_inode_setxattr", "inode_setxattr", nullptr, {C(XATTR), 0}},
    {"nsw_inode_removexattr", "inode_removexattr", nullptr, {C(XATTR), 0}},
    {"nsw_inode_set_acl", "inode_set_acl", "by inode_setxattr", {C(XATTR), 0}},
    {"nsw_inode_remove_acl", "inode_remove_acl", "by inode_removexattr", {C(XATTR), 0}},
    {"nsw_file_receive", "file_receive", nullptr, {C(READ) | C(MODIFY) | C(CONNECT), 0}},
    {"nsw_mmap_file", "mmap_file", nullptr, {C(EXEC) | C(MODIFY), O(EXEC_MEMORY)}},
    {"nsw_file_mprotect", "file_mprotect", nullptr, {C(EXEC) | C(MODIFY), O(EXEC_MEMORY)}},
    {"nsw_sb_mount", "sb_mount", nullptr, {C(TOUCH), O(MOUNT)}},
    {"nsw_move_mount", "move_mount", nullptr, {C(TOUCH), O(MOUNT)}},
    {"nsw_sb_umount", "sb_umount", nullptr, {0, O(UMOUNT)}},
    {"nsw_sb_pivotroot", "sb_pivotroot", nullptr, {0, O(MOUNT)}},
    {"nsw_bprm_check", "bprm_check_security", nullptr, {C(EXEC) | C(UNTIL), 0}},
    {"nsw_socket_create", "socket_create", nullptr, {C(SOCKET), O(RAW_SOCKET)}},
    {"nsw_socket_bind", "socket_bind", nullptr, {C(BIND), 0}},
    {"nsw_socket_listen", "socket_listen", nullptr, {C(LISTEN), 0}},
    {"nsw_socket_connect", "socket_connect", nullptr, {C(CONNECT), 0}},
    {"nsw_socket_sendmsg", "socket_sendmsg", nullptr, {C(CONNECT), 0}},
    {"nsw_sctp", "sctp_bind_connect", nullptr, {C(CONNECT) | C(BIND), 0}},
    {"nsw_unix_connect", "unix_stream_connect", nullptr, {C(CONNECT), 0}},
    {"nsw_unix_send", "unix_may_send", nullptr, {C(CONNECT), 0}},
    {"nsw_capable", "capable", nullptr, {C(CAPABILITY), O(NAMESPACE) | O(MOUNT)}},
    {"nsw_userns_create", "userns_create", "by task_alloc and cred_prepare", {0, O(USERNS)}},
    {"nsw_cred_prepare", "cred_prepare", nullptr, {0, O(USERNS)}},
    {"nsw_ptrace", "ptrace_access_check", nullptr, {0, O(PTRACE)}},
    {"nsw_traceme", "ptrace_traceme", nullptr, {0, O(PTRACE)}},
    {"nsw_task_kill", "task_kill", nullptr, {0, O(KILL)}},
    {"nsw_bpf", "bpf", nullptr, {0, O(BPF)}},
    {"nsw_perf", "perf_event_open", kNotRefused, {0, O(PERF)}},
    {"nsw_kernel_read_file", "kernel_read_file", nullptr, {0, O(MODULE_LOAD)}},
    {"nsw_kernel_load_data", "kernel_load_data", nullptr, {0, O(MODULE_LOAD)}},
    {"nsw_anon_inode",
     "inode_init_security_anon",
     "by file_alloc_security",
     {0, O(IO_URING) | O(USERFAULTFD)}},
    {"nsw_file_alloc", "file_alloc_security", nullptr, {0, O(IO_URING) | O(USERFAULTFD)}},
    {"nsw_key_permission", "key_permission", kNotRefused, {0, O(KEYCTL)}},
    {"nsw_key_alloc", "key_alloc", kNotRefused, {0, O(KEYCTL)}},
};

// Functions that are not called security_HOOK. Their arguments are those of their hooks, but for
// mmap_file (see nsw_mmap_file) and what ArgumentOf finds.
struct Name {
  const char* hook;
  const char* function;
};
constexpr Name kNames[] = {
    {"bprm_check_security", "security_bprm_check"},
    {"cred_prepare", "security_prepare_creds"},
    {"file_alloc_security", "security_file_alloc"},
    {"userns_create", "security_create_user_ns"},
};

/// Of bpf/protect.bpf.c. `trial`: kernels differ in whether they have it.
struct Guard {
  const char* program;
  const char* hook;
  bool trial = false;
};

constexpr Guard kGuards[] = {
    {"nsw_guard_kill", "task_kill"},
    {"nsw_guard_sigio", "file_send_sigiotask"},
    {"nsw_guard_ptrace", "ptrace_access_check"},
    {"nsw_guard_setnice", "task_setnice"},
    {"nsw_guard_setioprio", "task_setioprio"},
    {"nsw_guard_setscheduler", "task_setscheduler"},
    {"nsw_guard_movememory", "task_movememory"},
    {"nsw_guard_setrlimit", "task_setrlimit"},
    {"nsw_guard_map", "bpf_map"},
    {"nsw_guard_program", "bpf_prog"},
    {"nsw_guard_bpf_link", "bpf"},
    {"nsw_guard_open", "file_open"},
    {"nsw_guard_lock", "file_lock"},
    {"nsw_guard_ioctl", "file_ioctl"},
    {"nsw_guard_ioctl_compat", "file_ioctl_compat", true},
    {"nsw_guard_setflags", "inode_file_setattr", true},
    {"nsw_guard_create", "inode_create"},
    {"nsw_guard_mknod", "inode_mknod"},
    {"nsw_guard_mkdir", "inode_mkdir"},
    {"nsw_guard_symlink", "inode_symlink"},
    {"nsw_guard_unlink", "inode_unlink"},
    {"nsw_guard_rmdir", "inode_rmdir"},
    {"nsw_guard_link", "inode_link"},
    {"nsw_guard_rename", "inode_rename"},
    {"nsw_guard_setattr", "inode_setattr"},
    {"nsw_guard_setxattr", "inode_setxattr"},
    {"nsw_guard_removexattr", "inode_removexattr"},
    {"nsw_guard_set_acl", "inode_set_acl", true},
    {"nsw_guard_remove_acl", "inode_remove_acl", true},
    {"nsw_guard_connect", "unix_stream_connect"},
    {"nsw_guard_mount", "sb_mount"},
    {"nsw_guard_move", "move_mount"},
    {"nsw_guard_umount", "sb_umount"},
};

/// Position of the first argument of that struct type; 0 where there is none.
uint32_t ArgumentOf(const btf* types, const std::string& name, const std::string& type) {
  const uint32_t function = FindBtfFunction(name);
  if (function == 0 || types == nullptr) return 0;
  const btf_type* proto = btf__type_by_id(types, btf__type_by_id(types, function)->type);
  for (uint32_t i = 0; i < btf_vlen(proto); ++i) {
    const btf_type* argument = btf__type_by_id(types, btf_params(proto)[i].type);
    if (!btf_is_ptr(argument)) continue;
    const btf_type* target = btf__type_by_id(types, argument->type);
    if (btf_is_mod(target)) target = btf__type_by_id(types, target->type);
    if (type == btf__name_by_offset(types, target->name_off)) return i;
  }
  return 0;
}

}  // namespace

std::string Hooks::FunctionOf(const std::string& hook) const {
  if (enforcement_ == Enforcement::kRefuses) return "bpf_lsm_" + hook;
  const Name* found = std::ranges::find(kNames, hook, &Name::hook);
  return found == std::end(kNames) ? "security_" + hook : found->function;
}

/// True where a program that does nothing can be attached there: type information alone does not
/// tell (5.10 has path_chown, but takes no program on it).
bool Hooks::TryAttached(uint32_t function) const {
  if (function == 0) return false;
  std::array<bpf_insn, 2> nothing{};
  nothing[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  nothing[1].code = BPF_JMP | BPF_EXIT;
  const bool lsm = enforcement_ == Enforcement::kRefuses;
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = lsm ? BPF_LSM_MAC : BPF_MODIFY_RETURN;
  options.attach_btf_id = function;
  const UniqueFd program(bpf_prog_load(lsm ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING, "nsw_trial",
                                       "GPL", nothing.data(), nothing.size(), &options));
  if (!program.valid()) return false;
  const UniqueFd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  return link.valid();
}

bool Hooks::Try(const std::string& hook) {
  if (const auto known = there_.find(hook); known != there_.end()) return known->second;
  const Hook* row = std::ranges::find_if(kHooks, [&](const Hook& h) { return hook == h.name; });
  // Attaching takes a while: it is tried only where kernels are known to differ.
  const uint32_t function = FindBtfFunction(FunctionOf(hook));
  const bool there = row->without != nullptr ? TryAttached(function) : function != 0;
  there_[hook] = there;
  return there;
}

Hooks::Hooks(Enforcement enforcement) : enforcement_(enforcement) {
  btf* types = btf__load_vmlinux_btf();
  setattr_dentry_ = ArgumentOf(types, FunctionOf("inode_setattr"), "dentry");
  setxattr_dentry_ = ArgumentOf(types, FunctionOf("inode_setxattr"), "dentry");
  acl_dentry_ = ArgumentOf(types, FunctionOf("inode_set_acl"), "dentry");
  btf__free(types);
  if (!Try("perf_event_open")) operations_ &= ~O(PERF);
  if (!Try("key_permission")) operations_ &= ~O(KEYCTL);
}

void Hooks::Describe(enforce* skeleton) {
  auto* constants = skeleton->rodata;
  constants->refusing = 1;
  constants->by_killing = enforcement_ == Enforcement::kKills ? 1 : 0;
  constants->setattr_dentry = setattr_dentry_;
  constants->setxattr_dentry = setxattr_dentry_;
  constants->acl_dentry = acl_dentry_;
  constants->chown_by_inode = Try("path_chown") ? 0 : 1;
  constants->users_by_clone = Try("userns_create") ? 0 : 1;
}

Status Hooks::Ask(bpf_object* object, const std::string& name) const {
  Want(object, name);
  if (enforcement_ == Enforcement::kRefuses) return {};
  bpf_program* program = FindProgram(object, name);
  const std::string section = bpf_program__section_name(program);
  return PutOnFunction(program, FunctionOf(section.substr(section.find('/') + 1)));
}

Status Hooks::Choose(bpf_object* object, const Refusals& wanted, const Refusals& served) {
  for (const Hook& hook : kHooks) {
    if (!hook.serves.Meets(wanted) || hook.serves.Meets(served)) continue;
    const std::string name = hook.name;
    if (name == "cred_prepare" && Try("userns_create")) continue;
    if (name == "file_alloc_security" && Try("inode_init_security_anon")) continue;
    if (name.starts_with("file_ioctl") && Try("inode_file_setattr")) continue;
    if (!Try(name)) {
      spdlog::warn("this kernel has no hook {}: {}", name,
                   hook.without != nullptr ? hook.without : kNotRefused);
      continue;
    }
    if (Status asked = Ask(object, hook.program); !asked) return asked;
  }
  if (!wanted.Meets({kByInode, 0}) || served.Meets({kByInode, 0})) return {};
  if (HasBtfFunction("mnt_want_write")) Want(object, "nsw_want_write");
  if (HasBtfFunction("mnt_want_write_file")) Want(object, "nsw_want_write_file");
  return {};
}

void Hooks::ChooseGuards(bpf_object* object) {
  for (const Guard& guard : kGuards) {
    const uint32_t function = FindBtfFunction(FunctionOf(guard.hook));
    if (guard.trial ? TryAttached(function) : function != 0)
      Want(object, guard.program);
    else if (!guard.trial)
      spdlog::warn("this kernel has no hook {}: the engine is not protected there", guard.hook);
  }
}

}  // namespace nsw::kernel
