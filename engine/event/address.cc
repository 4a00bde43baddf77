// SPDX-License-Identifier: Apache-2.0
#include "engine/event/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace nsw::event {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The bits of byte `i` that a prefix keeps.
uint8_t Mask(uint8_t prefix, size_t i) {
  const int bits = std::clamp(static_cast<int>(prefix) - static_cast<int>(i) * 8, 0, 8);
  return static_cast<uint8_t>(0xff00 >> bits);
}

}  // namespace

bool IsZero(const nsw_addr& address) {
  return std::all_of(std::begin(address.b), std::end(address.b), [](uint8_t b) { return b == 0; });
}

bool IsIpv4(const nsw_addr& address) {
  return std::memcmp(address.b, kMapped, sizeof kMapped) == 0;
}

std::string_view AddressText(const nsw_addr& address, char (&room)[INET6_ADDRSTRLEN]) {
  const bool v4 = IsIpv4(address);
  const void* bytes = v4 ? address.b + sizeof kMapped : address.b;
  const char* text = inet_ntop(v4 ? AF_INET : AF_INET6, bytes, room, sizeof room);
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

std::string AddressText(const nsw_addr& address) {
  char room[INET6_ADDRSTRLEN];
  return std::string(AddressText(address, room));
}

std::optional<nsw_addr> ParseAddress(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a terminator
  if (copy.size() != text.size() || copy.find('\0') != std::string::npos) return std::nullopt;
  nsw_addr address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.b) == 1) return address;
  if (inet_pton(AF_INET, copy.c_str(), address.b + sizeof kMapped) != 1) return std::nullopt;
  std::memcpy(address.b, kMapped, sizeof kMapped);
  return address;
}

bool Network::Contains(const nsw_addr& other) const {
  for (size_t i = 0; i < sizeof other.b; i++) {
    if (((address.b[i] ^ other.b[i]) & Mask(prefix, i)) != 0) return false;
  }
  return true;
}

std::optional<Network> ParseNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = ParseAddress(host);
  if (!address) return std::nullopt;
  // A mapped address written as IPv6 counts its prefix in IPv6's bits.
  const bool dotted = host.find(':') == std::string_view::npos;
  unsigned bits = dotted ? 32 : 128;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned given = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
    if (error != std::errc{} || end != digits.data() + digits.size() || given > bits) {
      return std::nullopt;
    }
    bits = given;
  }
  Network network{*address, static_cast<uint8_t>(dotted ? bits + 96 : bits)};
  for (size_t i = 0; i < sizeof network.address.b; i++) {
    network.address.b[i] &= Mask(network.prefix, i);
  }
  return network;
}

}  // namespace nsw::event
