// SPDX-License-Identifier: Apache-2.0
// Addresses and ports of deny entries.
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "engine/event/address.h"
#include "engine/rule/deny_entry.h"
#include "engine/rule/diagnostics.h"

namespace nsw::rule {
namespace {

constexpr std::string_view kForms =
    "write 10.0.0.1, 10.0.0.0/8, :443, 10.0.0.0/8:443, 10.0.0.0/8:1-1023/tcp or "
    "[2001:db8::/32]:443; unix:/path or unix:@name";
constexpr std::string_view kUnix = "unix:";

using Keys = std::vector<DenyKey>;

// The parts of an entry: ADDRESS[:PORTS][/PROTOCOL].
struct Parts {
  std::string_view address;  // empty: any
  std::string_view ports;    // empty: any
  std::string_view protocol;
};

// The brackets tell where an IPv6 address ends; without them more than one colon means that there
// is no port.
std::optional<Parts> Split(std::string_view text) {
  Parts parts;
  for (const std::string_view protocol : {"tcp", "udp"}) {
    if (text.ends_with(protocol) && text.size() > 3 && text[text.size() - 4] == '/') {
      parts.protocol = protocol;
      text.remove_suffix(4);
    }
  }
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    parts.address = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (text.empty()) return parts;
    if (!text.starts_with(':') || text.size() < 2) return std::nullopt;
    parts.ports = text.substr(1);
    return parts;
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    parts.address = text;
    return parts;
  }
  parts.address = text.substr(0, colon);
  parts.ports = text.substr(colon + 1);
  if (parts.ports.empty()) return std::nullopt;
  return parts;
}

bool ParsePort(std::string_view text, uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

bool ParsePorts(std::string_view text, NetRange& net) {
  if (text.empty()) return true;
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos)
    return ParsePort(text, net.port_low) && ParsePort(text, net.port_high) && net.port_low > 0;
  return ParsePort(text.substr(0, dash), net.port_low) &&
         ParsePort(text.substr(dash + 1), net.port_high) && net.port_low <= net.port_high;
}

bool SameBits(const nsw_addr& a, const nsw_addr& b) {
  return std::memcmp(a.b, b.b, sizeof a.b) == 0;
}

DenyKey Key(NetRange net, const event::Network& network) {
  std::ranges::copy(network.address.b, net.address.begin());
  net.prefix = network.prefix;
  DenyKey key;
  key.kind = DenyKind::kNet;
  key.net = net;
  return key;
}

// A block of IPv6 that IPv4's mapped addresses lie in ("::/0") does not mean these: the rest of it
// is a block for each bit, the one that branches off there.
Keys WithoutMapped(const NetRange& net, const event::Network& network) {
  static const event::Network mapped = *event::ParseNetwork("0.0.0.0/0");
  if (network.prefix >= mapped.prefix || !network.Contains(mapped.address))
    return {Key(net, network)};
  Keys keys;
  for (uint8_t bit = network.prefix; bit < mapped.prefix; bit++) {
    event::Network branch{mapped.address, static_cast<uint8_t>(bit + 1)};
    branch.address.b[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    for (size_t i = bit + 1; i < 128; i++)
      branch.address.b[i / 8] &= static_cast<uint8_t>(~(0x80 >> (i % 8)));
    keys.push_back(Key(net, branch));
  }
  return keys;
}

bool LooksLikeName(std::string_view address) {
  const auto letter = [](char c) {
    return ((c | 32) >= 'g' && (c | 32) <= 'z') || c == '-' || c == '_';
  };
  return std::ranges::any_of(address, letter) ||
         (address.find(':') == std::string_view::npos &&
          std::ranges::any_of(address, [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'f'; }));
}

Keys ParseAddressPart(std::string_view text, const Parts& parts, const NetRange& net,
                      EntryError& error) {
  const auto at = static_cast<size_t>(parts.address.data() - text.data());
  const auto network = event::ParseNetwork(parts.address);
  if (!network) {
    if (LooksLikeName(parts.address)) {
      error = {at, Quoted(parts.address) + " is a host name",
               "write addresses: what a name means is decided by whoever answers for it, and anew "
               "each time"};
    } else {
      error = {at, Quoted(parts.address) + " is not an address or a block of addresses",
               std::string(kForms)};
    }
    return {};
  }
  const auto given = event::ParseAddress(parts.address.substr(0, parts.address.find('/')));
  if (!SameBits(*given, network->address)) {
    const int bits =
        event::IsIpv4(network->address) && parts.address.find(':') == std::string_view::npos
            ? network->prefix - 96
            : network->prefix;
    error = {at, Quoted(parts.address) + " has bits beyond its prefix",
             "did you mean " + event::AddressText(network->address) + "/" + std::to_string(bits) +
                 ", or the address alone?"};
    return {};
  }
  return WithoutMapped(net, *network);
}

// What stands behind "unix:".
Keys ParseUnix(std::string_view text, EntryError& error) {
  constexpr size_t kAbstractMax = 107;  // bytes, after the leading NUL
  if (!text.starts_with('@')) {
    Keys keys = ParsePathEntry(text, error);
    if (keys.empty()) error.at += kUnix.size();
    return keys;
  }
  DenyKey key;
  key.kind = DenyKind::kAbstract;
  key.path = text.substr(1);
  const size_t odd = text.find_first_of("*?");
  if (odd != std::string_view::npos) {
    error = {kUnix.size() + odd, "an abstract name is compared as a whole", "write each name out"};
  } else if (key.path.empty() || key.path.size() > kAbstractMax) {
    error = {kUnix.size(), "an abstract name has 1 to 107 bytes", ""};
  } else {
    return {key};
  }
  return {};
}

// Whether `text` is something else that people write for an address; `error` says what.
bool IsOtherwise(std::string_view text, EntryError& error) {
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const size_t zone = text.find('%');
  const std::string_view tail = text.substr(std::min(text.rfind('/'), text.size() - 1) + 1);
  if (text.find("://") != text.npos) {
    error = {0, Quoted(text) + " is a URL", std::string(kForms)};
  } else if (text.starts_with('/')) {
    error = {0, Quoted(text) + " is a path", "write unix:" + std::string(text)};
  } else if (zone != text.npos) {
    error = {zone, "an address has no interface here", "leave out what begins with %"};
  } else if (!tail.empty() && tail != "tcp" && tail != "udp" && std::ranges::all_of(tail, letter)) {
    error = {text.size() - tail.size(), Quoted(tail) + " is not a protocol that is told apart",
             "write /tcp or /udp, or neither: any protocol"};
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::vector<DenyKey> ParseNetEntry(std::string_view text, EntryError& error) {
  if (text.starts_with(kUnix)) return ParseUnix(text.substr(kUnix.size()), error);
  if (IsOtherwise(text, error)) return {};
  const auto parts = Split(text);
  if (!parts) {
    error = {0, Quoted(text) + " is not an address with a port", std::string(kForms)};
    return {};
  }
  NetRange net;
  if (parts->protocol == "tcp") net.protocol = IPPROTO_TCP;
  if (parts->protocol == "udp") net.protocol = IPPROTO_UDP;
  if (!ParsePorts(parts->ports, net)) {
    error = {static_cast<size_t>(parts->ports.data() - text.data()),
             Quoted(parts->ports) + " is not a port or a range of ports", std::string(kForms)};
    return {};
  }
  if (!parts->address.empty()) return ParseAddressPart(text, *parts, net, error);
  if (!parts->ports.empty()) return {Key(net, {{}, 0})};
  error = {0, Quoted(text) + " names neither an address nor a port", std::string(kForms)};
  return {};
}

}  // namespace nsw::rule
