// SPDX-License-Identifier: Apache-2.0
// What processes do to their own rights: one event each, and none for what only asks.
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/acts/act.h"

namespace acts {
namespace {

// ---- ids ----

Outcome Setuid(Stage&) { return Done(syscall(SYS_setuid, 1000)); }
Outcome Setgid(Stage&) { return Done(syscall(SYS_setgid, 1000)); }
Outcome Setfsuid(Stage&) { return Done(syscall(SYS_setfsuid, 1000)); }
Outcome Setfsgid(Stage&) { return Done(syscall(SYS_setfsgid, 1000)); }
Outcome Setreuid(Stage&) { return Done(syscall(SYS_setreuid, 1000, -1)); }
Outcome Setregid(Stage&) { return Done(syscall(SYS_setregid, 1000, -1)); }
Outcome Setresuid(Stage&) { return Done(syscall(SYS_setresuid, 1, 2, 3)); }
Outcome Setresgid(Stage&) { return Done(syscall(SYS_setresgid, 1, 2, 3)); }
Outcome Setuid32(Stage&) { return Done(Call32(213, 1000)); }
Outcome Setuid16(Stage&) { return Done(Call32(23, 1000)); }
Outcome SetuidRefused(Stage&) {
  syscall(SYS_setuid, 1000);
  return Done(syscall(SYS_setgid, 7));
}
Outcome Setgroups(Stage&) {
  const unsigned groups[] = {4, 27};
  return Done(syscall(SYS_setgroups, 2, groups));
}

Outcome Capset(Stage&) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = 1U << CAP_CHOWN;
  data[0].permitted = 1U << CAP_CHOWN | 1U << CAP_KILL;
  return Done(syscall(SYS_capset, &header, data));
}

// ---- options ----

Outcome SetName(Stage&) { return Done(prctl(PR_SET_NAME, "disguise")); }
Outcome SetDumpable(Stage&) { return Done(prctl(PR_SET_DUMPABLE, 0, 7)); }
Outcome GetDumpable(Stage&) { return Done(prctl(PR_GET_DUMPABLE)); }
Outcome NoNewPrivileges(Stage&) { return Done(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
Outcome DropBound(Stage&) { return Done(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0)); }
Outcome Ptracer(Stage&) { return Done(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)); }
Outcome Personality(Stage&) { return Done(personality(ADDR_NO_RANDOMIZE)); }
Outcome AskPersonality(Stage&) { return Done(personality(0xffffffff)); }

Outcome Seccomp(Stage&) {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog program{1, &allow};
  return Done(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program));
}

const std::vector<Act> kActs = {
    {"setuid",
     "",
     nullptr,
     Setuid,
     {{"evt.type", "setuid"}, {"evt.arg.uid", "1000"}, {"evt.res", "SUCCESS"}}},
    {"setfsuid", "", nullptr, Setfsuid, {{"evt.type", "setfsuid"}, {"evt.arg.uid", "1000"}}},
    {"setgid",
     "",
     nullptr,
     Setgid,
     {{"evt.type", "setgid"}, {"evt.arg.gid", "1000"}, {"evt.res", "SUCCESS"}}},
    {"setfsgid", "", nullptr, Setfsgid, {{"evt.type", "setfsgid"}, {"evt.arg.gid", "1000"}}},
    {"setreuid",
     "",
     nullptr,
     Setreuid,
     {{"evt.type", "setreuid"},
      {"evt.arg.ruid", "1000"},
      {"evt.arg.euid", "-1"},
      {"evt.arg.suid", "-1"}}},
    {"setregid",
     "",
     nullptr,
     Setregid,
     {{"evt.type", "setregid"}, {"evt.arg.rgid", "1000"}, {"evt.arg.egid", "-1"}}},
    {"setresuid",
     "",
     nullptr,
     Setresuid,
     {{"evt.type", "setresuid"},
      {"evt.arg.ruid", "1"},
      {"evt.arg.euid", "2"},
      {"evt.arg.suid", "3"}}},
    {"setresgid",
     "",
     nullptr,
     Setresgid,
     {{"evt.type", "setresgid"},
      {"evt.arg.rgid", "1"},
      {"evt.arg.egid", "2"},
      {"evt.arg.sgid", "3"}}},
    {"int80-setuid",
     "X10",
     nullptr,
     Setuid32,
     {{"evt.type", "setuid"}, {"evt.arg.uid", "1000"}, {"evt.res", "SUCCESS"}}},
    {"int80-setuid16",
     "X10",
     nullptr,
     Setuid16,
     {{"evt.type", "setuid"}, {"evt.arg.uid", "1000"}, {"evt.res", "SUCCESS"}}},
    {"setgid-refused",
     "",
     nullptr,
     SetuidRefused,
     {{"evt.type", "setgid"}, {"evt.arg.gid", "7"}, {"evt.res", "EPERM"}},
     "setuid"},
    {"setgroups", "", nullptr, Setgroups, {{"evt.type", "setgroups"}, {"evt.arg.size", "2"}}},
    {"capset",
     "",
     nullptr,
     Capset,
     {{"evt.type", "capset"},
      {"evt.arg.cap_effective", "CAP_CHOWN"},
      {"evt.arg.cap_permitted", "CAP_CHOWN|CAP_KILL"},
      {"evt.arg.cap_inheritable", "0"},
      {"evt.res", "SUCCESS"}}},
    {"prctl-set-name",
     "",
     nullptr,
     SetName,
     {{"evt.type", "prctl"},
      {"evt.arg.option", "PR_SET_NAME"},
      {"evt.arg.arg2_str", "disguise"},
      {"evt.res", "SUCCESS"}}},
    {"prctl-set-dumpable",
     "",
     nullptr,
     SetDumpable,
     {{"evt.type", "prctl"},
      {"evt.arg.option", "PR_SET_DUMPABLE"},
      {"evt.arg.arg2_int", "0"},
      {"evt.arg.arg3", "7"}}},
    {"prctl-get-dumpable", "", nullptr, GetDumpable, {}},
    {"prctl-no-new-privs",
     "",
     nullptr,
     NoNewPrivileges,
     {{"evt.type", "prctl"}, {"evt.arg.option", "PR_SET_NO_NEW_PRIVS"}, {"evt.arg.arg2_int", "1"}}},
    {"prctl-capbset-drop",
     "",
     nullptr,
     DropBound,
     {{"evt.type", "prctl"}, {"evt.arg.option", "PR_CAPBSET_DROP"}, {"evt.arg.arg2_int", "25"}}},
    {"prctl-set-ptracer",
     "",
     nullptr,
     Ptracer,
     {{"evt.type", "prctl"}, {"evt.arg.option", "PR_SET_PTRACER"}}},
    {"personality",
     "",
     nullptr,
     Personality,
     {{"evt.type", "personality"}, {"evt.arg.persona", "ADDR_NO_RANDOMIZE"}}},
    {"personality-asks", "", nullptr, AskPersonality, {}},
    {"seccomp",
     "",
     nullptr,
     Seccomp,
     {{"evt.type", "seccomp"},
      {"evt.arg.op", "SECCOMP_SET_MODE_FILTER"},
      {"evt.arg.flags", "SECCOMP_FILTER_FLAG_LOG"},
      {"evt.res", "SUCCESS"}}},
};

}  // namespace

const std::vector<Act>& CredentialActs() { return kActs; }

}  // namespace acts
