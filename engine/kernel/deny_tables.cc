// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/deny_tables.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>

#include "engine/kernel/path_hash.h"

namespace nsw::kernel {
namespace {

void SpeakOne(nsw_rule_ref& ref, const nsw_rule_ref& more) {
  if (more.rule != 0 && (ref.rule == 0 || ref.mode < more.mode)) ref = more;
}

/// Zeroes what lies beyond the prefix.
std::array<uint8_t, 16> Masked(const rule::NetRange& net) {
  std::array<uint8_t, 16> address = net.address;
  for (unsigned bit = net.prefix; bit < 128; ++bit) {
    address[bit / 8] &= static_cast<uint8_t>(~(0x80U >> (bit % 8)));
  }
  return address;
}

/// True where every address of `inner` is one of `outer`.
bool Covers(const rule::NetRange& outer, const rule::NetRange& inner) {
  if (outer.prefix > inner.prefix) return false;
  rule::NetRange cut = inner;
  cut.prefix = outer.prefix;
  return Masked(cut) == Masked(outer);
}

nsw_net_rule NetRule(const rule::DenyEntry& entry) {
  nsw_net_rule out{};
  out.rule = entry.rule;
  out.port_low = entry.net.port_low;
  out.port_high = entry.net.port_high;
  out.protocol = entry.net.protocol;
  out.mode = static_cast<uint8_t>(entry.mode);
  return out;
}

/// The rules that speak of the addresses of one prefix: its own and those of each prefix that
/// covers it.
Result<nsw_net> RulesOf(const rule::NetRange& net, const std::vector<const rule::DenyEntry*>& all) {
  std::vector<const rule::DenyEntry*> speaking;
  for (const rule::DenyEntry* entry : all) {
    if (Covers(entry->net, net)) speaking.push_back(entry);
  }
  if (speaking.size() > NSW_NET_RULES) {
    return Fail(std::to_string(speaking.size()) +
                " connect entries speak of one address range, the kernel holds " +
                std::to_string(NSW_NET_RULES) + "; name fewer overlapping ranges or ports");
  }
  std::stable_sort(speaking.begin(), speaking.end(),
                   [](auto* a, auto* b) { return a->mode > b->mode; });
  nsw_net value{};
  for (const rule::DenyEntry* entry : speaking) value.rules[value.count++] = NetRule(*entry);
  return value;
}

Status LowerNets(const rule::DenyPlan& plan, DenyTables& tables) {
  std::vector<const rule::DenyEntry*> entries;
  for (const rule::DenyEntry& entry : plan.entries) {
    if (entry.kind == rule::DenyKind::kNet) entries.push_back(&entry);
  }
  std::set<std::pair<uint8_t, std::array<uint8_t, 16>>> done;
  for (const rule::DenyEntry* entry : entries) {
    const std::array<uint8_t, 16> address = Masked(entry->net);
    if (!done.emplace(entry->net.prefix, address).second) continue;
    Result<nsw_net> value = RulesOf(entry->net, entries);
    if (!value) return tl::unexpected(value.error());
    nsw_net_key key{};
    key.prefix = entry->net.prefix;
    std::memcpy(key.addr.b, address.data(), address.size());
    tables.nets.emplace_back(key, *value);
  }
  return {};
}

Status LowerPath(const rule::DenyEntry& entry, uint64_t seed, DenyTables& tables) {
  if (entry.kind == rule::DenyKind::kName) {
    if (entry.path.empty() || entry.path.size() > 255 ||
        entry.path.find('/') != std::string::npos) {
      return Fail("'" + entry.path + "' is not the name of a file");
    }
    Speak(tables.paths[{NSW_KEY_NAME, NameHash(entry.path, seed)}], entry);
    tables.set.names = 1;
    return {};
  }
  if (!entry.path.starts_with('/')) return Fail("'" + entry.path + "' is not an absolute path");
  const PathHash path = HashPath(entry.path, seed);
  if (path.depth > NSW_DEPTH_MAX) {
    return Fail("a path of " + std::to_string(path.depth) +
                " components; the kernel's walk ends at " + std::to_string(NSW_DEPTH_MAX));
  }
  const bool below = entry.kind == rule::DenyKind::kBelow;
  if (below) tables.set.depths |= 1ULL << (path.depth % 64);
  Speak(tables.paths[{below ? NSW_KEY_BELOW : NSW_KEY_PATH, path.hash}], entry);
  return {};
}

}  // namespace

void Speak(nsw_verdict& verdict, const rule::DenyEntry& entry) {
  for (unsigned c = 0; c < NSW_CLASS_COUNT; ++c) {
    if ((entry.classes & 1U << c) != 0) {
      SpeakOne(verdict.by_class[c], {entry.rule, static_cast<uint32_t>(entry.mode)});
    }
  }
}

void Merge(nsw_verdict& verdict, const nsw_verdict& other) {
  for (unsigned c = 0; c < NSW_CLASS_COUNT; ++c) SpeakOne(verdict.by_class[c], other.by_class[c]);
}

uint32_t ClassBits(const std::vector<rule::DenyEntry>& entries) {
  uint32_t bits = 0;
  for (const rule::DenyEntry& entry : entries) {
    bits |= entry.classes;
    if (entry.mode == NSW_VERDICT_DENIED) bits |= entry.classes << NSW_CLASS_ENFORCED;
  }
  return bits;
}

Result<DenyTables> Lower(const rule::DenyPlan& plan, uint64_t seed) {
  DenyTables tables;
  for (const rule::DenyEntry& entry : plan.entries) {
    if (entry.rule == 0) return Fail("a deny entry without a rule id");
    if (entry.kind == rule::DenyKind::kNet) continue;
    if (Status status = LowerPath(entry, seed, tables); !status)
      return tl::unexpected(status.error());
  }
  if (Status status = LowerNets(plan, tables); !status) return tl::unexpected(status.error());
  return tables;
}

}  // namespace nsw::kernel
