// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/deny_matcher.h"

#include <algorithm>
#include <cstring>

namespace nsw::rule {
namespace {

// Of the thread: asking allocates only until it has grown.
struct Room {
  std::vector<const DenyEntry*> hits;
  std::vector<const DenyEntry*> voided;
  std::vector<uint32_t> allowed;  // by policy: classes
  std::string path;
};
thread_local Room room;

bool InPrefix(const NetRange& range, const nsw_addr& address) {
  const size_t whole = range.prefix / 8;
  if (std::memcmp(range.address.data(), address.b, whole) != 0) return false;
  const unsigned rest = range.prefix % 8;
  return rest == 0 || ((range.address[whole] ^ address.b[whole]) & (0xff00U >> rest) & 0xff) == 0;
}

bool InRange(const NetRange& range, const DenyAct& act) {
  return act.port >= range.port_low && act.port <= range.port_high &&
         (range.protocol == 0 || range.protocol == act.protocol) && InPrefix(range, *act.address);
}

std::string_view LastName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Where the component `number` of a path begins, its slash not counted, and what its length is;
// npos: the path has fewer. Of "/" there is none.
struct Component {
  size_t begin = std::string_view::npos;
  size_t length = 0;
};
Component ComponentOf(std::string_view path, size_t number) {
  size_t slash = 0;
  for (size_t i = 0; i < number && slash != std::string_view::npos; i++)
    slash = path.find('/', slash + 1);
  if (slash == std::string_view::npos || slash + 1 >= path.size()) return {};
  return {slash + 1, std::min(path.find('/', slash + 1), path.size()) - slash - 1};
}

bool IsBelow(std::string_view dir, std::string_view path) {
  if (dir == "/") return path.size() > 1;
  return path.size() > dir.size() && path.starts_with(dir) && path[dir.size()] == '/';
}

// Both are equal but for the one component.
bool FitsHole(const DenyKey& key, std::string_view path, bool below) {
  const Component in_key = ComponentOf(key.path, key.hole);
  const Component in_path = ComponentOf(path, key.hole);
  if (in_key.begin != in_path.begin) return false;
  if (path.substr(0, in_path.begin) != std::string_view(key.path).substr(0, in_key.begin))
    return false;
  const std::string_view key_rest = std::string_view(key.path).substr(in_key.begin + in_key.length);
  const std::string_view rest = path.substr(in_path.begin + in_path.length);
  if (!below) return rest == key_rest;
  return rest.size() > key_rest.size() && rest.starts_with(key_rest) &&
         rest[key_rest.size()] == '/';
}

}  // namespace

bool HasPath(const DenyKey& key, std::string_view path) {
  if (!path.starts_with('/')) return false;
  switch (key.kind) {
    case DenyKind::kPath:
      return path == key.path;
    case DenyKind::kBelow:
      return IsBelow(key.path, path);
    case DenyKind::kName:
      return LastName(path) == key.path;
    case DenyKind::kSuffix:
      return LastName(path).ends_with(key.path);
    case DenyKind::kHolePath:
      return FitsHole(key, path, false);
    case DenyKind::kHoleBelow:
      return FitsHole(key, path, true);
    default:
      return false;
  }
}

bool DenyVerdict::Before(const DenyVerdict& other) const {
  const auto rank = [](const DenyVerdict& v) {
    return (v.rule == 0 ? 8 : 0) + (v.mode == NSW_VERDICT_DENIED ? 0 : 4) + (v.absence ? 2 : 0) +
           (v.action == DenyAction::kKill ? 0 : 1);
  };
  return rank(*this) <= rank(other);
}

struct DenyMatcher::Asked {
  const DenyAct& act;
  const DenyActor& actor;
  uint64_t running;
  uint32_t classes;
};

DenyMatcher::DenyMatcher(std::shared_ptr<const DenyPlan> plan)
    : plan_(std::move(plan)), classes_(plan_->classes()) {
  for (const DenyEntry& entry : plan_->entries) {
    for (const DenyKey& key : entry.keys) Add(key, {&entry, nullptr});
    for (const DenyException& exception : entry.exceptions) {
      for (const DenyKey& key : exception.keys) Add(key, {&entry, &exception});
    }
  }
}

void DenyMatcher::Add(const DenyKey& key, Ref ref) {
  const auto kind = static_cast<size_t>(key.kind);
  switch (key.kind) {
    case DenyKind::kNet:
      nets_.push_back({key.net, ref});
      return;
    case DenyKind::kSocket:
    case DenyKind::kCapability:
    case DenyKind::kOperation:
    case DenyKind::kOrigin:
      numbers_[kind][key.number].push_back(ref);
      return;
    case DenyKind::kSuffix:
      suffixes_.insert(key.path.size());
      break;
    case DenyKind::kHolePath:
    case DenyKind::kHoleBelow:
      shapes_.insert({key.kind, static_cast<size_t>(std::ranges::count(key.path, '/')), key.hole});
      break;
    default:
      break;
  }
  texts_[kind][key.path].push_back(ref);
}

DenyVerdict DenyMatcher::Match(const DenyAct& act, const DenyActor& actor, uint64_t running) const {
  const Asked asked{act, actor, running, act.classes & classes_};
  if (asked.classes == 0) return {};
  room.hits.clear();
  room.voided.clear();
  if (act.path.starts_with('/')) LookPath(asked);
  if (!act.abstract.empty()) Look(DenyKind::kAbstract, act.abstract, asked);
  if (act.address != nullptr) LookNet(asked);
  LookNumbers(asked);
  return Conclude(asked);
}

void DenyMatcher::Hit(std::span<const Ref> refs, const Asked& asked) const {
  for (const Ref& ref : refs) {
    const DenyEntry& entry = *ref.entry;
    if ((entry.classes & asked.classes) == 0) continue;
    const DenyCondition& condition =
        ref.exception == nullptr ? entry.condition : ref.exception->condition;
    if (!Holds(condition, entry.policy, asked)) continue;
    (ref.exception == nullptr ? room.hits : room.voided).push_back(&entry);
  }
}

bool DenyMatcher::Holds(const DenyCondition& condition, uint16_t policy, const Asked& asked) const {
  if (condition.when != 0) {
    const bool over = plan_->policies[policy].until.empty() || (asked.running >> policy & 1) != 0;
    const uint8_t now = asked.actor.joined ? kWhenJoined : over ? kWhenRunning : kWhenStartup;
    if ((condition.when & now) == 0) return false;
  }
  if (condition.by != 0 && !InGroup(condition.by, asked.actor.exe)) return false;
  return condition.ancestor == 0 ||
         std::ranges::any_of(asked.actor.ancestors, [&](std::string_view exe) {
           return InGroup(condition.ancestor, exe);
         });
}

bool DenyMatcher::InGroup(uint16_t group, std::string_view exe) const {
  return std::ranges::any_of(plan_->groups[group - 1].keys,
                             [&](const DenyKey& key) { return HasPath(key, exe); });
}

void DenyMatcher::Look(DenyKind kind, std::string_view key, const Asked& asked) const {
  const Texts& table = Of(kind);
  if (table.empty()) return;
  if (const auto found = table.find(key); found != table.end()) Hit(found->second, asked);
}

void DenyMatcher::LookNumber(DenyKind kind, uint32_t number, const Asked& asked) const {
  const Numbers& table = numbers_[static_cast<size_t>(kind)];
  if (const auto found = table.find(number); found != table.end()) Hit(found->second, asked);
}

void DenyMatcher::LookPath(const Asked& asked) const {
  const std::string_view path = asked.act.path;
  const std::string_view name = LastName(path);
  Look(DenyKind::kPath, path, asked);
  Look(DenyKind::kName, name, asked);
  for (const size_t length : suffixes_) {
    if (length <= name.size()) Look(DenyKind::kSuffix, name.substr(name.size() - length), asked);
  }
  LookHoles(asked);
  if (Of(DenyKind::kBelow).empty()) return;
  if (path.size() > 1) Look(DenyKind::kBelow, "/", asked);
  for (size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    Look(DenyKind::kBelow, path.substr(0, slash), asked);
  }
}

// For each shape the path, or that much of it, with "*" in the place of the one component.
void DenyMatcher::LookHoles(const Asked& asked) const {
  const std::string_view path = asked.act.path;
  for (const Shape& shape : shapes_) {
    const Component last = ComponentOf(path, shape.depth - 1);
    if (last.begin == std::string_view::npos) continue;
    const size_t end = last.begin + last.length;
    if ((end == path.size()) != (shape.kind == DenyKind::kHolePath)) continue;
    const Component hole = ComponentOf(path, shape.hole);
    room.path.assign(path.substr(0, hole.begin)).append("*");
    room.path.append(path.substr(hole.begin + hole.length, end - hole.begin - hole.length));
    Look(shape.kind, room.path, asked);
  }
}

void DenyMatcher::LookNet(const Asked& asked) const {
  for (const Net& net : nets_) {
    if (InRange(net.range, asked.act)) Hit({&net.ref, 1}, asked);
  }
}

void DenyMatcher::LookNumbers(const Asked& asked) const {
  const DenyAct& act = asked.act;
  const auto of = [&](DenyClass deny_class) { return (asked.classes & ClassBit(deny_class)) != 0; };
  if (of(DenyClass::k_capability)) LookNumber(DenyKind::kCapability, act.number, asked);
  if (of(DenyClass::k_operation)) LookNumber(DenyKind::kOperation, act.number, asked);
  if (of(DenyClass::k_socket)) {
    LookNumber(DenyKind::kSocket, act.number, asked);
    LookNumber(DenyKind::kSocket, act.number | kAnySocket, asked);
    LookNumber(DenyKind::kSocket, act.number | kAnySocket << 16, asked);
  }
  for (uint32_t origin = 0; act.origins >> origin != 0; origin++) {
    if ((act.origins >> origin & 1) != 0) LookNumber(DenyKind::kOrigin, origin, asked);
  }
}

DenyVerdict DenyMatcher::Conclude(const Asked& asked) const {
  for (const DenyEntry* entry : room.hits) {  // holes whatever the object is
    for (const DenyException& exception : entry->exceptions) {
      if (exception.keys.empty() && Holds(exception.condition, entry->policy, asked))
        room.voided.push_back(entry);
    }
  }
  const DenyEntry* deny = nullptr;
  room.allowed.assign(plan_->policies.size(), 0);
  for (const DenyEntry* entry : room.hits) {
    if (std::ranges::find(room.voided, entry) != room.voided.end()) continue;
    if (entry->allow)
      room.allowed[entry->policy] |= entry->classes;
    else if (deny == nullptr || entry < deny)  // the plan's order
      deny = entry;
  }
  DenyVerdict verdict;
  if (deny != nullptr) verdict = {deny->rule, deny->mode, deny->action, false};
  for (const AllowList& list : plan_->allow) {
    if ((list.classes & asked.classes & ~room.allowed[list.policy]) == 0) continue;
    const DenyVerdict absence{list.rule, list.mode, DenyAction::kRefuse, true};
    if (!verdict.Before(absence)) verdict = absence;
  }
  return verdict;
}

}  // namespace nsw::rule
