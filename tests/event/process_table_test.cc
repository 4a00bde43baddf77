// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/event/event.h"
#include "engine/event/process.h"
#include "tests/support/fakes.h"
#include "tests/support/record_builder.h"

namespace nsw::event {
namespace {

using test::Bytes;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMinute = 60 * kSecond;

class ProcessTableTest : public testing::Test {
 protected:
  // Decodes and binds; the event is valid until the next call.
  template <typename Builder>
  const Event& Bind(Builder builder) {
    bytes_ = builder.Build();
    EXPECT_EQ(Decode(bytes_, event_), DecodeError::kNone);
    table_.Bind(event_);
    return event_;
  }
  template <typename Builder>
  void Learn(Builder builder) {
    bytes_ = builder.Build();
    ASSERT_EQ(Decode(bytes_, event_), DecodeError::kNone);
    table_.Learn(event_);
  }

  test::FakeProcessReader proc_;
  ProcessTable table_{proc_, 8};
  Bytes bytes_;
  Event event_;
};

TEST_F(ProcessTableTest, AnExecTellsWhatRuns) {
  auto exec = test::ExecRecord("/usr/bin/dash", {"made up", "-c", "id"});
  exec.Pid(10, kSecond).Home(5).Text(&nsw_event_exec::raw, "/bin/sh").Name("sh");
  exec.fixed().tty = 0x8801;
  exec.fixed().exe_flags = NSW_EXE_UPPER;
  const Process* process = Bind(exec).process;
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->name, "sh");
  EXPECT_EQ(process->exepath, "/usr/bin/dash");
  EXPECT_EQ(process->cmdline, "sh -c id");
  EXPECT_EQ(process->args(), "-c id");
  EXPECT_EQ(process->cwd, "/work");
  EXPECT_EQ(process->tty, 0x8801U);
  EXPECT_EQ(process->exe_flags, NSW_EXE_UPPER);
  EXPECT_EQ(process->home, 5U);
}

TEST_F(ProcessTableTest, ANameThatTheKernelCutIsWhole) {
  auto exec = test::ExecRecord("/opt/a-very-long-program-name", {"x"});
  EXPECT_EQ(Bind(exec.Pid(10, kSecond)).process->name, "a-very-long-program-name");
}

TEST_F(ProcessTableTest, ANameThatWasNotCutIsNotContinuedByTheCaller) {
  auto exec = test::ExecRecord("/tmp/x", {"x"});
  exec.Pid(10, kSecond).Text(&nsw_event_exec::raw, "/usr/bin/xterm");
  EXPECT_EQ(Bind(exec).process->name, "x");
}

TEST_F(ProcessTableTest, AnExecThatFailedChangesNothing) {
  Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond));
  const Event& failed =
      Bind(test::ExecRecord("/bin/nothing", {"n", "arg"}).Pid(10, kSecond).Result(-13));
  EXPECT_EQ(failed.process->exepath, "/bin/sh");
  EXPECT_EQ(failed.arguments(), "arg") << "what was asked for";
}

TEST_F(ProcessTableTest, AForkedChildIsWhatItsParentIs) {
  Bind(test::ExecRecord("/bin/sh", {"sh", "-c", "x"}).Pid(10, kSecond).Parent(0).Home(5));
  Bind(test::ForkRecord(11, 2 * kSecond).Pid(10, kSecond).Parent(0).Home(5));
  const Event& open = Bind(test::OpenRecord("/etc/passwd").Pid(11, 2 * kSecond).Parent(10).Home(5));
  EXPECT_EQ(open.process->cmdline, "sh -c x");
  EXPECT_EQ(open.process->pid, 11U);
  EXPECT_EQ(open.process->home, 5U);
  ASSERT_NE(open.parent, nullptr);
  EXPECT_EQ(open.parent->pid, 10U);
  EXPECT_EQ(proc_.reads, 1) << "of the first process alone";
}

TEST_F(ProcessTableTest, AForkThatFailedOrMadeAThreadMakesNoProcess) {
  Bind(test::ForkRecord(11, kSecond).Pid(10, kSecond).Result(-11));
  Bind(test::ForkRecord(10, kSecond).Pid(10, kSecond));
  Bind(test::ForkRecord(0, kSecond).Pid(10, kSecond));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(ProcessTableTest, WithCloneParentTheChildIsASibling) {
  auto fork = test::ForkRecord(11, 2 * kSecond);
  fork.fixed().flags = 0x8000;
  Bind(fork.Pid(10, kSecond).Parent(7));
  EXPECT_EQ(table_.Find(11)->ppid, 7U);
}

TEST_F(ProcessTableTest, AForkThatIsReadLateDoesNotUndoTheChildsExec) {
  Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond));
  Bind(test::ExecRecord("/usr/bin/curl", {"curl", "x"}).Pid(11, 2 * kSecond).Parent(10));
  Bind(test::ForkRecord(11, 2 * kSecond).Pid(10, kSecond));
  EXPECT_EQ(table_.Find(11)->exepath, "/usr/bin/curl");
}

TEST_F(ProcessTableTest, AForkTellsWhatAChildIsThatNothingIsKnownOf) {
  Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond));
  Bind(test::OpenRecord("/a").Pid(11, 2 * kSecond).Parent(10));
  ASSERT_EQ(table_.Find(11)->exepath, "");
  Bind(test::ForkRecord(11, 2 * kSecond).Pid(10, kSecond));
  EXPECT_EQ(table_.Find(11)->exepath, "/bin/sh");
}

TEST_F(ProcessTableTest, AnExitIsJudgedWithItsProcessAndThenForgotten) {
  Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond));
  const Event& exit = Bind(test::ExitRecord().Pid(10, kSecond));
  ASSERT_NE(exit.process, nullptr);
  EXPECT_EQ(exit.process->name, "sh");
  EXPECT_NE(table_.Find(10), nullptr);
  Bind(test::OpenRecord("/a").Pid(20, kSecond));
  EXPECT_EQ(table_.Find(10), nullptr);
}

TEST_F(ProcessTableTest, AnIdThatIsUsedAgainIsAnotherProcess) {
  Bind(test::ExecRecord("/bin/old", {"old"}).Pid(10, kSecond));
  const Event& open = Bind(test::OpenRecord("/a").Pid(10, 5 * kSecond));
  ASSERT_NE(open.process, nullptr);
  EXPECT_EQ(open.process->exepath, "") << "nothing is known of the new one";
  EXPECT_EQ(open.process->start_ns, 5 * kSecond);
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(ProcessTableTest, ReadsFromProcWhatWasThereBefore) {
  proc_.Add(10, kSecond - 10'000'000, "nginx");  // rounded down to a tick
  proc_.Add(1, 0, "init");
  const Event& open = Bind(test::OpenRecord("/a").Pid(10, kSecond));
  EXPECT_EQ(open.process->exepath, "/usr/bin/nginx");
  EXPECT_EQ(open.process->start_ns, kSecond) << "as the kernel has it";
  EXPECT_EQ(open.parent->name, "init");
  const int reads = proc_.reads;
  Bind(test::OpenRecord("/b").Pid(10, kSecond));
  EXPECT_EQ(proc_.reads, reads) << "known by now";
}

TEST_F(ProcessTableTest, DoesNotTakeAnotherProcessFromProc) {
  proc_.Add(10, 9 * kSecond, "newcomer");
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond)).process->name, "");
}

TEST_F(ProcessTableTest, AParentCannotBeYoungerThanItsChild) {
  proc_.Add(7, 9 * kSecond, "newcomer");
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(7)).parent, nullptr);
  Bind(test::ExecRecord("/bin/young", {"y"}).Pid(8, 9 * kSecond));
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(8)).parent, nullptr);
}

TEST_F(ProcessTableTest, NobodyIsHisOwnParent) {
  const Event& open = Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond).Parent(10));
  EXPECT_EQ(open.parent, nullptr);
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(0)).parent, nullptr);
}

TEST_F(ProcessTableTest, AParentOnTheHostIsReadAnewAtEachExec) {
  proc_.Add(7, 0, "runc");
  EXPECT_EQ(Bind(test::ExecRecord("/bin/a", {"a"}).Pid(10, kSecond).Parent(7).Home(5)).parent->name,
            "runc");
  proc_.Add(7, 0, "containerd-shim");
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(7).Home(5)).parent->name, "runc");
  EXPECT_EQ(Bind(test::ExecRecord("/bin/b", {"b"}).Pid(10, kSecond).Parent(7).Home(5)).parent->name,
            "containerd-shim");
}

TEST_F(ProcessTableTest, AParentInAContainerIsNotReadAgain) {
  Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(7, kSecond).Home(5));
  proc_.Add(7, kSecond, "prctl-lies");
  EXPECT_EQ(Bind(test::ExecRecord("/bin/a", {"a"}).Pid(10, kSecond).Parent(7).Home(5)).parent->name,
            "sh");
}

TEST_F(ProcessTableTest, ReadsTheAncestorsOfWhatWasThereBefore) {
  proc_.Add(1, 0, "init");
  proc_.Add(5, 0, "dockerd", 1);
  proc_.Add(7, 0, "shim", 5);
  const Event& exec = Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond).Parent(7).Home(5));
  ASSERT_EQ(exec.parent->name, "shim");
  ASSERT_NE(table_.Find(5), nullptr);
  EXPECT_EQ(table_.Find(5)->name, "dockerd");
  ASSERT_NE(table_.Find(1), nullptr);
  EXPECT_EQ(table_.Find(1)->name, "init");
}

TEST_F(ProcessTableTest, ALoopInProcEnds) {
  proc_.Add(7, 0, "a", 8);
  proc_.Add(8, 0, "b", 7);
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(7)).parent->name, "a");
}

TEST_F(ProcessTableTest, FindLooksAtTheStart) {
  Bind(test::OpenRecord("/a").Pid(10, 5 * kSecond));
  EXPECT_NE(table_.Find(10), nullptr);
  EXPECT_NE(table_.Find(10, 5 * kSecond), nullptr);
  EXPECT_NE(table_.Find(10, 5 * kSecond - 10'000'000), nullptr) << "/proc rounds down";
  EXPECT_EQ(table_.Find(10, 4 * kSecond), nullptr);
  EXPECT_EQ(table_.Find(11), nullptr);
}

TEST_F(ProcessTableTest, FullMeansCountedAndUnknown) {
  for (uint32_t pid = 10; pid < 18; pid++) Bind(test::OpenRecord("/a").Pid(pid, kSecond).Parent(0));
  ASSERT_EQ(table_.size(), 8U);
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(30, kSecond).Parent(0)).process, nullptr);
  EXPECT_EQ(table_.forgotten(), 1U);
  EXPECT_EQ(proc_.reads, 8) << "no use in reading what there is no room for";
  EXPECT_EQ(Bind(test::OpenRecord("/a").Pid(10, 9 * kSecond).Parent(0)).process->start_ns,
            9 * kSecond)
      << "one that takes another's place needs no room";
}

TEST_F(ProcessTableTest, WhatIsHandedOutStaysWhereItIs) {
  const Process* first =
      Bind(test::ExecRecord("/bin/sh", {"sh"}).Pid(10, kSecond).Parent(0)).process;
  ProcessTable large(proc_, 100'000);
  bytes_ = test::OpenRecord("/a").Pid(10, kSecond).Parent(0).Build();
  ASSERT_EQ(Decode(bytes_, event_), DecodeError::kNone);
  large.Bind(event_);
  first = event_.process;
  for (uint32_t pid = 11; pid < 5000; pid++) {  // rehashes several times
    Bytes bytes = test::OpenRecord("/a").Pid(pid, kSecond).Parent(10).Build();
    Event event;
    ASSERT_EQ(Decode(bytes, event), DecodeError::kNone);
    large.Bind(event);
    ASSERT_EQ(event.parent, first);
  }
}

TEST_F(ProcessTableTest, LearnReadsWhoIsStillThere) {
  proc_.Add(10, kSecond, "short");
  proc_.Add(7, 0, "runc");
  Learn(test::OpenRecord("/a").Pid(10, kSecond).Parent(7));
  proc_.processes.clear();
  const Event& open = Bind(test::OpenRecord("/a").Pid(10, kSecond).Parent(7));
  EXPECT_EQ(open.process->name, "short");
  EXPECT_EQ(open.parent->name, "runc");
}

TEST_F(ProcessTableTest, LearnLeavesWhatIsKnown) {
  Bind(test::ExecRecord("/bin/old", {"old"}).Pid(10, kSecond));
  Learn(test::OpenRecord("/a").Pid(10, 9 * kSecond));
  EXPECT_EQ(table_.Find(10)->exepath, "/bin/old");
}

TEST_F(ProcessTableTest, SweepForgetsThoseThatEndedUnseen) {
  for (uint32_t pid = 10; pid < 16; pid++)
    Bind(test::OpenRecord("/a").Pid(pid, kSecond).Parent(0).Time(kMinute));
  proc_.Add(10, kSecond, "alive");
  proc_.Add(11, 9 * kSecond, "its id is another's");
  table_.Sweep(2 * kMinute, 100);
  EXPECT_EQ(table_.size(), 6U) << "heard of within the minute";
  Bind(test::OpenRecord("/a").Pid(12, kSecond).Parent(0).Time(2 * kMinute));
  table_.Sweep(2 * kMinute + 1, 100);
  EXPECT_NE(table_.Find(10), nullptr);
  EXPECT_NE(table_.Find(12), nullptr);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(ProcessTableTest, SweepGetsRoundByAndBy) {
  for (uint32_t pid = 10; pid < 18; pid++) Bind(test::OpenRecord("/a").Pid(pid, kSecond).Parent(0));
  const int reads = proc_.reads;
  table_.Sweep(2 * kMinute, 1);
  EXPECT_LE(proc_.reads, reads + 8);
  EXPECT_LT(table_.size(), 8U);
  for (int i = 0; i < 100; i++) table_.Sweep(2 * kMinute, 1);
  EXPECT_EQ(table_.size(), 3U) << "with room enough it does nothing";
}

TEST(ProcReader, ReadsThisProcess) {
  Process self;
  ASSERT_TRUE(ProcReader().Read(static_cast<uint32_t>(getpid()), self));
  EXPECT_EQ(self.ppid, static_cast<uint32_t>(getppid()));
  EXPECT_NE(self.exepath.find("event_test"), std::string::npos);
  EXPECT_EQ(self.name, "event_test");
  EXPECT_TRUE(self.cmdline.starts_with("event_test"));
  EXPECT_GT(self.start_ns, 0U);
  EXPECT_EQ(self.exe_flags, 0U);
  EXPECT_FALSE(ProcReader().Read(0x7fffffff, self));
}

}  // namespace
}  // namespace nsw::event
