// SPDX-License-Identifier: Apache-2.0
// The hot path: an event of a known process that no rule wants is decoded, bound and judged without
// allocating.
#include <gtest/gtest.h>

#include "engine/pipeline.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"
#include "tests/support/own_new.h"
#include "tests/support/record_builder.h"

namespace {
thread_local size_t allocations = 0;
}  // namespace

namespace nsw::test {
bool MayAllocate() {
  allocations++;
  return true;
}
}  // namespace nsw::test

namespace nsw {
namespace {

class Allocation : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(binder.Use(std::make_shared<test::FakePolicySet>()));
    pipeline.Tick();
    const test::Bytes known[] = {
        test::HomeRecord().Home(10).Pid(7, 1).Build(),
        test::ExecRecord("/bin/sh", {"sh"}).Home(10).Pid(7, 1).Parent(0).Build(),
        test::ExecRecord("/usr/bin/python3", {"x", "y"}).Home(10).Pid(100, 5).Parent(7).Build()};
    for (const test::Bytes& bytes : known) pipeline.Handle(bytes);
  }

  test::FakeKernel kernel;
  test::FakeProcessFacts facts;
  test::FakeProcessReader proc;
  test::FakeClock clock;
  alert::Dispatcher dispatcher;
  container::Registry registry{facts};
  PolicyBinder binder{kernel, registry};
  Pipeline pipeline{
      PipelineParts{kernel, registry, binder, dispatcher, nullptr, clock, "host", 1, 1024, proc}};
};

// A shell that runs one program after the other.
TEST_F(Allocation, ProcessesThatComeAndGoNeedNone) {
  const std::string argument(200, 'x');
  const test::Bytes life[] = {
      test::ForkRecord(200, 9).Home(10).Pid(7, 1).Parent(0).Build(),
      test::ExecRecord("/usr/bin/a-program-with-a-long-name", {"x", argument})
          .Home(10)
          .Pid(200, 9)
          .Parent(7)
          .Build(),
      test::ExitRecord().Home(10).Pid(200, 9).Parent(7).Build()};
  const auto live = [&] {
    for (const test::Bytes& bytes : life) pipeline.Handle(bytes);
  };
  for (int i = 0; i < 3; i++) live();
  const size_t before = allocations;
  for (int i = 0; i < 1000; i++) live();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(pipeline.ledger().decoded[NSW_EVENT_EXIT], 1003U);
}

TEST_F(Allocation, JudgingAnUnwantedEventNeedsNone) {
  const test::Bytes events[] = {test::OpenRecord("/usr/lib/python3/encodings/utf_8.pyc")
                                    .Home(10)
                                    .Pid(100, 5)
                                    .Parent(7)
                                    .Build(),
                                test::ConnectRecord().Home(10).Pid(100, 5).Parent(7).Build()};

  const size_t before = allocations;
  for (int i = 0; i < 1000; i++) {
    for (const test::Bytes& bytes : events) pipeline.Handle(bytes);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(pipeline.ledger().decoded[NSW_EVENT_OPEN], 1000U);
  EXPECT_GT(before, 0U) << "nothing is counted";
}

}  // namespace
}  // namespace nsw
