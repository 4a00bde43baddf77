// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/alert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/rule/output.h"
#include "tests/support/record_builder.h"

namespace nsw::alert {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kTime = 1769860800'000000001;  // 2026-01-31T12:00:00.000000001Z

class AlertTest : public testing::Test {
 protected:
  AlertTest() {
    rule_.policy = "web";
    rule_.name = "Shell in container";
    rule_.priority = rule::Priority::kWarning;
    rule_.tags = {"shell", "T1059"};
    rule_.output = rule::OutputTemplate::Make("%proc.name opened %fd.name (%proc.aname[2])");
    binding_.container.id = std::string(64, 'a');
    binding_.container.name = "web-1";
    binding_.container.runtime = "docker";
    binding_.container.image = container::ParseImage("nginx:1.25");
    binding_.settled = true;
    process_.name = "sh";
    process_.exepath = "/usr/bin/dash";
    process_.cmdline = "sh -c id";
  }
  Alert Make(Verdict verdict = Verdict::kNone, const std::string& path = "/etc/shadow") {
    const test::Bytes bytes = test::OpenRecord(path).Build();
    EXPECT_EQ(event::Decode(bytes, event_), event::DecodeError::kNone);
    event_.binding = &binding_;
    event_.process = &process_;
    event_.number = 7;
    event_.real_time_ns = kTime;
    return MakeAlert(rule_, event_, verdict, "host-1");
  }
  rule::RuleInfo rule_;
  container::Binding binding_;
  event::Process process_;
  event::Event event_;
};

TEST_F(AlertTest, SaysWhatTheRuleAndTheEventSay) {
  const Alert alert = Make(Verdict::kDenied);
  EXPECT_EQ(alert.output, "sh opened /etc/shadow (<NA>)");
  EXPECT_EQ(alert.action, "deny");
  EXPECT_EQ(Make(Verdict::kWouldDeny).action, "alert");
  EXPECT_EQ(Make(Verdict::kKilled).action, "kill");
  EXPECT_EQ(alert.event_id, 7U);
  EXPECT_EQ(alert.hostname, "host-1");
  ASSERT_GE(alert.output_fields.size(), 3U);
  EXPECT_EQ(alert.output_fields[0].first, "proc.name");
  EXPECT_EQ(alert.output_fields[1].first, "fd.name");
  EXPECT_EQ(alert.output_fields[2].first, "proc.aname[2]");
}

TEST_F(AlertTest, JsonHasFalcosShape) {
  const std::string text = ToJson(Make(Verdict::kDenied));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const json parsed = json::parse(text);
  EXPECT_EQ(parsed["time"], "2026-01-31T12:00:00.000000001Z");
  EXPECT_EQ(parsed["rule"], "Shell in container");
  EXPECT_EQ(parsed["priority"], "Warning");
  EXPECT_EQ(parsed["source"], "syscall");
  EXPECT_EQ(parsed["hostname"], "host-1");
  EXPECT_EQ(parsed["output"], "12:00:00.000000001: Warning sh opened /etc/shadow (<NA>)");
  EXPECT_EQ(parsed["tags"], json({"shell", "T1059"}));
  EXPECT_EQ(parsed["policy"], "web");
  EXPECT_EQ(parsed["verdict"], "denied");
  EXPECT_EQ(parsed["action"], "deny");
  EXPECT_EQ(parsed["event_id"], 7);
  const json& fields = parsed["output_fields"];
  EXPECT_EQ(fields["fd.name"], "/etc/shadow");
  EXPECT_EQ(fields["proc.aname[2]"], nullptr);
  EXPECT_EQ(fields["evt.type"], "openat");
  EXPECT_EQ(fields["container.id"], "aaaaaaaaaaaa");
  EXPECT_EQ(fields["container.name"], "web-1");
  EXPECT_EQ(fields["container.image.repository"], "nginx");
  EXPECT_EQ(fields["proc.cmdline"], "sh -c id");
  EXPECT_EQ(fields["proc.exepath"], "/usr/bin/dash");
  EXPECT_EQ(fields["user.uid"], 0);
  EXPECT_FALSE(fields.contains("k8s.pod.name"));
}

TEST_F(AlertTest, MetadataThatIsNotThereIsNull) {
  binding_.settled = false;
  const json fields = json::parse(ToJson(Make()))["output_fields"];
  EXPECT_EQ(fields["container.name"], nullptr);
  EXPECT_EQ(fields["container.image.repository"], nullptr);
}

TEST_F(AlertTest, PodsAreNamedWhereThereAreAny) {
  binding_.container.k8s_pod = "web-0";
  binding_.container.k8s_namespace = "shop";
  const json fields = json::parse(ToJson(Make()))["output_fields"];
  EXPECT_EQ(fields["k8s.pod.name"], "web-0");
  EXPECT_EQ(fields["k8s.ns.name"], "shop");
}

TEST_F(AlertTest, ARuleWithoutOutputIsNamed) {
  rule_.output = nullptr;
  EXPECT_EQ(Make().output, "Shell in container");
}

TEST_F(AlertTest, OddBytesDoNotBreakJsonNorReachATerminal) {
  const std::string path = "/a\n\x1b[31m\xff\xc2\x9b\x7f\"\\";
  const std::string text = ToJson(Make(Verdict::kNone, path));
  for (const char* raw : {"\n", "\x1b", "\xff", "\xc2\x9b", "\x7f"})
    EXPECT_THAT(text, Not(HasSubstr(raw)));
  EXPECT_EQ(json::parse(text)["output_fields"]["fd.name"],
            "/a\n\x1b[31m\xef\xbf\xbd\xc2\x9b\x7f\"\\");
}

TEST_F(AlertTest, ALineIsOneLine) {
  binding_.container.name = "we\nb";
  EXPECT_EQ(ToLine(Make(Verdict::kWouldDeny, "/a\n\x1b[2J\xff"), false),
            "2026-01-31T12:00:00.000000001Z Warning would_deny [we\\nb] Shell in container: "
            "sh opened /a\\n\\x1b[2J\\xff (<NA>)");
}

TEST_F(AlertTest, ColoursOnlyIfAsked) {
  EXPECT_THAT(ToLine(Make(), false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ToLine(Make(), true), HasSubstr("\x1b[33mWarning\x1b[0m"));
  for (int i = 0; i <= static_cast<int>(rule::Priority::kDebug); i++) {
    rule_.priority = static_cast<rule::Priority>(i);
    EXPECT_THAT(ToLine(Make(), true), HasSubstr("\x1b[0m"));
  }
}

}  // namespace
}  // namespace nsw::alert
