// SPDX-License-Identifier: Apache-2.0
// Every getter of proc.*, user.*, container.* and k8s.*: its value, and when it is absent or
// unknown.
#include "tests/event/field_fixture.h"

namespace nsw::event {
namespace {

// ---- proc ----

TEST_F(FieldTest, Process) {
  auto exec = test::ExecRecord("/usr/bin/dash", {"x", "-c", "id"});
  exec.fixed().exe_flags = NSW_EXE_UPPER;
  exec.fixed().ino = 77;
  exec.h().uid = 0;
  exec.h().gid = 5;
  exec.h().tid = 101;
  Take(exec.Pid(1100, 5).Parent(7));
  EXPECT_EQ(Text("proc.pid"), "1100");
  EXPECT_EQ(Text("proc.vpid"), "100");
  EXPECT_EQ(Text("proc.ppid"), "7");
  EXPECT_EQ(Text("thread.tid"), "1100");
  EXPECT_EQ(Text("proc.name"), "dash");
  EXPECT_EQ(Text("proc.comm"), "dash");
  EXPECT_EQ(Text("proc.exe"), "x");
  EXPECT_EQ(Text("proc.exepath"), "/usr/bin/dash");
  EXPECT_EQ(Text("proc.cmdline"), "dash -c id");
  EXPECT_EQ(Text("proc.args"), "-c id");
  EXPECT_EQ(Text("proc.cwd"), "/work");
  EXPECT_EQ(Text("proc.tty"), "0");
  EXPECT_EQ(Text("proc.exe_ino"), "77");
  EXPECT_EQ(Text("proc.is_exe_upper_layer"), "true");
  EXPECT_EQ(Text("proc.is_exe_from_memfd"), "false");
  EXPECT_EQ(Text("proc.joined"), "false");
  EXPECT_EQ(Text("user.uid"), "0");
  EXPECT_EQ(Text("user.name"), "root");
  EXPECT_EQ(Text("group.gid"), "5");
  EXPECT_EQ(Text("group.name"), "5");
}

TEST_F(FieldTest, SessionAndLogin) {
  proc_.Add(40, 3, "sshd");
  Take(test::OpenRecord("/a").Pid(40, 3));
  auto open = test::OpenRecord("/a");
  open.h().sid = 40;
  open.h().loginuid = 1000;
  Take(open.Pid(50, 5).Parent(40).Time(25));
  EXPECT_EQ(Text("proc.sid"), "40");
  EXPECT_EQ(Text("proc.sname"), "sshd");
  EXPECT_EQ(Text("proc.sid.exepath"), "/usr/bin/sshd");
  EXPECT_EQ(Text("user.loginuid"), "1000");
  EXPECT_EQ(Text("user.loginname"), "1000");
  EXPECT_EQ(Text("proc.duration"), "20");
  EXPECT_EQ(Text("proc.ppid.duration"), "22");
}

TEST_F(FieldTest, NoSessionAndNoLogin) {
  auto open = test::OpenRecord("/a");
  open.h().loginuid = ~0U;
  Take(open.Pid(50, 30).Parent(0).Time(25));
  EXPECT_EQ(Text("proc.sid"), kNone);
  EXPECT_EQ(Text("proc.sname"), kNone);
  EXPECT_EQ(Text("user.loginuid"), "-1");
  EXPECT_EQ(Text("user.loginname"), "<NA>");
  EXPECT_EQ(Text("proc.duration"), kNone) << "it started after the act";
  EXPECT_EQ(Text("proc.ppid.duration"), kNone);
}

TEST_F(FieldTest, ProcessThatNothingIsKnownOf) {
  auto open = test::OpenRecord("/a");
  open.h().uid = 1000;
  Take(open.Name("sixteen-bytes-xy").Parent(0).Flags(NSW_F_JOINED));
  EXPECT_EQ(Text("proc.name"), "sixteen-bytes-xy") << "without a terminator";
  for (const char* name : {"proc.exepath", "proc.cmdline", "proc.args", "proc.cwd", "proc.pname",
                           "proc.pexepath", "proc.pcmdline", "proc.exe", "proc.pexe"}) {
    EXPECT_EQ(Text(name), kNone) << name;
  }
  EXPECT_EQ(Text("proc.joined"), "true");
  EXPECT_EQ(Text("user.name"), "1000");
  event_.process = nullptr;
  EXPECT_EQ(Text("proc.tty"), kNone);
  EXPECT_EQ(Text("proc.is_exe_from_memfd"), kNone);
}

TEST_F(FieldTest, Ancestors) {
  proc_.Add(1, 0, "init");
  proc_.Add(5, 0, "dockerd", 1);
  proc_.Add(7, 0, "shim", 5);
  Take(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, 5).Parent(7));
  EXPECT_EQ(Text("proc.pname"), "shim");
  EXPECT_EQ(Text("proc.pexepath"), "/usr/bin/shim");
  EXPECT_EQ(Text("proc.pcmdline"), "shim --from-proc");
  EXPECT_EQ(Text("proc.pexe"), "made-up-shim");
  EXPECT_EQ(Text("proc.aexe", 2), "made-up-dockerd");
  EXPECT_EQ(Text("proc.acmdline", 2), "dockerd --from-proc");
  EXPECT_EQ(Text("proc.apid", 2), "5");
  EXPECT_EQ(Text("proc.aname", 0), "sh");
  EXPECT_EQ(Text("proc.aname", 1), "shim");
  EXPECT_EQ(Text("proc.aname", 2), "dockerd");
  EXPECT_EQ(Text("proc.aexepath", 3), "/usr/bin/init");
  EXPECT_EQ(Text("proc.aname", 4), kNone);
  EXPECT_EQ(Text("proc.aname", 4'000'000'000), kNone);
}

// ---- container ----

constexpr const char* kContainerFields[] = {
    "container.id",        "container.full_id",      "container.name",
    "container.type",      "container.image",        "container.image.repository",
    "container.image.tag", "container.image.digest", "container.privileged",
    "k8s.ns.name",         "k8s.pod.name",           "k8s.pod.uid"};

TEST_F(FieldTest, OnTheHostThereIsNoContainer) {
  Take(test::OpenRecord("/a"));
  const std::set<std::string_view> named{"container.id", "container.name", "container.type"};
  for (const char* name : kContainerFields) {
    EXPECT_EQ(Text(name), named.contains(name) ? "host" : kNone) << name;
  }
}

TEST_F(FieldTest, AContainerThatNobodyHasSpokenOfIsUnknown) {
  Take(test::OpenRecord("/a"));
  binding_.container.id = "ns-1";
  event_.binding = &binding_;
  for (const char* name : kContainerFields) EXPECT_EQ(Text(name), kUnknown) << name;
}

TEST_F(FieldTest, AContainerOfNoRuntimeHasAName) {
  Take(test::OpenRecord("/a"));
  binding_.settled = true;
  binding_.container.id = binding_.container.name = "ns-4026531840";
  event_.binding = &binding_;
  EXPECT_EQ(Text("container.id"), "ns-4026531840") << "only digits are cut";
  EXPECT_EQ(Text("container.full_id"), "ns-4026531840");
  EXPECT_EQ(Text("container.name"), "ns-4026531840");
  for (const char* name : {"container.type", "container.image", "container.image.repository",
                           "container.privileged", "k8s.pod.name"}) {
    EXPECT_EQ(Text(name), kNone) << name;
  }
}

TEST_F(FieldTest, AContainerThatIsKnown) {
  Take(test::OpenRecord("/a"));
  binding_.settled = true;
  binding_.container = {.id = "0123456789abcdef",
                        .name = "web",
                        .runtime = "docker",
                        .image = container::ParseImage("nginx:1.25"),
                        .privileged = true,
                        .k8s_namespace = "prod",
                        .k8s_pod = "web-0",
                        .k8s_pod_uid = "u-1"};
  event_.binding = &binding_;
  EXPECT_EQ(Text("container.id"), "0123456789ab");
  EXPECT_EQ(Text("container.full_id"), "0123456789abcdef");
  EXPECT_EQ(Text("container.name"), "web");
  EXPECT_EQ(Text("container.type"), "docker");
  EXPECT_EQ(Text("container.image"), "nginx:1.25");
  EXPECT_EQ(Text("container.image.repository"), "nginx");
  EXPECT_EQ(Text("container.image.tag"), "1.25");
  EXPECT_EQ(Text("container.image.digest"), kNone);
  EXPECT_EQ(Text("container.privileged"), "true");
  binding_.container.image = container::ParseImage("registry.corp:5000/web");
  EXPECT_EQ(Text("container.image.repository"), "registry.corp:5000/web");
  binding_.container.labels = {{"app", "shop"}};
  binding_.container.labels_text = "app:shop";
  binding_.container.pod_labels = {{"tier", "front"}};
  binding_.container.mounts = "/srv:/data::true:rprivate";
  binding_.container.ip = "10.0.0.7";
  binding_.container.started_ns = 7;
  EXPECT_EQ(Text("container.label", KeyNumber("app")), "shop");
  EXPECT_EQ(Text("container.label", KeyNumber("tier")), kNone);
  EXPECT_EQ(Text("k8s.pod.label", KeyNumber("tier")), "front");
  EXPECT_EQ(Text("container.labels"), "app:shop");
  EXPECT_EQ(Text("container.mounts"), "/srv:/data::true:rprivate");
  EXPECT_EQ(Text("container.ip"), "10.0.0.7");
  EXPECT_EQ(Text("container.start_ts"), "7");
  binding_.init_start_ns = 6;
  EXPECT_EQ(Text("container.start_ts"), "6") << "the kernel's word goes first";
  EXPECT_EQ(Text("k8s.ns.name"), "prod");
  EXPECT_EQ(Text("k8s.pod.name"), "web-0");
  EXPECT_EQ(Text("k8s.pod.uid"), "u-1");
}

TEST(KeyedField, IsFoundWithItsKey) {
  std::string_view key;
  const Field* field = FindKeyed("container.label.io.kubernetes.pod.name", key);
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->name, "container.label");
  EXPECT_EQ(key, "io.kubernetes.pod.name");
  EXPECT_EQ(FindKeyed("container.label", key), nullptr);
  EXPECT_EQ(FindKeyed("container.name.x", key), nullptr);
  EXPECT_EQ(KeyNumber("a"), KeyNumber(std::string("a")));
  EXPECT_NE(KeyNumber("a"), KeyNumber("b"));
  EXPECT_EQ(KeyOf(KeyNumber("b")), "b");
}

}  // namespace
TEST_F(FieldTest, EnvironmentIsOfTheProgramThatIsExecuted) {
  using namespace std::string_literals;
  test::RecordBuilder<nsw_event_exec> record(Type::k_exec);
  Take(record.Text(&nsw_event_exec::env, "PATHS=/x\0PATH=/bin:/a=b\0EMPTY=\0BARE\0LAST=cut"s));
  EXPECT_EQ(Text("proc.env", KeyNumber("PATH")), "/bin:/a=b");
  EXPECT_EQ(Text("proc.env", KeyNumber("LAST")), "cut");
  EXPECT_EQ(Text("proc.env", KeyNumber("EMPTY")), "");
  EXPECT_EQ(Text("proc.env", KeyNumber("BARE")), kNone);
  EXPECT_EQ(Text("proc.env", KeyNumber("PAT")), kNone);
  EXPECT_EQ(Text("proc.env", KeyNumber("")), kNone);
  Take(test::RecordBuilder<nsw_event_exec>(Type::k_exec));
  EXPECT_EQ(Text("proc.env", KeyNumber("PATH")), kNone);
}

}  // namespace nsw::event
