// SPDX-License-Identifier: Apache-2.0
// Deny and allow entries that are names: sockets, capabilities, operations.
#include <strings.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <optional>

#include "engine/event/enumeration.h"
#include "engine/rule/deny_entry.h"
#include "engine/rule/diagnostics.h"

namespace nsw::rule {
namespace {

using Keys = std::vector<DenyKey>;

constexpr std::string_view kSocketForms =
    "write FAMILY, FAMILY/TYPE or */TYPE: packet, inet/raw, */raw";

// "raw" and "SOCK_RAW" are both SOCK_RAW.
bool IsName(std::string_view text, std::string_view name, std::string_view prefix) {
  const auto same = [&](std::string_view whole) {
    return text.size() == whole.size() && strncasecmp(text.data(), whole.data(), text.size()) == 0;
  };
  return same(name) || same(name.substr(prefix.size()));
}

std::optional<uint64_t> Number(std::string_view text, const event::Enumeration& names,
                               std::string_view prefix) {
  for (const event::NamedValue& value : names.values) {
    if (IsName(text, value.name, prefix)) return value.value;
  }
  return std::nullopt;
}

// What the hint offers: the names as one would write them.
std::string NameHint(std::string_view text, const event::Enumeration& names,
                     std::string_view prefix) {
  std::vector<std::string> lower;
  for (const event::NamedValue& value : names.values) {
    std::string name(value.name.substr(prefix.size()));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    lower.push_back(std::move(name));
  }
  const std::vector<std::string_view> views(lower.begin(), lower.end());
  return DidYouMean(text, views);
}

Keys OneNumber(DenyKind kind, uint64_t number) {
  DenyKey key;
  key.kind = kind;
  key.number = static_cast<uint32_t>(number);
  return {key};
}

}  // namespace

std::vector<DenyKey> ParseSocketEntry(std::string_view text, EntryError& error) {
  const size_t slash = text.find('/');
  const std::string_view family = text.substr(0, slash);
  const std::string_view type = slash == std::string_view::npos ? "*" : text.substr(slash + 1);
  std::optional<uint64_t> numbers[2] = {kAnySocket, kAnySocket};
  if (family == "*" && type == "*") {
    error = {0, "every socket there is", "name families or types; " + std::string(kSocketForms)};
    return {};
  }
  if (family != "*") numbers[0] = Number(family, *event::kNames_socket_families, "AF_");
  if (type != "*") numbers[1] = Number(type, *event::kNames_socket_types, "SOCK_");
  if (!numbers[0]) {
    error = {0, Quoted(family) + " is not a family of sockets",
             NameHint(family, *event::kNames_socket_families, "AF_")};
    return {};
  }
  if (!numbers[1]) {
    error = {slash + 1, Quoted(type) + " is not a type of socket",
             NameHint(type, *event::kNames_socket_types, "SOCK_")};
    return {};
  }
  return OneNumber(DenyKind::kSocket, *numbers[0] << 16 | *numbers[1]);
}

std::vector<DenyKey> ParseCapabilityEntry(std::string_view text, EntryError& error) {
  const auto bit = Number(text, *event::kNames_capabilities, "CAP_");
  if (bit) return OneNumber(DenyKind::kCapability, std::countr_zero(*bit));
  error = {0, Quoted(text) + " is not a capability",
           NameHint(text, *event::kNames_capabilities, "CAP_")};
  return {};
}

std::vector<DenyKey> ParseOperationEntry(std::string_view text, EntryError& error) {
  static constexpr std::array kNames{
#define OPERATION(NAME, name, ...) std::string_view(#name),
#include "bpf/deny.def"
  };
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) {
    error = {0, Quoted(text) + " is not an operation", DidYouMean(text, kNames)};
    return {};
  }
  const auto number = static_cast<uint32_t>(found - kNames.begin());
  Keys keys = OneNumber(DenyKind::kOperation, number);
  if (number == static_cast<uint32_t>(DenyOperation::k_mount))  // any change of mounts
    keys.push_back(
        OneNumber(DenyKind::kOperation, static_cast<uint32_t>(DenyOperation::k_umount))[0]);
  return keys;
}

}  // namespace nsw::rule
