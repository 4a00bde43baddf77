// SPDX-License-Identifier: Apache-2.0
// The history's insertion, to the end: what was recorded is on the disk when the clock stops.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "store/history.h"
#include "tests/bench/path_bench.h"
#include "tests/support/record_builder.h"

namespace nsw::bench {
namespace {

namespace fs = std::filesystem;
constexpr size_t kEvents = 400'000;

// Opens of `paths` different files by 200 processes of 20 containers, round and round.
class Opens {
 public:
  explicit Opens(size_t paths) {
    for (size_t i = 0; i < 20; i++) {
      container::Binding& binding = bindings_.emplace_back();
      binding.home = i + 1;
      binding.is_container = binding.settled = true;
      binding.container = {.id = std::string(63, 'a') + static_cast<char>('a' + i),
                           .name = "service-" + std::to_string(i),
                           .runtime = "docker",
                           .image = container::ParseImage("service:1.2")};
    }
    for (size_t i = 0; i < 200; i++) {
      event::Process& process = processes_.emplace_back();
      process.pid = static_cast<uint32_t>(1000 + i);
      process.start_ns = i + 1;
      process.name = "service";
      process.exepath = "/usr/sbin/service";
      process.cmdline = "service --worker " + std::to_string(i);
    }
    for (size_t i = 0; i < paths; i++) records_.push_back(Build(i));
  }

  void RecordAll(store::Writer& writer) {
    event::Event event;
    for (size_t i = 0; i < kEvents; i++) {
      const test::Bytes& record = records_[i % records_.size()];
      (void)event::Decode(record, event);
      event.binding = &bindings_[i % records_.size() % bindings_.size()];
      event.process = &processes_[i % records_.size() % processes_.size()];
      event.real_time_ns = 1'700'000'000'000'000'000 + i * 1000;
      writer.RecordEvent(event, alert::Verdict::kNone, nullptr);
      // A kernel that is faster than the disk for so long would lose some: here it waits.
      if (i % 20'000 == 19'999) writer.Flush();
    }
    writer.Flush();
  }

 private:
  test::Bytes Build(size_t i) {
    return test::OpenRecord("/srv/data/" + std::to_string(i % 100) + "/file-" + std::to_string(i))
        .Home(i % bindings_.size() + 1)
        .Pid(processes_[i % processes_.size()].pid, processes_[i % processes_.size()].start_ns)
        .Build();
  }

  std::vector<container::Binding> bindings_;
  std::vector<event::Process> processes_;
  std::vector<test::Bytes> records_;
};

void Insert(benchmark::State& state, const fs::path& folder, size_t paths) {
  Opens opens(paths);
  const fs::path file = folder / "bench.db";
  for (auto _ : state) {
    state.PauseTiming();
    for (const char* part : {"", "-wal", "-shm"}) fs::remove(file.string() + part);
    auto writer = store::Writer::Open({.path = file});
    if (!writer) return state.SkipWithError(writer.error().message.c_str());
    state.ResumeTiming();
    opens.RecordAll(**writer);
    state.PauseTiming();
    const store::WriterStats stats = (*writer)->Stats();
    if (stats.stored != kEvents) return state.SkipWithError("events were lost");
    state.counters["rows"] = static_cast<double>(stats.rows);
    writer->reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(kEvents * state.iterations()));
}

void Register(const char* name, const fs::path& folder, size_t paths) {
  benchmark::RegisterBenchmark(
      name, [&folder, paths](benchmark::State& state) { Insert(state, folder, paths); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MeasureProcessCPUTime();
}

}  // namespace

void RegisterHistory(const fs::path& folder) {
  Register("HistoryFolded", folder, 1000);
  Register("HistoryNewRows", folder, kEvents);
}

}  // namespace nsw::bench
