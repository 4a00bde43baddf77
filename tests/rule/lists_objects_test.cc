// SPDX-License-Identifier: Apache-2.0
// Of what deny and allow lists speak: paths, classes, addresses, sockets, operations.
#include <gmock/gmock.h>
#include <sched.h>

#include "engine/rule/deny_act.h"
#include "tests/rule/lists.h"

namespace nsw::rule::test {
namespace {

// ---- paths ----

TEST(Lists, AStarIsOneComponent) {
  const auto set = Load(Policy("deny: {read: ['/proc/*/environ', '/home/*/.ssh/**', '/v/*/']}\n"));
  EXPECT_EQ(Says(*set, Act::Open("/proc/1/environ")), "p/read//proc/*/environ");
  EXPECT_EQ(Says(*set, Act::Open("/proc/self/environ")), "p/read//proc/*/environ");
  EXPECT_EQ(Says(*set, Act::Open("/proc/1/task/environ")), "");
  EXPECT_EQ(Says(*set, Act::Open("/proc/environ")), "");
  EXPECT_EQ(Says(*set, Act::Open("/proc/1/environ/x")), "");
  EXPECT_EQ(Says(*set, Act::Open("/home/a/.ssh/b/c")), "p/read//home/*/.ssh/**");
  EXPECT_EQ(Says(*set, Act::Open("/home/a/.ssh")), "");
  EXPECT_EQ(Says(*set, Act::Open("/home/.ssh/id")), "");
  EXPECT_EQ(Says(*set, Act::Open("/v/x")), "p/read//v/*/");
  EXPECT_EQ(Says(*set, Act::Open("/v/x/y/z")), "p/read//v/*/");
  EXPECT_EQ(Says(*set, Act::Open("/v")), "");
}

TEST(Lists, ASuffixIsOfTheLastComponent) {
  const auto set = Load(Policy("deny: {read: ['**/*.so', '**/*.tar.gz']}\n"));
  EXPECT_EQ(Says(*set, Act::Open("/a/b.so")), "p/read/**/*.so");
  EXPECT_EQ(Says(*set, Act::Open("/.so")), "p/read/**/*.so");
  EXPECT_EQ(Says(*set, Act::Open("/a/bso")), "");
  EXPECT_EQ(Says(*set, Act::Open("/a.so/b")), "");
  EXPECT_EQ(Says(*set, Act::Open("/a.tar.gz")), "p/read/**/*.tar.gz");
  EXPECT_EQ(Says(*set, Act::Open("/a.gz")), "");
}

// ---- classes ----

struct Fine {
  const char* list;
  std::unique_ptr<Act> act;
};

std::vector<Fine> FineActs() {
  std::vector<Fine> all;
  const auto add = [&](const char* list, std::unique_ptr<Act> act) {
    all.push_back({list, std::move(act)});
  };
  add("create", Act::Open("/d/f", O_RDONLY | O_CREAT, true));
  add("create", Act::File<nsw_event_mkdir>(NSW_EVENT_MKDIR, "/d/f"));
  add("create", Act::File<nsw_event_mknod>(NSW_EVENT_MKNOD, "/d/f"));
  add("create", Act::File<nsw_event_symlink>(NSW_EVENT_SYMLINK, "/d/f"));
  add("delete", Act::File<nsw_event_unlink>(NSW_EVENT_UNLINK, "/d/f"));
  add("rename", Act::File<nsw_event_rename>(NSW_EVENT_RENAME, "/d/f", "/x"));
  add("rename", Act::File<nsw_event_rename>(NSW_EVENT_RENAME, "/x", "/d/f"));
  add("link", Act::File<nsw_event_link>(NSW_EVENT_LINK, "/d/f", "/x"));
  add("link", Act::File<nsw_event_link>(NSW_EVENT_LINK, "/x", "/d/f"));
  add("chmod", Act::File<nsw_event_chmod>(NSW_EVENT_CHMOD, "/d/f"));
  add("chown", Act::File<nsw_event_chown>(NSW_EVENT_CHOWN, "/d/f"));
  add("xattr", Act::File<nsw_event_xattr>(NSW_EVENT_XATTR, "/d/f"));
  add("", Act::Open("/d/f", O_WRONLY));
  add("", Act::Open("/d/f", O_RDONLY | O_TRUNC));
  add("", Act::File<nsw_event_truncate>(NSW_EVENT_TRUNCATE, "/d/f"));
  add("", Act::File<nsw_event_shared_map>(NSW_EVENT_SHARED_MAP, "/d/f"));
  add("", Act::File<nsw_event_utime>(NSW_EVENT_UTIME, "/d/f"));
  add("", Act::File<nsw_event_mount>(NSW_EVENT_MOUNT, "/d/f"));
  add("", Act::File<nsw_event_move_mount>(NSW_EVENT_MOVE_MOUNT, "/x", "/d/f"));
  return all;
}

TEST(Lists, AFinerClassIsOneOfWriteAlone) {
  for (const std::string list : {"create", "delete", "rename", "link", "chmod", "chown", "xattr"}) {
    const auto set = Load(Policy("deny: {" + list + ": [/d/]}\n"));
    for (const Fine& one : FineActs()) {
      const bool refused = !Says(*set, one.act).empty();
      EXPECT_EQ(refused, list == one.list) << list << " " << one.act->event.type_name();
    }
  }
}

TEST(Lists, WriteIsEveryChange) {
  const auto set = Load(Policy("deny: {write: [/d/]}\n"));
  for (const Fine& one : FineActs())
    EXPECT_EQ(Says(*set, one.act), "p/write//d/") << one.act->event.type_name();
  const auto read = Load(Policy("deny: {read: [/d/]}\n"));
  for (const Fine& one : FineActs()) {
    if (one.act->event.type() == event::Type::k_open) continue;
    EXPECT_EQ(Says(*read, one.act), "") << one.act->event.type_name();
  }
}

TEST(Lists, ADescriptorThatIsReceivedIsRead) {
  const auto set = Load(Policy("deny: {read: [/d/]}\n"));
  auto act = Act::Received("/d/f");
  EXPECT_EQ(Says(*set, act), "p/read//d/");
}

TEST(Lists, EachFileThatAnExecRunsMustPass) {
  const auto set = Load(Policy("allow: {exec: [/bin/sh, /run.sh]}\n"));
  EXPECT_EQ(Says(*set, Act::Exec("/run.sh", "/bin/sh")), "");
  EXPECT_EQ(Says(*set, Act::Exec("/run.sh", "/bin/bash")), "p/allow/exec");
  EXPECT_EQ(Says(*set, Act::Exec("/other.sh", "/bin/sh")), "p/allow/exec");
}

TEST(Lists, WhereAnExecutedFileComesFrom) {
  const auto set = Load(Policy("deny: {exec: ['origin:upper', {path: 'origin:memfd', by: /a}]}\n"));
  const auto from = [&](uint32_t flags, const char* by) {
    auto act = Act::Exec("/x");
    const_cast<nsw_event_exec&>(act->event.as<nsw_event_exec>()).exe_flags = flags;
    return Says(*set, By(std::move(act), by));
  };
  EXPECT_EQ(from(0, "/a"), "");
  EXPECT_EQ(from(NSW_EXE_UPPER, "/b"), "p/exec/origin:upper");
  EXPECT_EQ(from(NSW_EXE_MEMFD, "/a"), "p/exec/origin:memfd");
  EXPECT_EQ(from(NSW_EXE_MEMFD, "/b"), "");
}

// ---- network ----

TEST(Lists, UnixSockets) {
  const auto set = Load(Policy("deny: {connect: ['unix:/run/docker.sock', 'unix:@bus']}\n"));
  EXPECT_EQ(Says(*set, Act::Unix("/run/docker.sock")), "p/connect/unix:/run/docker.sock");
  EXPECT_EQ(Says(*set, Act::Unix("@bus")), "p/connect/unix:@bus");
  EXPECT_EQ(Says(*set, Act::Unix("/bus")), "");
  EXPECT_EQ(Says(*set, Act::Open("/run/docker.sock")), "") << "opening is not connecting";
}

template <typename Struct>
std::unique_ptr<Act> Local(uint16_t type, const char* address, uint16_t port) {
  return Act::Plain<Struct>(type, [&](Struct& e) {
    e.family = AF_INET;
    e.protocol = IPPROTO_TCP;
    e.local = *event::ParseAddress(address);
    e.local_port = port;
  });
}

TEST(Lists, BindAndListenSpeakOfTheLocalAddress) {
  const auto set = Load(Policy("deny: {bind: [':80'], listen: ['10.0.0.0/8:1-1023/tcp']}\n"));
  EXPECT_EQ(Says(*set, Local<nsw_event_bind>(NSW_EVENT_BIND, "0.0.0.0", 80)), "p/bind/:80");
  EXPECT_EQ(Says(*set, Local<nsw_event_bind>(NSW_EVENT_BIND, "0.0.0.0", 81)), "");
  EXPECT_EQ(Says(*set, Local<nsw_event_listen>(NSW_EVENT_LISTEN, "10.0.0.1", 22)),
            "p/listen/10.0.0.0/8:1-1023/tcp");
  EXPECT_EQ(Says(*set, Local<nsw_event_listen>(NSW_EVENT_LISTEN, "10.0.0.1", 2200)), "");
  EXPECT_EQ(Says(*set, Local<nsw_event_listen>(NSW_EVENT_LISTEN, "127.0.0.1", 22)), "");
  EXPECT_EQ(Says(*set, Act::Connect("10.0.0.1", 80)), "");
}

TEST(Lists, ASendWithoutConnectionIsAConnect) {
  const auto set = Load(Policy("deny: {connect: [':53/udp']}\n"));
  const auto send = Act::Plain<nsw_event_send>(NSW_EVENT_SEND, [](nsw_event_send& e) {
    e.family = AF_INET;
    e.protocol = IPPROTO_UDP;
    e.remote = *event::ParseAddress("9.9.9.9");
    e.remote_port = 53;
  });
  EXPECT_EQ(Says(*set, send), "p/connect/:53/udp");
}

std::unique_ptr<Act> Socket(uint32_t family, uint32_t type) {
  return Act::Plain<nsw_event_socket>(NSW_EVENT_SOCKET, [&](nsw_event_socket& e) {
    e.family = family;
    e.socket_type = type;
  });
}

TEST(Lists, SocketsByFamilyAndType) {
  const auto set = Load(Policy("deny: {socket: [packet, '*/raw', inet6/dgram]}\n"));
  EXPECT_EQ(Says(*set, Socket(AF_PACKET, SOCK_DGRAM)), "p/socket/packet");
  EXPECT_EQ(Says(*set, Socket(AF_INET, SOCK_RAW)), "p/socket/*/raw");
  EXPECT_EQ(Says(*set, Socket(AF_INET6, SOCK_DGRAM)), "p/socket/inet6/dgram");
  EXPECT_EQ(Says(*set, Socket(AF_INET6, SOCK_STREAM)), "");
  const auto allow = Load(Policy("allow: {socket: [unix, inet/stream]}\n"));
  EXPECT_EQ(Says(*allow, Socket(AF_UNIX, SOCK_DGRAM)), "");
  EXPECT_EQ(Says(*allow, Socket(AF_INET, SOCK_DGRAM)), "p/allow/socket");
}

// ---- operations and capabilities ----

TEST(Lists, OperationsByTheirEvents) {
  const auto refused = [](const std::string& operation, const std::unique_ptr<Act>& act) {
    return !Says(*Load(Policy("deny: {operations: [" + operation + "]}\n")), act).empty();
  };
  const auto mount = Act::File<nsw_event_mount>(NSW_EVENT_MOUNT, "/m");
  const auto umount = Act::File<nsw_event_umount>(NSW_EVENT_UMOUNT, "/m");
  EXPECT_TRUE(refused("mount", mount));
  EXPECT_TRUE(refused("mount", umount)) << "mount is any change of mounts";
  EXPECT_TRUE(refused("umount", umount));
  EXPECT_FALSE(refused("umount", mount));
  EXPECT_TRUE(refused("ptrace", Act::Plain<nsw_event_ptrace>(NSW_EVENT_PTRACE, [](auto&) {})));
  EXPECT_TRUE(refused("bpf", Act::Plain<nsw_event_bpf>(NSW_EVENT_BPF, [](auto&) {})));
  EXPECT_TRUE(
      refused("io_uring", Act::Plain<nsw_event_io_uring>(NSW_EVENT_IO_URING, [](auto&) {})));
  EXPECT_TRUE(refused("raw_socket", Socket(AF_INET, SOCK_RAW)));
  EXPECT_TRUE(refused("raw_socket", Socket(AF_PACKET, SOCK_DGRAM)));
  EXPECT_TRUE(refused("raw_socket", Socket(AF_XDP, SOCK_RAW)));
  EXPECT_TRUE(refused("raw_socket", Socket(AF_INET, SOCK_PACKET)));
  EXPECT_FALSE(refused("raw_socket", Socket(AF_NETLINK, SOCK_RAW)));
  EXPECT_FALSE(refused("bpf", mount));
}

TEST(Lists, NamespacesThatAreMadeOrEntered) {
  const auto act = [](uint32_t flags, uint16_t syscall) {
    auto one = Act::Plain<nsw_event_namespace>(NSW_EVENT_NAMESPACE,
                                               [&](nsw_event_namespace& e) { e.flags = flags; });
    one->header().syscall = syscall;
    return one;
  };
  const auto users = Load(Policy("deny: {operations: [userns]}\n"));
  const auto others = Load(Policy("deny: {operations: [namespace]}\n"));
  const auto made = act(CLONE_NEWUSER, NSW_SYSCALL_unshare);
  EXPECT_EQ(Says(*users, made), "p/operations/userns");
  EXPECT_EQ(Says(*others, made), "");
  EXPECT_EQ(Says(*others, act(CLONE_NEWNS, NSW_SYSCALL_unshare)), "p/operations/namespace");
  EXPECT_EQ(Says(*others, act(CLONE_NEWUSER, NSW_SYSCALL_setns)), "p/operations/namespace");
  EXPECT_EQ(Says(*users, act(CLONE_NEWUSER, NSW_SYSCALL_setns)), "");
  EXPECT_EQ(Says(*users, act(CLONE_FS, NSW_SYSCALL_unshare)), "");
}

TEST(Lists, AnOperationWantsItsEventsAlone) {
  const auto set = Load(Policy("deny: {operations: [bpf]}\n"));
  EXPECT_EQ(set->wanted(), 1ULL << NSW_EVENT_BPF);
  EXPECT_EQ(Load(Policy("deny: {chmod: [/a]}\n"))->wanted(), 1ULL << NSW_EVENT_CHMOD);
  const uint64_t all = Load(Policy("allow: {operations: [bpf]}\n"))->wanted();
  EXPECT_NE(all & 1ULL << NSW_EVENT_PTRACE, 0U) << "what is not named is refused";
}

}  // namespace
}  // namespace nsw::rule::test
