// SPDX-License-Identifier: Apache-2.0
// The filters, the order and the limits of a query.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store/acts.h"

namespace nsw::store {
namespace {

using event::Type;

class QueryTest : public HistoryTest {
 protected:
  void SetUp() override {
    Open();
    Record(Act::Open("/etc/passwd").At(kNoon));
    Act other = Act::Open("/etc/shadow").At(kNoon + 10 * kSecond);
    other.container().name = "db";
    other.container().id = std::string(64, 'b');
    other.container().image = container::ParseImage("registry.corp:5000/db:9");
    other.header().home = 2;
    other.process() = {.pid = 7, .name = "psql", .exepath = "/usr/bin/psql", .cmdline = "psql"};
    Record(other);
    Record(Act::Connect("10.1.2.3", 443).At(kNoon + 20 * kSecond));
    Act exec(Type::k_exec);
    exec.Text("exe", "/bin/sh").Text("file", "/run.sh").At(kNoon + 30 * kSecond);
    exec.Text("cwd", "/srv");
    Record(exec);
  }
  size_t Count(const Filter& filter) { return Rows(filter).size(); }
};

TEST_F(QueryTest, Filters) {
  EXPECT_EQ(Count({}), 4U);
  EXPECT_EQ(Count({.container = "db"}), 1U);
  EXPECT_EQ(Count({.container = "bbbbbbbbbbbb"}), 1U);
  EXPECT_EQ(Count({.container = "*b"}), 4U);  // web and db
  EXPECT_EQ(Count({.image = "nginx"}), 3U);
  EXPECT_EQ(Count({.image = "registry.corp:5000/*"}), 1U);
  EXPECT_EQ(Count({.event = "open"}), 2U);
  EXPECT_EQ(Count({.event = "openat"}), 2U);
  EXPECT_EQ(Count({.event = "execve"}), 1U);
  EXPECT_EQ(Count({.process = "psql"}), 1U);
  EXPECT_EQ(Count({.process = "/usr/bin/*"}), 1U);
  EXPECT_EQ(Count({.path = "/etc/*"}), 2U);
  EXPECT_EQ(Count({.path = "/etc/passwd"}), 1U);
  EXPECT_EQ(Count({.path = "/bin/sh"}), 1U);  // what ran, not only what was asked for
  EXPECT_EQ(Count({.path = "/run.sh"}), 1U);
  EXPECT_EQ(Count({.path = "/srv"}), 0U);
  EXPECT_EQ(Count({.address = "10.0.0.0/8"}), 1U);
  EXPECT_EQ(Count({.address = ":80"}), 0U);
  EXPECT_EQ(Count({.container = "db", .path = "/etc/passwd"}), 0U);
}

TEST_F(QueryTest, Times) {
  EXPECT_EQ(Count({.since_ns = kNoon + 20 * kSecond}), 2U);
  EXPECT_EQ(Count({.until_ns = kNoon + 20 * kSecond}), 3U);
  EXPECT_EQ(Count({.since_ns = kNoon + kSecond, .until_ns = kNoon + 20 * kSecond}), 2U);
}

TEST_F(QueryTest, ARowThatBeganBeforeSinceAndWentOnIsFound) {
  Record(Act::Open("/long").At(kNoon + 40 * kSecond));
  Record(Act::Open("/long").At(kNoon + 90 * kSecond));
  EXPECT_EQ(Count({.since_ns = kNoon + 80 * kSecond}), 1U);
}

TEST_F(QueryTest, TheNewestRowsOldestFirst) {
  const auto rows = Rows({.limit = 2});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].object, "10.1.2.3:443");
  EXPECT_EQ(rows[1].object, "/run.sh");
  EXPECT_EQ(Count({.limit = 0}), 4U);
}

TEST_F(QueryTest, AClockSetBackHidesNothing) {
  Record(Act::Open("/back").At(kNoon - 3600 * kSecond));
  EXPECT_EQ(Count({.until_ns = kNoon - 3600 * kSecond}), 1U);
  EXPECT_EQ(Count({.since_ns = kNoon - 3601 * kSecond, .until_ns = kNoon - 3599 * kSecond}), 1U);
  EXPECT_EQ(Count({.since_ns = kNoon}), 4U);
}

TEST_F(QueryTest, AllRowsInPages) {
  for (int i = 0; i < 9000; i++) {
    Record(Act::Open("/page/" + std::to_string(i)).At(kNoon + 100 * kSecond + i / 7));
    if (i % 1000 == 0) writer_->Flush();
  }
  const auto rows = Rows({.limit = 0});
  ASSERT_EQ(rows.size(), 9004U);
  for (size_t i = 1; i < rows.size(); i++) EXPECT_LE(rows[i - 1].first_ns, rows[i].first_ns);
  EXPECT_EQ(rows.back().object, "/page/8999");
}

TEST_F(QueryTest, VisitStopsWhenTold) {
  writer_->Flush();
  for (const size_t limit : {size_t{0}, size_t{10}}) {
    int seen = 0;
    EXPECT_TRUE(Visit(options_.path, {.limit = limit}, [&](const Row&) { return ++seen < 2; }));
    EXPECT_EQ(seen, 2);
  }
}

TEST_F(QueryTest, BadFiltersAreErrors) {
  EXPECT_FALSE(Query(options_.path, {.address = "example.com"}));
  EXPECT_FALSE(Query(options_.path, {.verdict = "refused"}));
}

TEST_F(QueryTest, TextsAreNeverSql) {
  for (const char* text : {"'", "' OR 1=1 --", "\"", ";DROP TABLE events", "%", "$"}) {
    EXPECT_EQ(Count({.container = text}), 0U) << text;
    EXPECT_EQ(Count({.path = text}), 0U) << text;
    EXPECT_EQ(Count({.rule = text}), 0U) << text;
  }
  EXPECT_EQ(Count({}), 4U);
}

TEST_F(QueryTest, TheViewsArePlain) {
  Rows();
  const std::string command = "sqlite3 -readonly '" + options_.path.string() +
                              "' \"SELECT container || '|' || object FROM history ORDER BY id\"";
  FILE* pipe = popen(command.c_str(), "r");
  char line[200] = "";
  ASSERT_NE(fgets(line, sizeof line, pipe), nullptr);
  pclose(pipe);
  EXPECT_STREQ(line, "web|/etc/passwd\n");
}

TEST_F(QueryTest, WithoutAWriterToo) {
  writer_.reset();
  EXPECT_FALSE(std::filesystem::exists(options_.path.string() + "-wal"));
  EXPECT_EQ(Count({}), 4U);
}

TEST_F(QueryTest, NoFileSaysSo) {
  const auto rows = Query(folder_ / "none.db", {});
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("--history"), std::string::npos);
}

// Runs as somebody who may read the file but make none beside it.
TEST_F(QueryTest, AReaderWithoutWritePermission) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  Rows();
  chmod(folder_.c_str(), 0755);
  const auto as_nobody = [&] {
    const pid_t child = fork();
    if (child == 0) {
      if (setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
      const auto rows = Query(options_.path, {});
      if (rows) _exit(rows->size() == 4 ? 0 : 1);
      _exit(rows.error().message.find("root") != std::string::npos ? 2 : 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(as_nobody(), 2);  // mode 0640
  for (const char* suffix : {"", "-wal", "-shm"}) {
    chmod((options_.path.string() + suffix).c_str(), 0644);
  }
  EXPECT_EQ(as_nobody(), 0);
  writer_.reset();
  EXPECT_EQ(as_nobody(), 0);
}

}  // namespace
}  // namespace nsw::store
