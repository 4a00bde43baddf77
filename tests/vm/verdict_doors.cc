// SPDX-License-Identifier: Apache-2.0
// Doors to one file, and what becomes of it after a container was bound.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>

#include "tests/vm/verdict_table.h"

namespace nsw::test {

void Table::Doors() {
  for (const char* f : {"/d/secret", "/d/sub/file", "/o/x", "/v/f"}) Make(f);
  Done(symlink((at_ + "/d/secret").c_str(), (at_ + "/o/sym").c_str()), "symlink");
  Done(symlink((at_ + "/d").c_str(), (at_ + "/o/symdir").c_str()), "symlink");
  Done(link((at_ + "/d/secret").c_str(), (at_ + "/o/hard").c_str()), "link");
  Use({"read=$D/o/sym"});
  Is("a literal path that is a link: where it leads", "/d/secret", kRead, 1);
  Is("... and the file's other names", "/o/hard", kRead, 1);
  Use({"read=$D/o/symdir/**"});
  Is("a directory that is a link: what is in the one that it leads to", "/d/sub/file", kRead, 1);
  Use({"read=$D/o/symdir/late", "read=$D/o/symdir/new/**"});
  Make("/d/late");
  Make("/d/new/f");
  Is("a path that is not there yet, below a link", "/d/late", kRead, 1);
  Is("... a directory", "/d/new/f", kRead, 2);
  Done(symlink("../d/later", (at_ + "/o/dangling").c_str()), "symlink");
  Use({"read=$D/o/dangling"});
  Make("/d/later");
  Is("a link to what is not there yet", "/d/later", kRead, 1);
  Use({"read=$D/d/secret", "read=$D/v/**"});
  Is("a hard link made before (F12)", "/o/hard", kRead, 1);
  Done(link((at_ + "/d/secret").c_str(), (at_ + "/o/hard2").c_str()), "link");
  Is("a hard link made after (F12)", "/o/hard2", kRead, 1);
  rename((at_ + "/d/secret").c_str(), (at_ + "/o/moved").c_str());
  Is("the file renamed (F13)", "/o/moved", kRead, 1);
  Make("/d/secret");
  Is("another one in its place", "/d/secret", kRead, 1);
  rename((at_ + "/v").c_str(), (at_ + "/w").c_str());
  Is("the directory renamed (F13)", "/w/f", kRead, 2);
  rename((at_ + "/w").c_str(), (at_ + "/v").c_str());
  const std::string bound = at_ + "/bound";
  std::filesystem::create_directories(bound);
  const auto bind = [&](const std::string& from) {
    if (mount((at_ + from).c_str(), bound.c_str(), nullptr, MS_BIND, nullptr) != 0)
      Die("bind mount: " + std::string(strerror(errno)));
  };
  bind("/v");
  Is("the directory bound elsewhere (F14)", "/bound/f", kRead, 2);
  umount(bound.c_str());
  Make("/v/in/f");
  bind("/v/in");
  Is("a directory below it bound elsewhere (F14)", "/bound/f", kRead, 2);
  umount(bound.c_str());
  const std::string over = at_ + "/over";
  std::ofstream(over) << "x";
  mount((at_ + "/d/secret").c_str(), over.c_str(), nullptr, MS_BIND, nullptr);
  Is("the file bound over another: by its inode or name", "/over", kRead, 0);
  LookAgain();
  Is("... once it is looked at again", "/over", kRead, 1);
  Use({"read=**/secret"});
  Is("... by its own name", "/over", kRead, 1);
  Use({"read=**/over"});
  Is("... by its mount point's name", "/over", kRead, 1);
  umount(over.c_str());
}

// After a container was bound.
void Table::Changes() {
  for (const char* f : {"/e/first", "/e/second", "/e/a", "/e/b", "/e/folder/f"}) Make(f);
  const auto send = [&](const char* to) {
    unlink((at_ + "/e/link").c_str());
    Done(symlink((at_ + to).c_str(), (at_ + "/e/link").c_str()), "symlink");
    LookAgain();
  };
  send("/e/first");
  Use({"read=$D/e/link", "read=$D/e/a", "read=$D/e/b", "write=$D/e/link/**"});
  send("/e/second");
  Is("a link is sent elsewhere: where it leads now (F8)", "/e/second", kRead, 1);
  Is("... and where it led before", "/e/first", kRead, 1);
  send("/e/folder");
  Is("... to a directory: what is in it", "/e/folder/f", kModify, 4);
  Done(link((at_ + "/e/a").c_str(), (at_ + "/e/other").c_str()), "link");
  rename((at_ + "/e/a").c_str(), (at_ + "/e/b").c_str());
  LookAgain();
  Is("a file that took another's place: under both rules", "/e/other", kRead, 2);
  Make("/e/a");
  Done(link((at_ + "/e/a").c_str(), (at_ + "/e/new").c_str()), "link");
  LookAgain();
  Is("one made in its place: by its other name (F12)", "/e/new", kRead, 2);
  rename((at_ + "/e/a").c_str(), (at_ + "/e/moved").c_str());
  v_.BindAgain();
  Is("... and once its container is bound again to the same set", "/e/moved", kRead, 2);
  Is("... what was found before that, too", "/e/first", kRead, 1);
  for (int n = 0; n < 300; n++) {
    const std::string name = "/e/n" + std::to_string(n);
    Make(name.c_str());
    send(name.c_str());
  }
  Is("a link that is sent round and round: where it led first", "/e/first", kRead, 1);
}

}  // namespace nsw::test
