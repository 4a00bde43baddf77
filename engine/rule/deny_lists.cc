// SPDX-License-Identifier: Apache-2.0
// THE table of what stands under `deny:` and `allow:`.
#include <algorithm>
#include <array>

#include "engine/rule/deny_entry.h"

namespace nsw::rule {
namespace {

constexpr uint32_t Bit(DenyClass deny_class) { return ClassBit(deny_class); }

constexpr ListKey File(std::string_view name, uint32_t classes, std::string_view output) {
  return {name, classes, "path", ParsePathEntry, output};
}

constexpr std::array kLists{
    ListKey{"exec", Bit(DenyClass::k_exec), "path", ParseExecEntry,
            "execution of %evt.arg.file (%proc.cmdline) by %proc.pname in %container.name"},
    File("read", Bit(DenyClass::k_read),
         "%proc.name (%proc.cmdline) reads %fd.name in %container.name"),
    File("write", kWriteClasses,
         "%proc.name (%proc.cmdline) writes %fs.path.name in %container.name"),
    File("create", Bit(DenyClass::k_create),
         "%proc.name (%proc.cmdline) makes %fs.path.name in %container.name"),
    File("delete", Bit(DenyClass::k_delete),
         "%proc.name (%proc.cmdline) removes %fs.path.name in %container.name"),
    File("rename", Bit(DenyClass::k_rename),
         "%proc.name (%proc.cmdline) renames %fs.path.source to %fs.path.target in "
         "%container.name"),
    File("link", Bit(DenyClass::k_link),
         "%proc.name (%proc.cmdline) links %fs.path.target as %fs.path.source in %container.name"),
    File("chmod", Bit(DenyClass::k_chmod),
         "%proc.name (%proc.cmdline) changes permissions of %fs.path.name in %container.name"),
    File("chown", Bit(DenyClass::k_chown),
         "%proc.name (%proc.cmdline) changes the owner of %fs.path.name in %container.name"),
    File("xattr", Bit(DenyClass::k_xattr),
         "%proc.name (%proc.cmdline) changes attributes of %fs.path.name in %container.name"),
    ListKey{"connect", Bit(DenyClass::k_connect), "to", ParseNetEntry,
            "%proc.name (%proc.cmdline) connects to %fd.rip port %fd.rport in %container.name"},
    ListKey{"bind", Bit(DenyClass::k_bind), "to", ParseNetEntry,
            "%proc.name (%proc.cmdline) takes the address %fd.name in %container.name"},
    ListKey{"listen", Bit(DenyClass::k_listen), "to", ParseNetEntry,
            "%proc.name (%proc.cmdline) waits for connections on %fd.name in %container.name"},
    ListKey{"socket", Bit(DenyClass::k_socket), "name", ParseSocketEntry,
            "%proc.name (%proc.cmdline) makes a socket (%evt.arg.domain %evt.arg.type) in "
            "%container.name"},
    ListKey{"capabilities", Bit(DenyClass::k_capability), "name", ParseCapabilityEntry,
            "%proc.name (%proc.cmdline) needs a capability in %container.name"},
    ListKey{"operations", Bit(DenyClass::k_operation), "name", ParseOperationEntry,
            "%proc.name (%proc.cmdline): %evt.type in %container.name"},
};

constexpr auto kNames = [] {
  std::array<std::string_view, kLists.size()> names;
  for (size_t i = 0; i < names.size(); i++) names[i] = kLists[i].name;
  return names;
}();

}  // namespace

std::span<const ListKey> ListKeys() { return kLists; }

const ListKey* FindListKey(std::string_view name) {
  const auto found = std::ranges::find(kLists, name, &ListKey::name);
  return found == kLists.end() ? nullptr : &*found;
}

std::span<const std::string_view> ListKeyNames() { return kNames; }

}  // namespace nsw::rule
