// SPDX-License-Identifier: Apache-2.0
// verdict_check: the kernel's verdicts by themselves. Loads the programs that answer (no hook is
// attached), builds sets from a table, and asks the kernel of files that it makes below a folder of
// its own. Needs root, and no more of a kernel than that it runs BPF: it works where no LSM program
// does. Output: `ok NAME` and `not ok NAME: why`.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/unique_fd.h"
#include "tests/vm/verdict_table.h"

namespace nsw::test {

void Table::Shapes() {
  for (const char* f : {"/a/f", "/a/b/f", "/a/b/c/f", "/x/f", "/ab/f", "/h/1/key", "/h/2/key",
                        "/h/2/sub/key", "/h/key", "/h/1/dir/in/f"})
    Make(f);
  for (const bool resolve : {true, false}) {
    const std::string how = resolve ? "" : " (by the path alone)";
    Use({"read=$D/a/f"}, resolve);
    Is("a literal path" + how, "/a/f", kRead, 1);
    Is("... not another" + how, "/x/f", kRead, 0);
    Is("... not for another class" + how, "/a/f", kModify, 0);
    Is("... one of two classes" + how, "/a/f", kModify | kRead, 1);
    Use({"read=$D/a/**"}, resolve);
    Is("below a directory" + how, "/a/f", kRead, 1);
    Is("... deeper" + how, "/a/b/c/f", kRead, 1);
    Is("... a directory there" + how, "/a/b", kRead, 1);
    Is("... not the directory itself" + how, "/a", kRead, 0);
    Is("... not one whose name begins so" + how, "/ab/f", kRead, 0);
    Use({"read=$D/a/"}, resolve);
    Is("a directory and all in it" + how, "/a", kRead, 1);
    Is("... what is in it" + how, "/a/b/f", kRead, 1);
  }
  Use({"read=/**"});
  Is("below the root", "/a/f", kRead, 1);
  Use({"read=$D/h/*/key"});
  Is("one component open", "/h/1/key", kRead, 1);
  Is("... any", "/h/2/key", kRead, 1);
  Is("... not none", "/h/key", kRead, 0);
  Is("... not two", "/h/2/sub/key", kRead, 0);
  Use({"read=$D/h/*/dir/**", "read=$D/h/2/**"});
  Is("below a directory with one component open", "/h/1/dir/in/f", kRead, 1);
  Is("... not the directory", "/h/1/dir", kRead, 0);
  Is("... another entry beside it", "/h/2/sub/key", kRead, 2);
  Use({"read=$D/h/*/key", "read=$D/h/*/dir/**"});
  Done(link((at_ + "/h/1/key").c_str(), (at_ + "/x/key").c_str()), "link");
  Is("one component open: the file by another name", "/x/key", kRead, 1);
  rename((at_ + "/h/1/dir").c_str(), (at_ + "/x/dir").c_str());
  Is("... the directory renamed (F13)", "/x/dir/in/f", kRead, 2);
  rename((at_ + "/x/dir").c_str(), (at_ + "/h/1/dir").c_str());
  Use({"read=$D/h/*/**"});
  Is("all below any directory", "/h/1/key", kRead, 1);
  Is("... not what is beside them", "/h/key", kRead, 0);
}

void Table::Names() {
  const std::string exactly(40, 'n');
  const std::string long_name(255, 'l');
  for (const std::string& f :
       {std::string("/n/id_rsa"), std::string("/n/x.key"), std::string("/n/.key"),
        std::string("/n/key"), "/n/" + exactly, "/n/" + long_name, std::string("/n/new\nline"),
        std::string("/n/\xff\xfe")})
    Make(f);
  Use({"read=**/id_rsa", "read=**/*.key", "read=**/" + exactly, "read=**/" + long_name,
       "read=$D/n/new\nline"});
  Is("by the last name", "/n/id_rsa", kRead, 1);
  Is("by its end", "/n/x.key", kRead, 2);
  Is("... the end alone", "/n/.key", kRead, 2);
  Is("... not without the dot", "/n/key", kRead, 0);
  Is("a name of forty bytes", "/n/" + exactly, kRead, 3);
  Is("a name of 255 bytes (F17)", "/n/" + long_name, kRead, 4);
  Use({"read=**/*" + long_name.substr(0, 200), "read=**/\xff\xfe"});
  Is("an end of 200 bytes", "/n/" + long_name, kRead, 1);
  Is("a name in no encoding (F20)", "/n/\xff\xfe", kRead, 2);
}

void Table::Lists() {
  Use({"audit:read=$D/a/**", "read=$D/a/f", "kill:read=$D/a/b/f"});
  Is("enforcing goes before auditing", "/a/f", kRead, 2);
  Is("what is only audited", "/a/b/c/f", kRead, 1, NSW_VERDICT_AUDIT);
  Report("an entry that kills", v_.File(at_ + "/a/b/f", kRead).kill, "no kill");
  Use({"read=$D/a/**", "read=$D/a/f"});
  Is("of two that enforce the first speaks", "/a/f", kRead, 1);
  Use({"allow:read=$D/a/**"});
  Is("what is allowed", "/a/f", kRead, 0);
  Is("what no list allows, under the list's rule", "/x/f", kRead, 1000 + NSW_CLASS_READ);
  Is("a class that the list does not cover", "/x/f", kModify, 0);
  Use({"allow:read=$D/a/**", "p1:allow:read=$D/a/b/**", "p1:allow:read=$D/x/**"});
  Is("lists of two policies intersect", "/a/b/f", kRead, 0);
  Is("... what one leaves out", "/a/f", kRead, 1100 + NSW_CLASS_READ);
  Is("... what the other leaves out", "/x/f", kRead, 1000 + NSW_CLASS_READ);
  Use({"allow:read=$D/a/**", "read=$D/a/b/**"});
  Is("a deny goes before an allow", "/a/b/f", kRead, 2);
  Use({"allow:read=$D/a/**", "allow:modify=$D/x/**"});
  Is("both classes of an act need leave", "/a/f", kRead | kModify, 1000 + NSW_CLASS_MODIFY);
  Use({"audit:allow:read=$D/a/**", "p1:read=$D/x/**"});
  Is("an enforcing deny beside an auditing list", "/x/f", kRead, 2);
  Is("the auditing list", "/h/key", kRead, 1000 + NSW_CLASS_READ, NSW_VERDICT_AUDIT);
}

void Table::Conditions() {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  Use({"read=$D/a/** except=$D/a/f", "read=$D/a/f", "write=$D/x/** except=**/*f"});
  Is("an exception", "/a/b/f", kRead, 1);
  Is("... is of its own entry alone", "/a/f", kRead, 2);
  Make("/x/other");
  Is("... by another form", "/x/f", kModify, 0);
  Is("... which does not hold", "/x/other", kModify, 3);
  Use({"read=$D/a/** by=" + self, "read=$D/x/** by=/bin/true"});
  Is("by the executable that acts", "/a/f", kRead, 1);
  Is("... not by another", "/x/f", kRead, 0);
  Use({"read=$D/a/** except-by=" + self, "read=$D/x/** except-by=/bin/true"});
  Is("except by one", "/a/f", kRead, 0);
  Is("... not except by another", "/x/f", kRead, 2);
  Use({"read=$D/a/** except-when=startup", "allow:exec=$D/x/** when=startup", "until=/nowhere"});
  Is("in startup", "/a/f", kRead, 0);
  Is("... allowed then", "/x/f", kExec, 0);
  Is("joined is not startup", "/a/f", kRead, 1, NSW_VERDICT_DENIED, NSW_F_JOINED);
  v_.SetPhases(1);
  Is("running", "/a/f", kRead, 1);
  Is("... not allowed any more", "/x/f", kExec, 1000 + NSW_CLASS_EXEC);
  Use({"read=$D/a/** when=joined", "read=$D/x/** when=running"});
  Is("not joined", "/a/f", kRead, 0);
  Is("joined", "/a/f", kRead, 1, NSW_VERDICT_DENIED, NSW_F_JOINED);
  Is("without a startup it is running", "/x/f", kRead, 2);
  Use({"exec=origin:unlinked", "exec=origin:tmpfs", "exec=origin:memfd"});
  const nsw::UniqueFd memory(memfd_create("m", MFD_CLOEXEC));
  Report("a program in memory, by where it comes from",
         v_.Descriptor(memory.get(), kExec | 1U << 31).rule == 3, "");
  Make("/gone");
  const nsw::UniqueFd gone(open((at_ + "/gone").c_str(), O_PATH | O_CLOEXEC));
  unlink((at_ + "/gone").c_str());
  Report("a program without a name", v_.Descriptor(gone.get(), kExec).rule == 1,
         Text(v_.Descriptor(gone.get(), kExec)));
  Use({"exec=$D/a/f"});
  const Answer a = v_.Descriptor(memory.get(), kExec | 1U << 31);
  Report("a program in memory is unresolved (X2)", a.unresolved && a.mode == NSW_VERDICT_DENIED,
         Text(a));
}

void Table::Deep() {
  std::string path = "/deep";
  for (int i = 0; i < 20; ++i) path += "/d";
  Make(path + "/f");
  std::string deeper = path;
  for (int i = 0; i < 60; ++i) deeper += "/d";
  Make(deeper + "/f");
  for (const bool resolve : {true, false}) {
    Use({"read=$D/deep/d/**", "read=$D" + deeper + "/f", "read=$D/deep/*/d/d/**"}, resolve);
    Is("a deep path, below", path + "/f", kRead, 1);
    Is("a deeper path, below", deeper + "/f", kRead, 1);
  }
  Use({"read=$D" + deeper + "/f", "read=$D/deep/*/d/**"}, false);
  Is("a deeper path, literally", deeper + "/f", kRead, 1);
  Is("a deep path, one component open", path + "/f", kRead, 2);
  Use({"read=$D/deep/*/d/**"}, false);
  Is("a deeper path, one component open", deeper + "/f", kRead, 1);
  Use({"read=$D/x/f"}, false);
  const int back = open(".", O_PATH | O_CLOEXEC);
  if (chdir((at_ + deeper).c_str()) != 0) Die("chdir");
  for (int i = 0; i < 260; ++i) {
    mkdir("d", 0755);
    if (chdir("d") != 0) Die("chdir");
  }
  const nsw::UniqueFd far(open(".", O_PATH | O_CLOEXEC));
  const Answer a = v_.Descriptor(far.get(), kRead);
  Report("a path too deep to follow is refused, as unresolved (F17)",
         a.unresolved && a.mode == NSW_VERDICT_DENIED && a.rule == 0, Text(a));
  Done(fchdir(back), "fchdir");
}

std::array<uint8_t, 16> Four(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}

void Table::Networks() {
  const auto is = [&](const std::string& name, std::array<uint8_t, 16> address, uint16_t port,
                      uint8_t protocol, uint32_t classes, uint32_t rule) {
    const Answer a = v_.Address(address, port, protocol, classes);
    Report(name, a.rule == rule && a.mode == (rule != 0 ? NSW_VERDICT_DENIED : NSW_VERDICT_NONE),
           Text(a) + ", not rule " + std::to_string(rule));
  };
  v_.Use({"connect=10.0.0.0/8", "connect=10.1.0.0/16:80-90", "bind=:8080", "connect=[fd00::/8]",
          "connect=192.168.0.0/16 except=192.168.1.2:443-443"});
  is("a range", Four(10, 2, 3, 4), 1, 6, kConnect, 1);
  is("a range within, of the first that speaks", Four(10, 1, 3, 4), 80, 6, kConnect, 1);
  is("... outside of its ports", Four(10, 1, 3, 4), 91, 6, kConnect, 1);
  is("another address", Four(11, 1, 3, 4), 80, 6, kConnect, 0);
  is("a port alone", Four(1, 2, 3, 4), 8080, 6, kBind, 3);
  is("... of another class", Four(1, 2, 3, 4), 8080, 6, kConnect, 0);
  is("IPv6", {0xfd, 1}, 1, 17, kConnect, 4);
  is("an exception", Four(192, 168, 1, 2), 443, 6, kConnect, 0);
  is("... of its port alone", Four(192, 168, 1, 2), 444, 6, kConnect, 5);
  v_.Use({"allow:connect=10.1.0.0/16:443-443", "p1:allow:connect=10.0.0.0/8"});
  is("allowed by both", Four(10, 1, 0, 1), 443, 6, kConnect, 0);
  is("allowed by one", Four(10, 2, 0, 1), 443, 6, kConnect, 1000 + NSW_CLASS_CONNECT);
  is("allowed by none", Four(8, 8, 8, 8), 53, 17, kConnect, 1000 + NSW_CLASS_CONNECT);
}

void Table::Keys() {
  const auto is = [&](const std::string& name, uint32_t kind, uint64_t hash, uint32_t c,
                      uint32_t rule) {
    const Answer a = v_.Key(kind, hash, 1U << c);
    Report(name, a.rule == rule, Text(a) + ", not rule " + std::to_string(rule));
  };
  v_.Use({"capability=cap:16", "operation=op:mount", "socket=sock:17:3",
          "p1:allow:capability=cap:7", "p1:allow:capability=cap:16"});
  is("a capability", NSW_KEY_CAPABILITY, 16, NSW_CLASS_CAPABILITY, 1);
  is("... one that is allowed", NSW_KEY_CAPABILITY, 7, NSW_CLASS_CAPABILITY, 0);
  is("... one that no list allows", NSW_KEY_CAPABILITY, 8, NSW_CLASS_CAPABILITY,
     1100 + NSW_CLASS_CAPABILITY);
  is("an operation", NSW_KEY_OPERATION, NSW_OPERATION_MOUNT, NSW_CLASS_OPERATION, 2);
  is("... another", NSW_KEY_OPERATION, NSW_OPERATION_BPF, NSW_CLASS_OPERATION, 0);
  is("a socket", NSW_KEY_SOCKET, nsw_socket_key(17, 3), NSW_CLASS_SOCKET, 3);
}

void Table::Pushes() {
  Use({"read=$D/a/f"});
  rule::DenyPlan plan;
  (void)AddEntry(P("read=$D/x/f"), plan);
  rule::DenyEntry entry = plan.entries[0];
  entry.rule = 77;
  const auto push = [&](uint64_t expires) {
    if (Status s = v_.driver().Push(kHome, entry, getpid(), expires); !s) Die(s.error().message);
  };
  push(0);
  Is("an entry made at run time", "/x/f", kRead, 77);
  Is("... beside the set's", "/a/f", kRead, 1);
  Done(link((at_ + "/x/f").c_str(), (at_ + "/x/f2").c_str()), "link");
  Is("... by its inode, too", "/x/f2", kRead, 77);
  Use({"read=$D/a/b/f"});
  Is("... outlives a swap", "/x/f", kRead, 77);
  v_.driver().Withdraw(kHome, 77);
  Is("... and can be withdrawn", "/x/f", kRead, 0);
  push(1);
  Is("... expires", "/x/f", kRead, 0);
  v_.driver().Expire(2);
}

// An engine that follows pushes before it knows which policies hold there.
void Table::Follows() {
  Use({"read=$D/a/f", "exec=$D/a/b/f"});
  rule::DenyPlan plan;
  (void)AddEntry(P("read=$D/x/f"), plan);
  rule::DenyEntry entry = plan.entries[0];
  entry.rule = 77;
  const std::unique_ptr<kernel::DenyMapDriver> next = v_.MakeDriver();
  if (Status inherited = next->Inherit(); !inherited) Die(inherited.error().message);
  if (Status s = next->Push(kHome, entry, getpid(), 0); !s) Die(s.error().message);
  Is("an entry made at run time by an engine that follows", "/x/f", kRead, 77);
  Is("... beside the set that it has inherited", "/a/f", kRead, 1);
  Is("... for each class", "/a/b/f", kExec, 2);
  const std::unique_ptr<kernel::DenyMapDriver> third = v_.MakeDriver();
  if (Status inherited = third->Inherit(); !inherited) Die(inherited.error().message);
  const size_t withdrawn = third->WithdrawAll(kHome, 0);
  Report("... and whoever follows can withdraw it", withdrawn == 1, std::to_string(withdrawn));
  Is("... which the set outlives", "/a/f", kRead, 1);
  Is("... as the entry does not", "/x/f", kRead, 0);
}

// As many entries as a class may have: the answers do not depend on the others.
void Table::Many() {
  std::vector<std::string> entries;
  for (int i = 0; i < 9998; ++i) entries.push_back("read=/many/" + std::to_string(i) + "/file");
  entries.push_back(P("read=$D/a/f"));
  entries.push_back(P("read=$D/x/**"));
  v_.Use(entries);
  Is("one of 10,000 entries", "/a/f", kRead, 9999);
  Is("... another", "/x/f", kRead, 10000);
  Is("... none of them", "/h/key", kRead, 0);
  rule::DenyPlan plan;
  entries.push_back("read=/one/more");
  for (const std::string& entry : entries) (void)AddEntry(entry, plan);
  const Result<uint32_t> slot = v_.driver().BuildSet(plan);
  Report("10,001 are refused, with the number (L3)",
         !slot && slot.error().message.find("10001") != std::string::npos,
         slot ? "built" : slot.error().message);
}

}  // namespace nsw::test

int main(int argc, char** argv) {
  if (argc != 2) nsw::test::Die("usage: verdict_check FOLDER");
  std::filesystem::create_directories(argv[1]);
  nsw::test::Verdicts verdicts;
  nsw::test::Table table(verdicts, std::filesystem::canonical(argv[1]));
  table.Shapes();
  table.Names();
  table.Doors();
  table.Changes();
  table.Lists();
  table.Conditions();
  table.Deep();
  table.Networks();
  table.Keys();
  table.Pushes();
  table.Follows();
  table.Many();
  return nsw::test::failures == 0 ? 0 : 1;
}
