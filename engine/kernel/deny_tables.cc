// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_tables.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string>
#include <tuple>

#include "engine/kernel/path_hash.h"

namespace nsw::kernel {
namespace {

using rule::DenyKey;
using rule::DenyKind;

using Clauses = std::vector<nsw_clause>;
using NetPlace = std::pair<uint8_t, std::array<uint8_t, 16>>;  // prefix, masked address

auto Fields(const nsw_clause& c) {
  return std::tuple(c.entry, c.kind, c.rule, c.classes, c.mode, c.action, c.when, c.group, c.by,
                    c.ancestor, c.policy, c.port_low, c.port_high, c.protocol);
}

bool Before(const nsw_clause& a, const nsw_clause& b) { return Fields(a) < Fields(b); }

struct ByContent {
  bool operator()(const Clauses& a, const Clauses& b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), Before);
  }
};

/// Zeroes what lies beyond the prefix.
std::array<uint8_t, 16> Masked(std::array<uint8_t, 16> address, unsigned prefix) {
  for (unsigned bit = prefix; bit < 128; ++bit) {
    address[bit / 8] &= static_cast<uint8_t>(~(0x80U >> (bit % 8)));
  }
  return address;
}

std::string Count(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what;
}

class Lowering {
 public:
  Lowering(const rule::DenyPlan& plan, uint64_t seed) : plan_(plan), seed_(seed) {}

  Result<DenyTables> Run() {
    if (Status status = Limits(); !status) return tl::unexpected(status.error());
    for (size_t i = 0; i < plan_.entries.size(); ++i) {
      if (Status status = Entry(i); !status) return tl::unexpected(status.error());
    }
    if (Status status = Others(); !status) return tl::unexpected(status.error());
    AllowLists();
    tables_.refusals = RefusalsOf(plan_);
    if (Status status = Pack(); !status) return tl::unexpected(status.error());
    return std::move(tables_);
  }

 private:
  [[nodiscard]] Status Limits() const;
  Status Entry(size_t position);
  Status Others();
  void AllowLists();
  Status Put(const DenyKey& key, nsw_clause clause);
  Status PutPath(const DenyKey& key, const nsw_clause& clause);
  Status PutSuffix(const DenyKey& key, const nsw_clause& clause);
  Status PutHole(const DenyKey& key, const nsw_clause& clause);
  Result<uint32_t> Shape(uint32_t depth, uint32_t position);
  Status Pack();
  Result<nsw_clauses> Store(Clauses clauses, const std::string& where);
  Status PackNets();

  const rule::DenyPlan& plan_;
  uint64_t seed_;
  DenyTables tables_;
  std::map<PathKey, Clauses> paths_;
  std::map<PathKey, NamedObject> objects_;  // those with a path that may have an inode
  std::map<NetPlace, Clauses> nets_;
  std::map<Clauses, nsw_clauses, ByContent> stored_;
};

Status Lowering::Limits() const {
  std::array<size_t, NSW_CLASS_COUNT> entries{};
  for (const rule::DenyEntry& entry : plan_.entries) {
    if (entry.rule == 0) return Fail("a deny entry without a rule id");
    for (unsigned c = 0; c < NSW_CLASS_COUNT; ++c) entries[c] += entry.classes >> c & 1;
  }
  const size_t most = *std::max_element(entries.begin(), entries.end());
  if (most > kEntriesMax) {
    return Fail(Count(most, "entries of one class; the kernel holds ") +
                std::to_string(kEntriesMax));
  }
  if (plan_.groups.size() > rule::kDenyGroupsMax)
    return Fail(Count(plan_.groups.size(),
                      "different lists of executables after `by` and "
                      "`ancestor`; the kernel holds ") +
                std::to_string(rule::kDenyGroupsMax));
  if (plan_.policies.size() > rule::kDenyPoliciesMax)
    return Fail(Count(plan_.policies.size(), "policies on one container; the kernel holds ") +
                std::to_string(rule::kDenyPoliciesMax));
  if (plan_.allow.size() > NSW_ALLOWS)
    return Fail(Count(plan_.allow.size(), "allow lists on one container; the kernel holds ") +
                std::to_string(NSW_ALLOWS));
  return {};
}

nsw_clause Under(nsw_clause clause, const rule::DenyCondition& condition) {
  clause.by = static_cast<uint8_t>(condition.by);
  clause.ancestor = static_cast<uint8_t>(condition.ancestor);
  clause.when = condition.when;
  return clause;
}

Status Lowering::Entry(size_t position) {
  const rule::DenyEntry& entry = plan_.entries[position];
  nsw_clause clause{};
  clause.rule = entry.rule;
  clause.entry = static_cast<uint32_t>(position);
  clause.classes = entry.classes;
  clause.kind = entry.allow ? NSW_CLAUSE_ALLOW : NSW_CLAUSE_DENY;
  clause.mode = static_cast<uint8_t>(entry.mode);
  clause.action = entry.action == rule::DenyAction::kKill ? NSW_ACTION_KILL : NSW_ACTION_REFUSE;
  clause.group = clause.policy = static_cast<uint8_t>(entry.policy);
  clause.port_high = 65535;
  for (const DenyKey& key : entry.keys) {
    if (Status status = Put(key, Under(clause, entry.condition)); !status) return status;
  }
  clause.kind = NSW_CLAUSE_EXCEPT;
  clause.group = 0;
  for (const rule::DenyException& hole : entry.exceptions) {
    for (const DenyKey& key : hole.keys.empty() ? entry.keys : hole.keys) {
      if (Status status = Put(key, Under(clause, hole.condition)); !status) return status;
    }
  }
  tables_.classes |= entry.classes;
  if (!entry.allow && entry.mode == NSW_VERDICT_DENIED) tables_.enforced |= entry.classes;
  return {};
}

// What is asked of executables: the groups that they are in, and whose startup they end.
Status Lowering::Others() {
  nsw_clause clause{};
  clause.port_high = 65535;
  for (size_t i = 0; i < plan_.groups.size(); ++i) {
    clause.kind = NSW_CLAUSE_BY;
    clause.classes = 1U << NSW_CLASS_BY;
    clause.group = static_cast<uint8_t>(i + 1);
    tables_.classes |= clause.classes;
    for (const DenyKey& key : plan_.groups[i].keys) {
      if (Status status = Put(key, clause); !status) return status;
    }
  }
  clause.group = 0;
  for (size_t i = 0; i < plan_.policies.size(); ++i) {
    if (plan_.policies[i].until.empty()) tables_.set.running |= 1U << i;
    clause.kind = NSW_CLAUSE_UNTIL;
    clause.classes = 1U << NSW_CLASS_UNTIL;
    clause.policy = static_cast<uint8_t>(i);
    for (const DenyKey& key : plan_.policies[i].until) {
      tables_.classes |= clause.classes;
      if (Status status = Put(key, clause); !status) return status;
    }
  }
  return {};
}

void Lowering::AllowLists() {
  for (const rule::AllowList& list : plan_.allow) {
    tables_.set.allow[tables_.set.allows++] = {list.rule, list.classes,
                                               static_cast<uint32_t>(list.mode), list.policy};
    tables_.classes |= list.classes;
    if (list.mode == NSW_VERDICT_DENIED) tables_.enforced |= list.classes;
  }
}

Status Lowering::Put(const DenyKey& key, nsw_clause clause) {
  switch (key.kind) {
    case DenyKind::kPath:
    case DenyKind::kBelow:
      return PutPath(key, clause);
    case DenyKind::kSuffix:
      return PutSuffix(key, clause);
    case DenyKind::kHolePath:
    case DenyKind::kHoleBelow:
      return PutHole(key, clause);
    case DenyKind::kNet:
      clause.port_low = key.net.port_low;
      clause.port_high = key.net.port_high;
      clause.protocol = key.net.protocol;
      nets_[{key.net.prefix, Masked(key.net.address, key.net.prefix)}].push_back(clause);
      return {};
    default:
      break;
  }
  const Result<PathKey> place = HashKey(key, seed_);
  if (!place) return tl::unexpected(place.error());
  if (key.kind == DenyKind::kName) tables_.set.names = 1;
  if (key.kind == DenyKind::kOrigin) tables_.set.origins |= 1U << key.number;
  paths_[*place].push_back(clause);
  return {};
}

Status Lowering::PutPath(const DenyKey& key, const nsw_clause& clause) {
  const Result<PathKey> place = HashKey(key, seed_);
  if (!place) return tl::unexpected(place.error());
  if (key.kind == DenyKind::kBelow)
    tables_.set.depths |= 1ULL << (HashPath(key.path, seed_).depth % 64);
  paths_[*place].push_back(clause);
  objects_[*place] = {key.path, kNoHole, key.kind == DenyKind::kBelow};
  return {};
}

Status Lowering::PutSuffix(const DenyKey& key, const nsw_clause& clause) {
  if (key.path.empty() || key.path.size() > 254)
    return Fail("'" + key.path + "' is not the end of a file's name");
  nsw_set& set = tables_.set;
  const auto length = static_cast<uint8_t>(key.path.size());
  uint8_t* end = set.suffix + set.suffixes;
  if (std::find(set.suffix, end, length) == end) {
    if (set.suffixes == NSW_SUFFIXES) {
      return Fail("suffixes of more than " + std::to_string(NSW_SUFFIXES) +
                  " different lengths; the kernel looks for no more");
    }
    *end = length;
    ++set.suffixes;
  }
  paths_[{NSW_KEY_SUFFIX, NameHash(key.path, seed_)}].push_back(clause);
  return {};
}

Result<uint32_t> Lowering::Shape(uint32_t depth, uint32_t position) {
  nsw_set& set = tables_.set;
  for (uint32_t i = 0; i < set.shapes; ++i) {
    if (set.shape[i].depth == depth && set.shape[i].position == position) return i;
  }
  if (set.shapes == NSW_SHAPES) {
    return Fail("paths with a '*' component in more than " + std::to_string(NSW_SHAPES) +
                " different depths and places; the kernel looks for no more");
  }
  uint64_t power = 1;
  for (uint32_t i = position + 1; i < depth; ++i) power *= NSW_FOLD;
  set.shape[set.shapes] = {power, depth, position};
  set.hole_depths |= 1ULL << depth;
  return set.shapes++;
}

Status Lowering::PutHole(const DenyKey& key, const nsw_clause& clause) {
  const PathHash path = HashPath(key.path, seed_, key.hole);
  if (path.depth > NSW_HOLE_DEPTH || key.hole >= path.depth) {
    return Fail("'" + key.path + "': a '*' component is looked for in the first " +
                std::to_string(NSW_HOLE_DEPTH) + " components of a path");
  }
  const Result<uint32_t> shape = Shape(path.depth, key.hole);
  if (!shape) return tl::unexpected(shape.error());
  const uint32_t kind = key.kind == DenyKind::kHolePath ? NSW_KEY_HOLE : NSW_KEY_HOLE_BELOW;
  const PathKey place(kind | *shape << NSW_KEY_SHAPE, path.hash);
  paths_[place].push_back(clause);
  objects_[place] = {key.path, key.hole, kind == NSW_KEY_HOLE_BELOW};
  return {};
}

Result<nsw_clauses> Lowering::Store(Clauses clauses, const std::string& where) {
  std::sort(clauses.begin(), clauses.end(), Before);
  const auto same = [](const nsw_clause& a, const nsw_clause& b) { return Fields(a) == Fields(b); };
  clauses.erase(std::unique(clauses.begin(), clauses.end(), same), clauses.end());
  if (clauses.size() > NSW_KEY_CLAUSES) {
    return Fail(Count(clauses.size(), "entries and exceptions speak of one " + where) +
                ", the kernel holds " + std::to_string(NSW_KEY_CLAUSES));
  }
  const auto [at, fresh] = stored_.try_emplace(std::move(clauses));
  if (fresh) {
    at->second = {static_cast<uint32_t>(tables_.clauses.size()),
                  static_cast<uint32_t>(at->first.size())};
    tables_.clauses.insert(tables_.clauses.end(), at->first.begin(), at->first.end());
  }
  return at->second;
}

// The longest range that covers an address is all that the kernel finds: it has the clauses of all
// that do.
Status Lowering::PackNets() {
  std::set<uint8_t> prefixes;
  for (const auto& [place, clauses] : nets_) prefixes.insert(place.first);
  for (const auto& [place, own] : nets_) {
    Clauses all;
    for (const uint8_t prefix : prefixes) {
      if (prefix > place.first) break;
      const auto found = nets_.find({prefix, Masked(place.second, prefix)});
      if (found != nets_.end()) all.insert(all.end(), found->second.begin(), found->second.end());
    }
    const Result<nsw_clauses> stored = Store(std::move(all), "address range");
    if (!stored) return tl::unexpected(stored.error());
    nsw_net_key key{};
    key.prefix = place.first;
    std::memcpy(key.addr.b, place.second.data(), place.second.size());
    tables_.nets.emplace_back(key, *stored);
  }
  return {};
}

Status Lowering::Pack() {
  for (auto& [key, clauses] : paths_) {
    const Result<nsw_clauses> stored = Store(std::move(clauses), "object");
    if (!stored) return tl::unexpected(stored.error());
    tables_.paths[key] = *stored;
    if (const auto object = objects_.find(key); object != objects_.end()) {
      object->second.clauses = *stored;
      tables_.objects.push_back(object->second);
    }
  }
  return PackNets();
}

Result<PathKey> NameKey(const DenyKey& key, uint64_t seed) {
  if (key.path.empty() || key.path.size() > 255 || key.path.find('/') != std::string::npos)
    return Fail("'" + key.path + "' is not the name of a file");
  return PathKey{NSW_KEY_NAME, NameHash(key.path, seed)};
}

}  // namespace

Result<PathKey> HashKey(const DenyKey& key, uint64_t seed) {
  switch (key.kind) {
    case DenyKind::kName:
      return NameKey(key, seed);
    case DenyKind::kAbstract:
      if (key.path.size() > 107) return Fail("'" + key.path + "' is too long for a socket's name");
      return PathKey{NSW_KEY_ABSTRACT, NameHash(key.path, seed)};
    case DenyKind::kSocket:
      return PathKey{NSW_KEY_SOCKET, key.number};
    case DenyKind::kCapability:
      return PathKey{NSW_KEY_CAPABILITY, key.number};
    case DenyKind::kOperation:
      return PathKey{NSW_KEY_OPERATION, key.number};
    case DenyKind::kOrigin:
      return PathKey{NSW_KEY_ORIGIN, key.number};
    default:
      break;
  }
  if (!key.path.starts_with('/')) return Fail("'" + key.path + "' is not an absolute path");
  const PathHash path = HashPath(key.path, seed);
  if (path.depth > NSW_DEPTH_MAX) {
    return Fail("a path of " + std::to_string(path.depth) +
                " components; the kernel's walk ends at " + std::to_string(NSW_DEPTH_MAX));
  }
  return PathKey{key.kind == DenyKind::kBelow ? NSW_KEY_BELOW : NSW_KEY_PATH, path.hash};
}

nsw_push PushOf(const rule::DenyEntry& entry, uint64_t expires_ns) {
  return {entry.rule, entry.classes, static_cast<uint32_t>(entry.mode),
          entry.action == rule::DenyAction::kKill ? uint32_t{NSW_ACTION_KILL}
                                                  : uint32_t{NSW_ACTION_REFUSE},
          expires_ns};
}

// What the kernel takes for an element of a hash map (struct htab_elem, its bucket) and for a node
// of a trie (and the inner one that a node can need).
uint64_t DenyTables::bytes() const {
  constexpr uint64_t kElement = 48 + sizeof(nsw_path_key) + sizeof(nsw_clauses);
  constexpr uint64_t kNode = 2 * 96;
  return (clauses.size() + kSpareClauses) * 32 + paths.size() * kElement +
         std::bit_ceil(std::max<uint64_t>(1, paths.size())) * 16 + sizeof(nsw_filter) +
         nets.size() * kNode;
}

std::unique_ptr<nsw_filter> FilterOf(const DenyTables& tables) {
  auto filter = std::make_unique<nsw_filter>();
  for (const auto& [key, clauses] : tables.paths)
    nsw_filter_add(filter.get(), key.first, key.second);
  return filter;
}

Refusals RefusalsOf(const rule::DenyPlan& plan) {
  Refusals all;
  for (const rule::DenyEntry& entry : plan.entries) {
    all.classes |= entry.classes;
    for (const DenyKey& key : entry.keys) {
      if (key.kind == DenyKind::kOperation) all.operations |= 1U << key.number;
    }
  }
  for (const rule::AllowList& list : plan.allow) {
    all.classes |= list.classes;
    if ((list.classes >> NSW_CLASS_OPERATION & 1) != 0)  // all that it does not name
      all.operations = (1U << NSW_OPERATION_COUNT) - 1;
  }
  for (const rule::DenyPolicy& policy : plan.policies) {
    if (!policy.until.empty()) all.classes |= 1U << NSW_CLASS_UNTIL;
  }
  return all;
}

Result<DenyTables> Lower(const rule::DenyPlan& plan, uint64_t seed) {
  return Lowering(plan, seed).Run();
}

}  // namespace nsw::kernel
