// SPDX-License-Identifier: Apache-2.0
// What the history must survive: kill -9, damage, a full disk, a lock, a file that goes away.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "store/schema.h"
#include "store/sql.h"
#include "tests/store/acts.h"

namespace nsw::store {
namespace {

namespace fs = std::filesystem;

constexpr long kPage = 16384;  // of the file

class RobustTest : public HistoryTest {
 protected:
  std::string OpenError() {
    const auto writer = Writer::Open(options_);
    return writer ? "" : writer.error().message;
  }
  void Overwrite(long offset, const std::string& bytes) {
    std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
  }
  size_t CorruptFiles() {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      count += name.starts_with("history.db.corrupt-") && !name.ends_with("-wal") &&
               !name.ends_with("-shm");
    }
    return count;
  }
  void Run(const std::string& sql) {
    auto database = Database::Open(options_.path, SQLITE_OPEN_READWRITE);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Exec(sql.c_str()));
  }
};

TEST_F(RobustTest, AKilledWriterLeavesAWholeFile) {
  for (int round = 0; round < 3; round++) {
    const pid_t child = fork();
    if (child == 0) {
      options_.flush_interval_ms = 1;
      auto writer = Writer::Open(options_);
      if (!writer) _exit(1);
      for (uint64_t i = 0;; i++) {
        Act act = Act::Open("/file" + std::to_string(i % 5000)).At(kNoon + i * 1000);
        (*writer)->RecordEvent(act.event(), alert::Verdict::kNone, nullptr);
      }
    }
    const fs::path log = options_.path.string() + "-wal";  // it writes, however slow the machine
    std::error_code error;
    for (int i = 0; i < 600 && !(fs::file_size(log, error) > 100'000 && !error); i++) {
      usleep(100'000);
    }
    usleep(50'000 + round * 77'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_GT(Rows({.limit = 10}).size(), 0U);  // by a reader, before any writer repairs it
  Open();
  Record(Act::Open("/after"));
  EXPECT_EQ(Rows({.path = "/after"}).size(), 1U);
  EXPECT_EQ(CorruptFiles(), 0U);
  auto database = Database::Open(options_.path, SQLITE_OPEN_READWRITE);
  auto check = database->Prepare("PRAGMA integrity_check");
  ASSERT_TRUE(*check->Step());
  EXPECT_EQ(check->Text(0), "ok");
}

TEST_F(RobustTest, ModesOfFileAndDirectory) {
  options_.path = folder_ / "new" / "history.db";
  const mode_t old = umask(077);
  Open();
  umask(old);
  struct stat facts {};
  stat(options_.path.c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 07777, 0640U);
  stat(options_.path.parent_path().c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 07777 & ~0750U, 0U);
}

TEST_F(RobustTest, ADamagedFileIsMovedAside_A4) {
  Open();
  Record(Act::Open("/a"));
  writer_.reset();
  Overwrite(100, std::string(1000, 'x'));  // behind the header
  const auto rows = Query(options_.path, {});
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("damaged"), std::string::npos) << rows.error().message;
  Open();
  EXPECT_EQ(CorruptFiles(), 1U);
  EXPECT_EQ(Rows().size(), 0U);
  Record(Act::Open("/b"));
  EXPECT_EQ(Rows().size(), 1U);
}

TEST_F(RobustTest, AHistoryWhoseHeaderIsGoneIsKnownByItsName_A4) {
  Open();
  Record(Act::Open("/a"));
  writer_.reset();
  Overwrite(0, std::string(1000, '\0'));
  Open();
  EXPECT_EQ(CorruptFiles(), 1U);
}

TEST_F(RobustTest, ADamagedPageIsFoundAtOpening) {
  Open();
  for (int i = 0; i < 2000; i++) Record(Act::Open("/file" + std::to_string(i)));
  writer_.reset();
  const long pages = static_cast<long>(fs::file_size(options_.path)) / kPage;
  Overwrite(pages / 2 * kPage, std::string(kPage, '\x5a'));
  Open();
  EXPECT_EQ(CorruptFiles(), 1U);
}

TEST_F(RobustTest, DamageWhileWritingBeginsAnew) {
  Open();
  for (int i = 0; i < 2000; i++) Record(Act::Open("/file" + std::to_string(i)));
  writer_->Flush();
  Run("PRAGMA wal_checkpoint(TRUNCATE)");
  for (long page = 1; page * kPage < static_cast<long>(fs::file_size(options_.path)); page++) {
    Overwrite(page * kPage, std::string(kPage, '\x5a'));
  }
  Run("PRAGMA user_version = 3");  // page 1 is written anew, and the writer reads all again
  for (int i = 0; i < 10; i++) Record(Act::Open("/new" + std::to_string(i)));
  EXPECT_EQ(Rows({.path = "/new*"}).size(), 10U);
  EXPECT_EQ(CorruptFiles(), 1U);
  ExpectBalance();
}

TEST_F(RobustTest, AFileOfAnOlderVersionIsReadAsItIsAndThenBroughtUpToDate) {
  Open();
  writer_->RecordOperation("deny", "exec /bin/sh in web", 1000, 42);
  writer_.reset();
  for (const char* column : {"count", "verdict", "rule"})
    Run(std::string("ALTER TABLE operations DROP COLUMN ") + column);
  Run("DROP TABLE told");
  Run("PRAGMA user_version = 1");
  const auto rows = Query(options_.path, {});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->at(0).count, 1U);
  Open();
  writer_->RecordOperation("deny", "exec /bin/su in web", 1000, 42);
  EXPECT_EQ(Rows().size(), 2U);
}

TEST_F(RobustTest, ANewerFileIsRefusedAndLeftAlone) {
  Open();
  writer_.reset();
  Run("PRAGMA user_version = 99");
  EXPECT_NE(OpenError().find("newer nswarden"), std::string::npos) << OpenError();
  const auto rows = Query(options_.path, {});
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("newer nswarden"), std::string::npos);
  EXPECT_EQ(CorruptFiles(), 0U);
}

TEST_F(RobustTest, AnotherProgramsFileIsRefusedAndLeftAlone) {
  auto database = Database::Open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ASSERT_TRUE(database->Exec("CREATE TABLE t(x)"));
  EXPECT_NE(OpenError().find("not a history"), std::string::npos) << OpenError();
}

TEST_F(RobustTest, WhatWasNoHistoryIsNeverMovedAside) {
  options_.path = (fs::path(options_.path).parent_path() / "notes").string();
  std::ofstream(options_.path) << "notes";
  EXPECT_NE(OpenError().find("not a history"), std::string::npos) << OpenError();
  const auto rows = Query(options_.path, {});
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("not a history"), std::string::npos);
  EXPECT_EQ(fs::file_size(options_.path), 5U);
  fs::remove(options_.path);
  auto database = Database::Open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ASSERT_TRUE(database->Exec("CREATE TABLE t(x)"));
  *database = Database();
  Overwrite(100, std::string(1000, 'x'));
  EXPECT_NE(OpenError().find("not a history"), std::string::npos) << OpenError();
  EXPECT_EQ(CorruptFiles(), 0U);
}

TEST_F(RobustTest, AHistoryIsKnownBeforeItsLogIsWrittenBack) {
  Open();
  Record(Act::Open("/a"));
  writer_->Flush();
  EXPECT_TRUE(WasHistory(options_.path));
}

TEST_F(RobustTest, OnlyAPlainFileIsRead) {
  const auto error = [&] {
    const auto rows = Query(options_.path, {});
    return rows ? "" : rows.error().message;
  };
  fs::create_directory(options_.path);
  EXPECT_NE(error().find("a directory"), std::string::npos) << error();
  fs::remove(options_.path);
  ASSERT_EQ(mkfifo(options_.path.c_str(), 0600), 0);
  EXPECT_NE(error().find("not a plain file"), std::string::npos) << error();
}

TEST_F(RobustTest, ALinkIsRefused) {
  ASSERT_EQ(symlink("/tmp/elsewhere.db", options_.path.c_str()), 0);
  EXPECT_NE(OpenError().find("symbolic link"), std::string::npos) << OpenError();
}

TEST_F(RobustTest, AFolderOrADeviceIsRefused) {
  fs::create_directory(options_.path);
  EXPECT_NE(OpenError(), "");
  options_.path = "/dev/null";
  EXPECT_NE(OpenError(), "");
}

TEST_F(RobustTest, SomebodyElsesFileIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  std::ofstream(options_.path).close();
  ASSERT_EQ(chown(options_.path.c_str(), 65534, 65534), 0);
  EXPECT_NE(OpenError().find("belongs to user"), std::string::npos) << OpenError();
}

TEST_F(RobustTest, OneWriterAtATime) {
  Open();
  Record(Act::Open("/a"));
  EXPECT_NE(OpenError().find("another nswarden"), std::string::npos) << OpenError();
  EXPECT_EQ(Rows().size(), 1U);
}

TEST_F(RobustTest, AFullDiskIsCountedAndSurvived_A4) {
  options_.retry_ms = 300;
  options_.flush_interval_ms = 3'600'000;  // one batch, when Flush asks for it
  Open();
  Record(Act::Open("/before"));
  writer_->Flush();
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit full{200 << 10, old.rlim_max};  // writes beyond fail, as on a full disk
  setrlimit(RLIMIT_FSIZE, &full);
  for (int i = 0; i < 5000; i++) Record(Act::Open("/lost" + std::to_string(i)));
  writer_->Flush();
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  const WriterStats stats = writer_->Stats();
  EXPECT_EQ(stats.lost_error, 5000U);
  EXPECT_NE(stats.last_error, "");
  ExpectBalance();
  Record(Act::Open("/lost1"));  // its row never came to be: a new one
  Record(Act::Open("/after"));
  EXPECT_EQ(Rows({.path = "/lost1"}).size(), 1U);
  EXPECT_EQ(Rows().size(), 3U);
  EXPECT_EQ(writer_->Stats().lost_error, 5000U);
  ExpectBalance();
}

TEST_F(RobustTest, ALockedFileIsWaitedFor_A4) {
  options_.retry_ms = 60'000;
  Open();
  auto other = Database::Open(options_.path, SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(other->Exec("BEGIN IMMEDIATE"));
  Record(Act::Open("/a"));
  for (int i = 0; i < 100 && writer_->Stats().last_error.empty(); i++) usleep(100'000);
  EXPECT_NE(writer_->Stats().last_error.find("locked"), std::string::npos);
  EXPECT_GT(writer_->Stats().last_error_ns, kNoon);
  EXPECT_EQ(writer_->Stats().pending, 1U);
  EXPECT_NE(writer_->Stats().pending_since_ns, 0U);
  ExpectBalance();
  ASSERT_TRUE(other->Exec("COMMIT"));
  EXPECT_EQ(Rows().size(), 1U);
  EXPECT_EQ(writer_->Stats().pending_since_ns, 0U);
  EXPECT_EQ(writer_->Stats().lost_error, 0U);
}

TEST_F(RobustTest, WhatFindsNoRoomInTheQueueIsCountedAsThatAlone_A4) {
  options_.retry_ms = 60'000;
  options_.queue_bytes = 256 << 10;
  Open();
  auto other = Database::Open(options_.path, SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(other->Exec("BEGIN IMMEDIATE"));  // nothing leaves the queue
  for (int i = 0; i < 5000; i++) Record(Act::Open("/file" + std::to_string(i)));
  const uint64_t lost = writer_->Stats().lost_queue;
  EXPECT_GT(lost, 0U);
  EXPECT_LT(lost, 5000U);
  EXPECT_EQ(writer_->Stats().lost_error, 0U);
  ExpectBalance();
  ASSERT_TRUE(other->Exec("COMMIT"));
  EXPECT_EQ(Rows().size(), 5000 - lost);
  EXPECT_EQ(writer_->Stats().stored, 5000 - lost);
  EXPECT_EQ(writer_->Stats().lost_queue, lost);
  EXPECT_EQ(writer_->Stats().lost_error, 0U);
  ExpectBalance();
}

TEST_F(RobustTest, AFileThatIsRemovedIsBegunAnew) {
  Open();
  Record(Act::Open("/a"));
  writer_->Flush();
  fs::remove(options_.path);
  Record(
      Act::Open("/a"));  // a repetition of a row that went with the file: it is lost, and counted
  writer_->Flush();
  Record(Act::Open("/a"));
  EXPECT_EQ(Rows().size(), 1U);
  ExpectBalance();
}

TEST_F(RobustTest, AgeTakesTheOldestRows) {
  options_.retention_ns = 3600 * kSecond;
  options_.flush_interval_ms = 10;
  Open();
  const auto now = static_cast<uint64_t>(time(nullptr)) * kSecond;
  for (int i = 0; i < 100; i++) Record(Act::Open("/old" + std::to_string(i)));
  for (int i = 0; i < 100; i++) Record(Act::Open("/new" + std::to_string(i)).At(now));
  for (int i = 0; i < 100 && Rows().size() != 100; i++) usleep(100'000);
  EXPECT_EQ(Rows({.path = "/new*"}).size(), 100U);
  EXPECT_EQ(Rows({.path = "/old*"}).size(), 0U);
  ExpectBalance();
  EXPECT_EQ(writer_->Stats().stored, 200U);  // they were
}

TEST_F(RobustTest, AgeTakesHowFarRefusalsWereTold) {
  options_.retention_ns = kSecond;
  options_.flush_interval_ms = 10;
  Open();
  writer_->RecordRefusals({.id = 7}, {.acts = 1, .counter = "boot/1", .counted = 1});
  usleep(3'000'000);  // it tidies once a second
  writer_.reset();
  Open();
  EXPECT_EQ(writer_->ToldOf("boot/1"), Told());
}

TEST_F(RobustTest, SizeTakesTheOldestRows) {
  options_.max_bytes = 2 << 20;
  options_.flush_interval_ms = 5;
  Open();
  const std::string tail(300, 'x');
  for (int i = 0; i < 10000; i++) {
    Act act(event::Type::k_exec);
    act.process().cmdline = "sh " + std::to_string(i);  // each another row of `programs`
    Record(act.Text("file", "/bin/" + std::to_string(i) + tail).At(kNoon + i * 1000));
    if (i % 1000 == 0) writer_->Flush();
  }
  const auto size = [&] { return fs::file_size(options_.path); };
  // The file at one moment does not tell: what was written last may still lie in its log.
  const auto full = [&] { return size() > 3U << 20 || !Rows({.path = "/bin/0x*"}).empty(); };
  for (int i = 0, calm = 0; i < 200 && calm < 5; i++, usleep(100'000)) calm = full() ? 0 : calm + 1;
  EXPECT_LE(size(), 3U << 20);
  const auto rows = Rows({.limit = 0});
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(Rows({.path = "/bin/9999*"}).size(), 1U);
  EXPECT_EQ(Rows({.path = "/bin/0x*"}).size(), 0U);
  EXPECT_GT(rows.size(), 100U);  // no more went than the last step of deleting takes
  for (const Row& row : rows) EXPECT_NE(row.process, "");  // its program is still there
  ExpectBalance();
}

}  // namespace
}  // namespace nsw::store
