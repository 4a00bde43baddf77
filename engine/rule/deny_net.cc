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
    "[2001:db8::/32]:443";

using Entries = std::vector<DenyEntry>;

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

DenyEntry Entry(NetRange net, const event::Network& network) {
  std::ranges::copy(network.address.b, net.address.begin());
  net.prefix = network.prefix;
  DenyEntry entry;
  entry.kind = DenyKind::kNet;
  entry.classes = 1U << NSW_CLASS_CONNECT;
  entry.net = net;
  return entry;
}

// A block of IPv6 that IPv4's mapped addresses lie in ("::/0") does not mean these: the rest of it
// is a block for each bit, the one that branches off there.
Entries WithoutMapped(const NetRange& net, const event::Network& network) {
  static const event::Network mapped = *event::ParseNetwork("0.0.0.0/0");
  if (network.prefix >= mapped.prefix || !network.Contains(mapped.address))
    return {Entry(net, network)};
  Entries entries;
  for (uint8_t bit = network.prefix; bit < mapped.prefix; bit++) {
    event::Network branch{mapped.address, static_cast<uint8_t>(bit + 1)};
    branch.address.b[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    for (size_t i = bit + 1; i < 128; i++)
      branch.address.b[i / 8] &= static_cast<uint8_t>(~(0x80 >> (i % 8)));
    entries.push_back(Entry(net, branch));
  }
  return entries;
}

bool LooksLikeName(std::string_view address) {
  const auto letter = [](char c) {
    return ((c | 32) >= 'g' && (c | 32) <= 'z') || c == '-' || c == '_';
  };
  return std::ranges::any_of(address, letter) ||
         (address.find(':') == std::string_view::npos &&
          std::ranges::any_of(address, [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'f'; }));
}

Entries ParseAddressPart(std::string_view text, const Parts& parts, const NetRange& net,
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

}  // namespace

std::vector<DenyEntry> ParseNetEntry(std::string_view text, EntryError& error) {
  if (text.starts_with("unix:")) {
    error = {
        0, "unix: is not supported yet",
        "deny read or write of the socket's directory does not stop a connect; mount it elsewhere"};
    return {};
  }
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
  if (!parts->ports.empty()) return {Entry(net, {{}, 0})};
  error = {0, Quoted(text) + " names neither an address nor a port", std::string(kForms)};
  return {};
}

std::vector<DenyEntry> ParseEntry(std::string_view text, nsw_class deny_class, EntryError& error) {
  return deny_class == NSW_CLASS_CONNECT ? ParseNetEntry(text, error)
                                         : ParsePathEntry(text, deny_class, error);
}

std::string_view ClassName(nsw_class deny_class) {
  static constexpr std::string_view kNames[NSW_CLASS_COUNT] = {"exec", "read", "write", "connect"};
  return kNames[deny_class];
}

}  // namespace nsw::rule
