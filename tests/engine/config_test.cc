// SPDX-License-Identifier: Apache-2.0
#include "engine/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace nsw {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(dir_); }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  Result<Config> Read(const std::string& text) {
    std::ofstream(file_) << text;
    return ReadConfig(file_);
  }
  // The mistakes, with the file's name left out.
  std::string Mistakes(const std::string& text) {
    const auto config = Read(text);
    if (config) return "none";
    std::string message = config.error().message;
    const std::string prefix = file_.string() + ':';
    for (size_t at; (at = message.find(prefix)) != std::string::npos;)
      message.erase(at, prefix.size());
    return message;
  }

  std::filesystem::path dir_ = testing::TempDir() + "nsw-config-" + std::to_string(getpid());
  std::filesystem::path file_ = dir_ / "nswarden.yaml";
};

TEST_F(ConfigTest, EmptyMeansTheDefaults) {
  for (const char* text : {"", "# nothing\n", "---\n", "history:\n"}) {
    const auto config = Read(text);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->policies.size(), 2U);
    EXPECT_EQ(config->output, Output::kText);
    EXPECT_EQ(config->history, "/var/lib/nswarden/history.db");
    EXPECT_TRUE(config->enforce);
    EXPECT_TRUE(config->check_policy_owner);
    EXPECT_EQ(config->control_socket(), "/run/nswarden/control.sock");
  }
}

TEST_F(ConfigTest, TakesEveryKey) {
  const auto config = Read(R"(
policies: [/a, /b/c.yaml]
output: json
history: {path: /h.db, retention: 3d, max_size: 1GiB, events: [open, dup]}
webhook:
  url: https://example.org/hook
  timeout: 250ms
  attempts: 9
runtimes: {docker: /d.sock, containerd: "", crio: /c.sock, podman_storage: /s}
run_directory: /r
enforce: false
hold: 0
unbound: closed
check_policy_owner: false
rings: {files: 64KiB, events: 1GiB, denials: 128KiB}
max_tasks: 4096
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->policies, (std::vector<std::filesystem::path>{"/a", "/b/c.yaml"}));
  EXPECT_EQ(config->output, Output::kJson);
  EXPECT_EQ(config->history, "/h.db");
  EXPECT_EQ(config->history_retention_ns, 3ULL * 86'400'000'000'000);
  EXPECT_EQ(config->history_max_bytes, 1ULL << 30);
  EXPECT_EQ(config->history_events, event::EventsOf({event::History::ALWAYS}) |
                                        1ULL << NSW_EVENT_OPEN | NSW_WANT_READS |
                                        1ULL << NSW_EVENT_DUP);
  EXPECT_EQ(config->webhook_url, "https://example.org/hook");
  EXPECT_EQ(config->webhook_timeout_ns, 250'000'000U);
  EXPECT_EQ(config->webhook_attempts, 9);
  EXPECT_EQ(config->runtimes.docker, "/d.sock");
  EXPECT_EQ(config->runtimes.containerd, "");
  EXPECT_EQ(config->runtimes.crio, "/c.sock");
  EXPECT_EQ(config->runtimes.podman, "/run/podman/podman.sock") << "not said";
  EXPECT_EQ(config->runtimes.podman_storage, "/s");
  EXPECT_EQ(config->run_directory, "/r");
  EXPECT_FALSE(config->enforce);
  EXPECT_EQ(config->hold_ns, 0U);
  EXPECT_TRUE(config->unbound_closed);
  EXPECT_FALSE(config->check_policy_owner);
  EXPECT_EQ(config->files_ring_bytes, 65536U);
  EXPECT_EQ(config->events_ring_bytes, 1U << 30);
  EXPECT_EQ(config->denials_ring_bytes, 128U << 10);
  EXPECT_EQ(config->max_tasks, 4096U);
}

TEST_F(ConfigTest, TheShippedFileSaysTheDefaults) {
  const auto config = ReadConfig(NSW_SOURCE_DIR "/packaging/nswarden.yaml");
  ASSERT_TRUE(config) << config.error().message;
  Config defaults;
  defaults.file = NSW_SOURCE_DIR "/packaging/nswarden.yaml";
  EXPECT_EQ(*config, defaults);
}

TEST_F(ConfigTest, OnePolicyNeedsNoList) {
  EXPECT_EQ(Read("policies: /a\n")->policies, (std::vector<std::filesystem::path>{"/a"}));
  EXPECT_TRUE(Read("policies: []\n")->policies.empty());
}

TEST_F(ConfigTest, AnEmptyHistoryPathMeansNone) {
  const auto config = Read("history: {path: \"\"}\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->history.empty());
}

TEST_F(ConfigTest, TheHistoryTakesGroupsOfEvents) {
  const uint64_t usual = Config{}.history_events;
  EXPECT_EQ(usual & 1ULL << NSW_EVENT_DUP, 0U);
  EXPECT_EQ(Read("history: {events: usual}\n")->history_events, usual);
  EXPECT_EQ(Read("history: {events: [usual, dup]}\n")->history_events,
            usual | 1ULL << NSW_EVENT_DUP);
  EXPECT_EQ(Read("history: {events: all}\n")->history_events,
            ((1ULL << NSW_EVENT_COUNT) - 1) | NSW_WANT_ANY_PORT);
  const uint64_t processes = Read("history: {events: []}\n")->history_events;
  EXPECT_NE(processes & 1ULL << NSW_EVENT_EXEC, 0U);
  EXPECT_EQ(processes & 1ULL << NSW_EVENT_OPEN, 0U);
  EXPECT_NE(Mistakes("history: {events: [opne]}\n").find("'opne' is no event; known are usual"),
            std::string::npos);
}

TEST_F(ConfigTest, UnknownKeysAreMistakesWithTheirPlace) {
  EXPECT_TRUE(Mistakes("outptu: json\n").starts_with("1:1: unknown key 'outptu'"));
  EXPECT_TRUE(Mistakes("history:\n  pth: /x\n").starts_with("2:3: unknown key 'history.pth'"));
  EXPECT_TRUE(Mistakes("history.path: /x\n").starts_with("1:1: unknown key 'history.path'"));
  EXPECT_TRUE(Mistakes("[a]: 1\n").starts_with("1:1: unknown key '?'"));
}

TEST_F(ConfigTest, EveryMistakeIsToldAtOnce) {
  const std::string mistakes =
      Mistakes("output: xml\nenforce: maybe\nnonsense: 1\nwebhook:\n  attempts: 0\n");
  EXPECT_NE(mistakes.find("1:9: output: must be text, json or none"), std::string::npos)
      << mistakes;
  EXPECT_NE(mistakes.find("2:10: enforce: must be true or false"), std::string::npos) << mistakes;
  EXPECT_NE(mistakes.find("3:1: unknown key 'nonsense'"), std::string::npos) << mistakes;
  EXPECT_NE(mistakes.find("5:13: webhook.attempts: must be a number from 1 to 9"),
            std::string::npos)
      << mistakes;
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 3);
}

TEST_F(ConfigTest, ValuesOutOfBoundsAreMistakes) {
  for (const char* text : {"output: [json]",
                           "history: {retention: 3}",
                           "history: {max_size: much}",
                           "history: {path: [a]}",
                           "history: {path: rel.db}",
                           "history: {retention: 0s}",
                           "history: {retention: 59s}",
                           "history: {max_size: 2}",
                           "history: {max_size: 0}",
                           "webhook: {url: ftp://x}",
                           "webhook: {url: 'localhost:80'}",
                           "webhook: {url: http://}",
                           "webhook: {url: http://a b/}",
                           "webhook: {url: 'http://h:99999/'}",
                           "run_directory: \"\"",
                           "run_directory: rel/run",
                           "webhook: {timeout: 0s}",
                           "webhook: {timeout: 11m}",
                           "webhook: {timeout: 30d}",
                           "webhook: {attempts: 10}",
                           "webhook: {attempts: -1}",
                           "rings: {files: 65537}",
                           "rings: {files: 32KiB}",
                           "rings: {events: 2GiB}",
                           "rings: {events: 0}",
                           "max_tasks: 1023",
                           "max_tasks: 4194305",
                           "max_tasks: lots",
                           "enforce: yes please",
                           "policies: {a: b}",
                           "policies: [[a]]",
                           "policies:",
                           "history: 5",
                           "history: [a]"}) {
    EXPECT_TRUE(Mistakes(text).starts_with("1:")) << text << ": " << Mistakes(text);
  }
}

// sockaddr_un holds 107 bytes of a path and its end.
TEST_F(ConfigTest, TheControlSocketHasRoomForItsPath) {
  const std::string longest(107 - strlen("/control.sock") - 1, 'r');
  EXPECT_EQ(Mistakes("run_directory: /" + longest), "none");
  EXPECT_EQ(Mistakes("run_directory: /" + longest + "rrr"),
            "1:16: run_directory: is too long for a socket in it, by 3 bytes");
}

TEST_F(ConfigTest, AKeyThatIsThereTwiceIsAMistake) {
  EXPECT_EQ(Mistakes("enforce: true\nenforce: false\n"), "2:1: key 'enforce' is there twice");
  EXPECT_EQ(Mistakes("rings: {files: 1MiB, files: 2MiB}\n"),
            "1:22: key 'rings.files' is there twice");
}

TEST_F(ConfigTest, BadYamlIsAMistakeWithItsPlace) {
  EXPECT_TRUE(Mistakes("output: [json\n").starts_with("2:1: ")) << Mistakes("output: [json\n");
  EXPECT_TRUE(Mistakes("a: b: c\n").starts_with("1:5: ")) << Mistakes("a: b: c\n");
  EXPECT_TRUE(Mistakes("- a\n- b\n").starts_with("1:1: must be a map"));
  EXPECT_TRUE(Mistakes("just text\n").starts_with("1:1: must be a map"));
  EXPECT_NE(Mistakes("enforce: true\n---\nenforce: false\n"), "none")
      << "a second document would be ignored";
}

TEST_F(ConfigTest, AFileThatIsNotThereOrIsNoneIsAnError) {
  const auto missing = ReadConfig(dir_ / "nothing.yaml");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("nothing.yaml: cannot be read"), std::string::npos);
  const auto directory = ReadConfig(dir_);
  ASSERT_FALSE(directory) << "a directory must not pass for an empty file";
  EXPECT_NE(directory.error().message.find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace nsw
