// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/ports.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "engine/rule/predicate.h"

namespace nsw::rule {
namespace {

constexpr size_t kRangesMax = 1024;

Ports Bounded(Ports ports) { return ports.ranges().size() > kRangesMax ? Ports::All() : ports; }

}  // namespace

bool Ports::Contains(uint32_t port) const {
  const auto next = std::ranges::upper_bound(ranges_, port, {}, &Range::first);
  return next != ranges_.begin() && port <= std::prev(next)->last;
}

void Ports::Append(Range range) {
  if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
    ranges_.back().last = std::max(ranges_.back().last, range.last);
  } else {
    ranges_.push_back(range);
  }
}

Ports Both(const Ports& a, const Ports& b) {
  Ports both;
  auto one = a.ranges().begin();
  auto other = b.ranges().begin();
  while (one != a.ranges().end() && other != b.ranges().end()) {
    const uint32_t first = std::max(one->first, other->first);
    const uint32_t last = std::min(one->last, other->last);
    if (first <= last) both.Append({first, last});
    one->last < other->last ? ++one : ++other;
  }
  return Bounded(std::move(both));
}

Ports Either(const Ports& a, const Ports& b) {
  std::vector<Ports::Range> ranges;
  std::ranges::merge(a.ranges(), b.ranges(), std::back_inserter(ranges), {}, &Ports::Range::first,
                     &Ports::Range::first);
  Ports either;
  for (const Ports::Range& range : ranges) either.Append(range);
  return Bounded(std::move(either));
}

// What compares a number with others changes its answer at these and right behind them, no more.
PortLimits PortsOf(std::string_view field, const Predicate& predicate, bool negated,
                   std::span<const Word> words) {
  if (field != "fd.port" && field != "fd.rport" && field != "fd.sport") return {};
  std::set<uint32_t> changes{0};
  for (const Word& word : words) {
    const auto number = ParseNumber(word.text);
    if (!number) return {};
    for (const int64_t at : {*number, *number + 1}) {
      if (at >= 0 && at <= Ports::kLast) changes.insert(static_cast<uint32_t>(at));
    }
  }
  PortLimits limits{.if_true = {}, .if_false = {}};
  for (auto at = changes.begin(); at != changes.end(); ++at) {
    const auto next = std::next(at);
    const bool holds = predicate.Test(event::Value::Number(*at)) != negated;
    (holds ? limits.if_true : limits.if_false)
        .Append({*at, next == changes.end() ? Ports::kLast : *next - 1});
  }
  return {Bounded(std::move(limits.if_true)), Bounded(std::move(limits.if_false))};
}

}  // namespace nsw::rule
