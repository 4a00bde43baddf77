// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path_bench.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <map>

#include "tests/bench/naive.h"
#include "tests/bench/world.h"

namespace nsw::bench {
namespace {

enum class Step { kDecode, kBind, kMatch };

rule::Matches Judge(const World& world, const event::Event& event) {
  static const std::vector<uint32_t> kNone;
  rule::Matches matches;
  const auto& policies = event.binding == nullptr ? kNone : event.binding->policies;
  (void)world.policies().MatchDeny(event, policies);
  world.policies().Match(event, policies, matches);
  return matches;
}

std::string Names(const auto& names) {
  std::string all;
  for (const auto& name : names) all += "[" + name + "]";
  return all;
}

std::vector<std::string> NamesOf(const rule::Matches& matches) {
  std::vector<std::string> names;
  for (size_t i = 0; i < matches.rules.size(); i++) names.push_back(matches.rules[i]->name);
  return names;
}

// What one pass over the corpus met.
struct Seen {
  std::array<size_t, NSW_EVENT_COUNT> by_type{};
  std::map<std::string, size_t> by_rule;
  size_t events = 0, matched = 0, wrong = 0;
};

void Print(const Corpus& corpus, const World& world, const Seen& seen) {
  printf("corpus: %zu records, %.0f MB, %zu containers:", corpus.size(),
         static_cast<double>(corpus.bytes()) / 1e6, world.containers());
  for (size_t type = 1; type < NSW_EVENT_COUNT; type++) {
    if (seen.by_type[type] == 0) continue;
    printf(" %zu %s", seen.by_type[type], event::Info(static_cast<event::Type>(type)).name.data());
  }
  printf("\nmatched: %zu events (%.2f %%)\n", seen.matched,
         100.0 * static_cast<double>(seen.matched) / static_cast<double>(seen.events));
  for (const auto& [name, count] : seen.by_rule) printf("  %8zu %s\n", count, name.c_str());
}

void Replay(benchmark::State& state, const Corpus& corpus, const std::filesystem::path& policies,
            Step to) {
  const auto world = World::Make(corpus, policies);
  if (!world) return state.SkipWithError(world.error().message.c_str());
  event::Event event;
  size_t events = 0;
  size_t matched = 0;
  for (auto _ : state) {
    corpus.ForEach([&](Record record) {
      events++;
      if (to == Step::kDecode) {
        benchmark::DoNotOptimize(event::Decode(record, event));
      } else if ((*world)->Bind(record, event) && to == Step::kMatch) {
        matched += !Judge(**world, event).rules.empty();
      }
    });
  }
  benchmark::DoNotOptimize(matched);
  state.SetItemsProcessed(static_cast<int64_t>(events));
}

}  // namespace

Status Verify(const Corpus& corpus, const std::filesystem::path& policies) {
  const auto world = World::Make(corpus, policies);
  if (!world) return tl::unexpected(world.error());
  const auto naive = NaiveEvaluator::Load(policies);
  if (!naive) return tl::unexpected(naive.error());
  Seen seen;
  event::Event event;
  corpus.ForEach([&](Record record) {
    if (!(*world)->Bind(record, event)) return;
    seen.events++;
    seen.by_type[event.header().type]++;
    if (event.binding == nullptr) return;
    const auto fast = NamesOf(Judge(**world, event));
    const auto slow = (*naive)->Match(event);
    seen.matched += !fast.empty();
    for (const std::string& name : fast) seen.by_rule[name]++;
    if (fast == slow) return;
    if (seen.wrong++ < 10)
      fprintf(stderr, "event %zu: %s, but naively %s\n", seen.events, Names(fast).c_str(),
              Names(slow).c_str());
  });
  Print(corpus, **world, seen);
  if (seen.wrong > 0) return Fail(std::to_string(seen.wrong) + " events are judged wrongly");
  if (seen.matched * 100 < seen.events) return Fail("less than 1 % of the events match");
  return {};
}

void RegisterPath(const Corpus& corpus, const std::filesystem::path& policies) {
  const auto add = [&](const char* name, Step step) {
    benchmark::RegisterBenchmark(name, [&corpus, &policies, step](benchmark::State& state) {
      Replay(state, corpus, policies, step);
    })->Unit(benchmark::kMillisecond);
  };
  add("Decode", Step::kDecode);
  add("DecodeBind", Step::kBind);
  add("DecodeBindMatch", Step::kMatch);
}

}  // namespace nsw::bench
