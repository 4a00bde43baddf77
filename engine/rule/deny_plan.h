// SPDX-License-Identifier: Apache-2.0
// The deny plan: what the policies that are bound to a container refuse and permit. Made by the
// compiler, lowered to the kernel's maps by the deny-map driver (engine/kernel), and decided in
// user space by DenyMatcher, which is the reference of what it means.
//
// A judgement is about one act on one object: a rename has two, the execution of a script two or
// more, and each object must pass by itself. An act asks for one or more classes at once (opening
// for reading and writing: READ and MODIFY).
//
// 1. An entry *hits* when it speaks of one of the asked classes, one of its keys is the object's,
//    and its condition holds. A hit is void when one of the entry's exceptions holds.
// 2. A deny entry that hits refuses. For each class asked, each policy that has allow lists
//    covering that class needs a hit of one of them for that very class; where it has none the
//    absence refuses under the list's own rule (AllowList). Lists of one policy join, those of
//    several policies intersect.
// 3. Of what refuses, one speaks: deny entries go before absences within one mode, and DENIED
//    before AUDIT whatever they are. Entries speak in the plan's order, which has those that
//    kill first, then the enforcing, then the auditing; absences in the order of `allow`.
//
// A value type; copying it shares nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/abi.h"

namespace nsw::rule {

/// The kinds of acts, by number as in bpf/deny.def.
enum class DenyClass : uint8_t {
#define CLASS(NAME, name, ...) k_##name,
#include "bpf/deny.def"
  kCount
};
/// By number as in bpf/deny.def.
enum class DenyOperation : uint8_t {
#define OPERATION(NAME, name, ...) k_##name,
#include "bpf/deny.def"
  kCount
};

/// By number as in bpf/deny.def.
enum class DenyOrigin : uint8_t {
#define ORIGIN(NAME, name, ...) k_##name,
#include "bpf/deny.def"
  kCount
};

constexpr uint32_t ClassBit(DenyClass deny_class) {
  return 1U << static_cast<unsigned>(deny_class);
}
/// What `write` means.
inline constexpr uint32_t kWriteClasses =
    ClassBit(DenyClass::k_modify) | ClassBit(DenyClass::k_create) | ClassBit(DenyClass::k_delete) |
    ClassBit(DenyClass::k_rename) | ClassBit(DenyClass::k_link) | ClassBit(DenyClass::k_chmod) |
    ClassBit(DenyClass::k_chown) | ClassBit(DenyClass::k_xattr) | ClassBit(DenyClass::k_touch);
/// Classes whose objects are files. Unix sockets that have a path are found under the same keys,
/// with kNetworkClasses.
inline constexpr uint32_t kFileClasses =
    kWriteClasses | ClassBit(DenyClass::k_exec) | ClassBit(DenyClass::k_read);
/// Classes whose objects are addresses: IPv4, IPv6, unix. Other families are SOCKET's alone.
inline constexpr uint32_t kNetworkClasses =
    ClassBit(DenyClass::k_connect) | ClassBit(DenyClass::k_bind) | ClassBit(DenyClass::k_listen);

enum class DenyKind : uint8_t {
  kPath,       ///< `path`: that very path, what it resolves to, and that file's inode
  kBelow,      ///< `path`: everything below that directory, itself not ("dir/**")
  kName,       ///< `path`: every path whose last component is this ("**/name")
  kSuffix,     ///< `path`: every path whose last component ends so (".so" of "**/*.so")
  kHolePath,   ///< `path`: component number `hole` is "*", any one name ("/proc/*/environ")
  kHoleBelow,  ///< the same, everything below ("/home/*/.ssh/**"); "/home/*/**": `hole` is the last
  kNet,        ///< `net`: addresses and ports
  kAbstract,   ///< `path`: name of an abstract unix socket, without the leading NUL
  kSocket,     ///< `number`: family << 16 | type, kAnySocket in either half for any
  kCapability,  ///< `number`: CAP_*
  kOperation,   ///< `number`: DenyOperation, that very one; the entry "mount" has UMOUNT's key, too
  kOrigin,      ///< `number`: DenyOrigin: where an executed file comes from, whatever its path
};

inline constexpr uint32_t kAnySocket = 0xffff;

/// A range of addresses and ports. IPv4 is mapped into IPv6 (prefix 96 + n).
struct NetRange {
  std::array<uint8_t, 16> address{};  ///< network order
  uint8_t prefix = 0;                 ///< bits, 0..128; an entry of only a port has 0
  uint16_t port_low = 0;              ///< inclusive; 0..65535 is any
  uint16_t port_high = 65535;
  uint8_t protocol = 0;  ///< IPPROTO_TCP, IPPROTO_UDP; 0 is any
  bool operator==(const NetRange&) const = default;
};

/// One thing that an object can be found under.
struct DenyKey {
  DenyKind kind = DenyKind::kPath;
  uint8_t hole = 0;  ///< position of the "*" component of `path`, from 0
  std::string path;  ///< where it is a path: normalised: absolute, no "." or "..", no doubled or
                     ///< trailing slash; "/" is the root
  uint32_t number = 0;
  NetRange net;
  bool operator==(const DenyKey&) const = default;
};

/// Bits of `when`.
enum DenyWhen : uint8_t {
  kWhenStartup = 1 << 0,  ///< before PID 1 has run what `startup: until` names; not joined
  kWhenRunning = 1 << 1,  ///< after that, or without `startup:`; not joined
  kWhenJoined = 1 << 2,   ///< entered from outside (NSW_F_JOINED), whatever the phase
};

/// Who acts, and when. All parts must hold. Groups are positions in DenyPlan::groups plus 1.
struct DenyCondition {
  uint16_t by = 0;        ///< the executable of the acting process is in this group; 0: any
  uint16_t ancestor = 0;  ///< that of one above it (in the same container) is; 0: any
  uint8_t when = 0;       ///< bits of DenyWhen, one of which must hold; 0: always
  bool operator==(const DenyCondition&) const = default;
};

/// A hole in an entry.
struct DenyException {
  std::vector<DenyKey> keys;  ///< the object is under one of these; empty: whatever it is
  DenyCondition condition;
};

enum class DenyAction : uint8_t {
  kRefuse,
  kKill,  ///< SIGKILL at the act, too; only where `mode` is DENIED
};

/// One entry of a deny list or, with `allow`, of an allow list.
struct DenyEntry {
  uint32_t rule = 0;     ///< id of the rule POLICY/CLASS/ENTRY: what the kernel's verdict carries;
                         ///< of an allow entry POLICY/allow/CLASS/ENTRY, which is never reported
  uint32_t classes = 0;  ///< bit per DenyClass
  nsw_verdict_code mode = NSW_VERDICT_AUDIT;
  uint16_t policy = 0;  ///< position in DenyPlan::policies: whose phase `when` means
  bool allow = false;   ///< permits, as part of its policy's allow lists
  DenyAction action = DenyAction::kRefuse;
  std::vector<DenyKey> keys;  ///< one or more; the object is under one of them
  DenyCondition condition;
  std::vector<DenyException> exceptions;  ///< one of them is enough
};

/// That a policy permits only what its allow entries of a class name.
struct AllowList {
  uint32_t rule = 0;     ///< id of the rule POLICY/allow/CLASS, which absence is refused under
  uint32_t classes = 0;  ///< bit per DenyClass
  nsw_verdict_code mode = NSW_VERDICT_AUDIT;
  uint16_t policy = 0;  ///< position in DenyPlan::policies; allow entries of that one permit
};

/// Executables: the file that a process runs is under one of the keys (paths).
struct DenyGroup {
  std::vector<DenyKey> keys;
  bool operator==(const DenyGroup&) const = default;
};

struct DenyPolicy {
  std::vector<DenyKey> until;  ///< PID 1 executes one of these: the startup phase ends. Empty: the
                               ///< policy is always in the running phase
  bool fallback_kill = false;  ///< where the kernel cannot refuse, kill from the tracing programs
};

inline constexpr size_t kDenyGroupsMax = 63;     // a bit each in the kernel, 0 means none
inline constexpr size_t kDenyPoliciesMax = 32;   // likewise
inline constexpr size_t kDenyHoleDepthMax = 32;  // components of a path that has a "*" component
inline constexpr size_t kDenyShapesMax = 8;      // distinct suffix lengths; (depth, hole)

/// Of one set of policies. The kernel's limits are not looked at here: lowering refuses.
struct DenyPlan {
  std::vector<DenyEntry> entries;
  std::vector<AllowList> allow;
  std::vector<DenyGroup> groups;
  std::vector<DenyPolicy> policies;

  [[nodiscard]] bool empty() const { return entries.empty() && allow.empty(); }
  /// What some entry or list speaks of.
  [[nodiscard]] uint32_t classes() const {
    uint32_t all = 0;
    for (const DenyEntry& entry : entries) all |= entry.classes;
    for (const AllowList& list : allow) all |= list.classes;
    return all;
  }
};

}  // namespace nsw::rule
