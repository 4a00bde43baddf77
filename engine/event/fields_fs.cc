// SPDX-License-Identifier: Apache-2.0
// Falco's other names for what events.def has: fs.path.* over all acts on paths, and the names of
// arguments, which differ from call to call.
#include "engine/event/field_table.h"

namespace nsw::event {
namespace {

const Alias kAliases[] = {
    {"fs.path.name", Type::k_open, "path"},
    {"fs.path.nameraw", Type::k_open, "raw"},
    {"fs.path.sourceraw", Type::k_rename, "raw"},
    {"fs.path.targetraw", Type::k_rename, "to_raw"},
    // Of a link Falco calls its own place the source.
    {"fs.path.sourceraw", Type::k_link, "to_raw"},
    {"fs.path.targetraw", Type::k_link, "raw"},
    {"fs.path.sourceraw", Type::k_symlink, "raw"},
    {"fs.path.name", Type::k_symlink, "path"},  // the one path that it acts on
    {"fs.path.target", Type::k_symlink, "target"},
    {"fs.path.targetraw", Type::k_symlink, "target"},
    {"fs.path.sourceraw", Type::k_mount, "source_raw"},
    {"evt.arg.dir", Type::k_mount, "raw"},
    {"evt.arg.path", Type::k_unlink, "raw"},
    {"evt.arg.path", Type::k_mkdir, "raw"},
    {"evt.arg.path", Type::k_mknod, "raw"},
    {"evt.arg.path", Type::k_chown, "raw"},
    {"evt.arg.path", Type::k_chroot, "raw"},
    {"evt.arg.path", Type::k_truncate, "raw"},
    {"evt.arg.name", Type::k_unlink, "raw"},
    {"evt.arg.name", Type::k_umount, "raw"},
    {"evt.arg.name", Type::k_open, "raw"},
    {"evt.arg.filename", Type::k_chmod, "raw"},
    {"evt.arg.pathname", Type::k_chown, "raw"},
};

}  // namespace

std::span<const Alias> Aliases() { return kAliases; }

}  // namespace nsw::event
