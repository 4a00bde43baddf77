// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/entries.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace nsw::test {
namespace {

using rule::DenyKey;
using rule::DenyKind;

constexpr const char* kClasses[] = {
#define CLASS(NAME, name, ...) #name,
#include "bpf/deny.def"
};
constexpr const char* kOperations[] = {
#define OPERATION(NAME, name, ...) #name,
#include "bpf/deny.def"
};
constexpr const char* kOrigins[] = {
#define ORIGIN(NAME, name, ...) #name,
#include "bpf/deny.def"
};

template <size_t N>
uint32_t PositionOf(const char* const (&names)[N], const std::string& name) {
  const auto at = std::find_if(names, names + N, [&](const char* n) { return name == n; });
  return static_cast<uint32_t>(at - names);
}

bool Take(std::string& text, const std::string& prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

void Ports(const std::string& text, rule::NetRange& net) {
  const int read = sscanf(text.c_str(), ":%hu-%hu", &net.port_low, &net.port_high);
  if (read == 1) net.port_high = net.port_low;
}

rule::NetRange Net(std::string text) {
  rule::NetRange net;
  if (text.starts_with(':')) {
    Ports(text, net);
    return net;
  }
  if (const size_t at = text.find(']'); text.starts_with('[') && at != std::string::npos) {
    Ports(text.substr(at + 1), net);
    text = text.substr(1, at - 1);
  } else if (const size_t colon = text.find(':');
             colon != std::string::npos && text.find('.') != std::string::npos) {
    Ports(text.substr(colon), net);
    text.resize(colon);
  }
  int prefix = -1;
  if (const size_t slash = text.find('/'); slash != std::string::npos) {
    prefix = std::stoi(text.substr(slash + 1));
    text.resize(slash);
  }
  if (in_addr four{}; inet_pton(AF_INET, text.c_str(), &four) == 1) {
    net.address[10] = net.address[11] = 0xff;
    std::memcpy(&net.address[12], &four, 4);
    net.prefix = static_cast<uint8_t>(96 + (prefix < 0 ? 32 : prefix));
  } else if (inet_pton(AF_INET6, text.c_str(), net.address.data()) == 1) {
    net.prefix = static_cast<uint8_t>(prefix < 0 ? 128 : prefix);
  }
  return net;
}

/// Position of the component "*"; -1 if there is none.
int HoleIn(const std::string& path) {
  std::istringstream parts(path.substr(1));
  int at = 0;
  for (std::string part; std::getline(parts, part, '/'); ++at) {
    if (part == "*") return at;
  }
  return -1;
}

void AddPath(std::string text, std::vector<DenyKey>& keys) {
  DenyKey key;
  bool below = false;
  bool both = false;
  if (text.ends_with("/**")) {
    below = true;
    text.resize(text.size() - 3);
  } else if (text.size() > 1 && text.ends_with('/')) {
    both = true;
    text.pop_back();
  }
  key.path = text.empty() ? "/" : text;
  const int hole = HoleIn(key.path);
  key.kind = below ? DenyKind::kBelow : DenyKind::kPath;
  if (hole >= 0) {
    key.kind = below ? DenyKind::kHoleBelow : DenyKind::kHolePath;
    key.hole = static_cast<uint8_t>(hole);
  }
  keys.push_back(key);
  if (!both) return;
  key.kind = DenyKind::kBelow;
  keys.push_back(key);
}

std::vector<DenyKey> Keys(std::string text) {
  std::vector<DenyKey> keys;
  DenyKey key;
  if (Take(text, "unix:@")) {
    key.kind = DenyKind::kAbstract;
    key.path = text;
  } else if (Take(text, "cap:")) {
    key.kind = DenyKind::kCapability;
    key.number = static_cast<uint32_t>(std::stoul(text));
  } else if (Take(text, "op:")) {
    key.kind = DenyKind::kOperation;
    key.number = PositionOf(kOperations, text);
  } else if (Take(text, "origin:")) {
    key.kind = DenyKind::kOrigin;
    key.number = PositionOf(kOrigins, text);
  } else if (Take(text, "sock:")) {
    unsigned family = rule::kAnySocket;
    unsigned type = rule::kAnySocket;
    sscanf(text.c_str(), "%u:%u", &family, &type);
    key.kind = DenyKind::kSocket;
    key.number = family << 16 | type;
  } else if (Take(text, "**/*")) {
    key.kind = DenyKind::kSuffix;
    key.path = text;
  } else if (Take(text, "**/")) {
    key.kind = DenyKind::kName;
    key.path = text;
  } else if (Take(text, "unix:") || text.starts_with('/')) {
    AddPath(text, keys);
    return keys;
  } else {
    key.kind = DenyKind::kNet;
    key.net = Net(text);
  }
  keys.push_back(key);
  return keys;
}

uint16_t Group(const std::string& path, rule::DenyPlan& plan) {
  plan.groups.push_back({Keys(path)});
  return static_cast<uint16_t>(plan.groups.size());
}

uint8_t When(const std::string& name) {
  if (name == "startup") return rule::kWhenStartup;
  return name == "running" ? rule::kWhenRunning : rule::kWhenJoined;
}

Status Option(std::string text, rule::DenyEntry& entry, rule::DenyPlan& plan) {
  if (Take(text, "by=")) {
    entry.condition.by = Group(text, plan);
  } else if (Take(text, "ancestor=")) {
    entry.condition.ancestor = Group(text, plan);
  } else if (Take(text, "when=")) {
    entry.condition.when = When(text);
  } else if (Take(text, "except=")) {
    entry.exceptions.push_back({Keys(text), {}});
  } else if (Take(text, "except-by=")) {
    entry.exceptions.push_back({{}, {.by = Group(text, plan)}});
  } else if (Take(text, "except-when=")) {
    entry.exceptions.push_back({{}, {.when = When(text)}});
  } else {
    return Fail("unknown option " + text);
  }
  return {};
}

Status Classes(const std::string& names, uint32_t& bits) {
  std::istringstream parts(names);
  for (std::string name; std::getline(parts, name, ',');) {
    const uint32_t at = PositionOf(kClasses, name);
    if (name == "write") {
      bits |= rule::kWriteClasses;
    } else if (at < std::size(kClasses)) {
      bits |= 1U << at;
    } else {
      return Fail("unknown class " + name);
    }
  }
  return {};
}

rule::DenyPolicy& Policy(rule::DenyPlan& plan, uint16_t policy) {
  if (plan.policies.size() <= policy) plan.policies.resize(policy + 1U);
  return plan.policies[policy];
}

void CoverBy(rule::DenyPlan& plan, const rule::DenyEntry& entry) {
  for (uint32_t c = 0; c < std::size(kClasses); ++c) {
    if ((entry.classes >> c & 1) == 0) continue;
    const uint32_t rule = 1000 + 100U * entry.policy + c;
    const bool known = std::any_of(plan.allow.begin(), plan.allow.end(),
                                   [&](const rule::AllowList& l) { return l.rule == rule; });
    if (!known) plan.allow.push_back({rule, 1U << c, entry.mode, entry.policy});
  }
}

}  // namespace

Status AddEntry(const std::string& whole, rule::DenyPlan& plan) {
  std::istringstream words(whole);
  std::string text;
  std::getline(words, text, ' ');
  if (Take(text, "until=")) {
    Policy(plan, 0).until = Keys(text);
    return {};
  }
  rule::DenyEntry entry;
  entry.rule = static_cast<uint32_t>(plan.entries.size() + 1);
  entry.mode = Take(text, "audit:") ? NSW_VERDICT_AUDIT : NSW_VERDICT_DENIED;
  if (Take(text, "kill:")) entry.action = rule::DenyAction::kKill;
  if (text.size() > 2 && text[0] == 'p' && text[2] == ':') {
    entry.policy = static_cast<uint16_t>(text[1] - '0');
    text.erase(0, 3);
  }
  entry.allow = Take(text, "allow:");
  Policy(plan, entry.policy);
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return Fail("no '=' in " + whole);
  if (Status status = Classes(text.substr(0, equals), entry.classes); !status) return status;
  entry.keys = Keys(text.substr(equals + 1));
  for (std::string option; std::getline(words, option, ' ');) {
    if (Status status = Option(option, entry, plan); !status) return status;
  }
  if (entry.allow) CoverBy(plan, entry);
  plan.entries.push_back(std::move(entry));
  return {};
}

}  // namespace nsw::test
