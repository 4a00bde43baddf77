// SPDX-License-Identifier: Apache-2.0
#include "engine/base/file_system.h"

#include <gtest/gtest.h>

namespace nsw {
namespace {

TEST(FileSystem, WhatOthersAnswerForDoesNotAnswerByItself) {
  for (const char* type : {"ext4", "overlay", "tmpfs", "btrfs", "9p", "proc"})
    EXPECT_TRUE(AnswersByItself(type)) << type;
  for (const char* type : {"fuse", "fuse.sshfs", "fuseblk", "nfs4", "cifs", "smb3", "ceph", ""})
    EXPECT_FALSE(AnswersByItself(type)) << type;
}

}  // namespace
}  // namespace nsw
